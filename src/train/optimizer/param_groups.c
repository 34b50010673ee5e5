/* Parameter groups of an optimizer: some parameters have options of their own (a learning rate, a weight decay).
 *
 *     optimizer:
 *       _target_: torch.optim.Adam
 *       lr: 0.01
 *       param_groups:
 *         _target_: fettle.train.ParamGroups
 *         groups:
 *           - {params: edge_mlp, lr: 0.001, weight_decay: 1.0e-4}
 *
 * What no group names is group 0, with the optimizer's own options.  An optimizer may have a maker of groups of its own
 * instead (MuonWithAuxAdam). */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "train/optimizer/optimizer.h"
#include "train/optimizer/param_groups.h"

int parameters_match(const char *pattern, const char *name) {
    char part[512];
    for (const char *from = name; from; from = strchr(from, '.') ? strchr(from, '.') + 1 : NULL)
        for (const char *to = from; *to;) {
            to += strcspn(to, ".");
            if ((size_t)snprintf(part, sizeof part, "%.*s", (int)(to - from), from) < sizeof part &&
                !fnmatch(pattern, part, 0))
                return 1;
            to += *to == '.';
        }
    return 0;
}

static size_t size_of(enum option_type type) {
    switch (type) {
    case OPTION_BOOL:
        return sizeof(int);
    case OPTION_INT:
        return sizeof(int64_t);
    case OPTION_FLOAT:
        return sizeof(double);
    case OPTION_STRING:
    case OPTION_NODE:
        return sizeof(void *);
    case OPTION_INT_LIST:
        return sizeof(struct option_ints);
    case OPTION_FLOAT_LIST:
        return sizeof(struct option_floats);
    case OPTION_STRING_LIST:
        return sizeof(struct option_strings);
    }
    return 0;
}

/* The optimizer's options with those that the group gives. */
static int read_options(const struct optimizer_kind *kind, const void *base, const struct config_node *group,
                        void **out, struct arena *arena, struct error *error) {
    static const char *const also[] = {"params", NULL};
    char *own = arena_alloc(arena, kind->options_size), *all = arena_copy(arena, base, kind->options_size);
    if (!own || !all)
        return error_memory(error);
    int code = options_read(kind->options, kind->noptions, group, also, own, arena, error);
    for (size_t k = 0; !code && k < kind->noptions; k++) {
        const struct option *option = &kind->options[k];
        if (config_get(group, option->name) && !(option->flags & OPTION_IGNORED))
            memcpy(all + option->offset, own + option->offset, size_of(option->type));
    }
    *out = all;
    if (!code && kind->slots(all) != kind->slots(base))
        code = config_error(group, error, ERROR_VALUE, "a group cannot change what the optimizer keeps (amsgrad)");
    return code ? code : kind->check(all, group, error);
}

/* Two groups, of a kind that knows its own. */
static int read_own(const struct optimizer_kind *kind, const struct config_node *config, struct param_groups *out,
                    struct arena *arena, struct error *error) {
    static const struct option rows[] = {
        {"muon", OPTION_NODE, 0, NULL, 0, NULL, "options of the first group"},
        {"adam", OPTION_NODE, 0, NULL, 0, NULL, "options of the second"},
    };
    const struct config_node *node = config_get(config, "param_groups"), *ignored;
    size_t which;
    int code;
    if (config_kind(node) == CONFIG_NULL)
        return config_error(config, error, ERROR_NAME,
                            "%s needs param_groups: {_target_: %s, muon: {...}, adam: {...}}", kind->target.target,
                            kind->groups.target);
    if ((code = options_target(node, "maker of parameter groups", &kind->groups, 1, &which, error)) ||
        (code = options_read(rows, 2, node, NULL, &ignored, arena, error)))
        return code;
    out->count = 2;
    out->in_first = kind->in_first_group;
    return kind->read_groups(node, out->options, arena, error);
}

int param_groups_read(const struct optimizer_kind *kind, const void *base, const struct config_node *config,
                      struct param_groups *out, struct arena *arena, struct error *error) {
    const struct config_node *node = config_get(config, "param_groups"), *groups = config_get(node, "groups");
    static const struct option_target targets[] = {{"fettle.train.ParamGroups", "ParamGroups"}};
    static const struct option rows[] = {{"groups", OPTION_NODE, OPTION_REQUIRED, NULL, 0, NULL, "a list of maps"}};
    const struct config_node *ignored;
    size_t which;
    int code;
    *out = (struct param_groups){.count = 1, .options = {(void *)base}};
    if (kind->groups.target)
        return read_own(kind, config, out, arena, error);
    if (config_kind(node) == CONFIG_NULL)
        return 0;
    if ((code = options_target(node, "maker of parameter groups", targets, 1, &which, error)) ||
        (code = options_read(rows, 1, node, NULL, &ignored, arena, error)))
        return code;
    if (kind->technique)
        return config_error(node, error, ERROR_VALUE, "a schedule-free optimizer has no parameter groups");
    if (config_kind(groups) != CONFIG_LIST || config_count(groups) >= MAX_GROUPS)
        return config_error(groups, error, ERROR_TYPE, "a list of at most %d groups is expected", MAX_GROUPS - 1);
    for (size_t k = 0; k < config_count(groups); k++, out->count++) {
        const struct config_node *group = config_at(groups, k), *params = config_get(group, "params");
        if (config_kind(group) != CONFIG_MAP ||
            (config_kind(params) != CONFIG_STRING && config_kind(params) != CONFIG_LIST))
            return config_error(group, error, ERROR_NAME, "'params' is missing: a pattern, or a list of patterns");
        out->params[out->count] = params;
        if ((code = read_options(kind, base, group, &out->options[out->count], arena, error)))
            return code;
    }
    return 0;
}

static int matches(const struct config_node *params, const char *name, unsigned char *seen) {
    int list = config_kind(params) == CONFIG_LIST, found = 0;
    for (size_t k = 0; k < (list ? config_count(params) : 1); k++)
        if (parameters_match(config_text(list ? config_at(params, k) : params), name)) {
            seen[k] = 1;
            found = 1;
        }
    return found;
}

int param_groups_assign(struct param_groups *groups, const struct model *model, struct arena *arena,
                        struct error *error) {
    int n = model_nparameters(model);
    groups->group = arena_alloc(arena, (size_t)n + 1);
    if (!groups->group)
        return error_memory(error);
    for (int k = 0; groups->in_first && k < n; k++)
        groups->group[k] = !model_parameter(model, k)->is_buffer && !groups->in_first(model_parameter(model, k));
    for (int g = 1; !groups->in_first && g < groups->count; g++) {
        const struct config_node *params = groups->params[g];
        size_t count = config_kind(params) == CONFIG_LIST ? config_count(params) : 1;
        unsigned char *seen = arena_alloc(arena, count + 1);
        if (!seen)
            return error_memory(error);
        for (int k = 0; k < n; k++) {
            const struct parameter *p = model_parameter(model, k);
            if (p->is_buffer || !matches(params, p->name, seen))
                continue;
            if (groups->group[k])
                return config_error(params, error, ERROR_VALUE, "%s is in group %d already", p->name, groups->group[k]);
            groups->group[k] = (unsigned char)g;
        }
        for (size_t k = 0; k < count; k++)
            if (!seen[k])
                return config_error(config_kind(params) == CONFIG_LIST ? config_at(params, k) : params, error,
                                    ERROR_NAME, "no parameter matches");
    }
    return 0;
}
