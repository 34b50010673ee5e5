#include "session/command/draft.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/builder/builder.h"
#include "session/opening.h"
#include "session/session_internal.h"
#include "train/run/registry.h"
#include "train/run/trainer_draft.h"

/* ---------------------------------------------------------------- builders and their arguments */

static int find_builder(const char *name) {
    return registry_find(&registries[0], name); /* builders stand first */
}

static const char *short_name(const struct builder *builder) {
    return builder->alias ? builder->alias : text_behind(builder->target, '.');
}

static void builders_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (size_t k = 0; k < builder_count; k++)
        add(context, short_name(builders[k]));
}

static void each_argument(const struct builder *builder, session_add *add, void *context) {
    for (size_t k = 0; k < builder_common_option_count && !builder->unwrapped; k++)
        add(context, builder_common_options[k].name);
    for (size_t k = 0; k < builder->noptions; k++)
        add(context, builder->options[k].name);
}

struct search {
    const char *name;
    size_t size;
    int found;
};

static void compare_argument(void *context, const char *candidate) {
    struct search *search = context;
    search->found |= strlen(candidate) == search->size && !strncmp(candidate, search->name, search->size);
}

static int has_argument(const struct builder *builder, const char *name, size_t size) {
    struct search search = {name, size, 0};
    each_argument(builder, compare_argument, &search);
    return search.found;
}

/* ---------------------------------------------------------------- the config of the draft */

static const struct config_node *model_of(const struct config *config) {
    return config_find(config_root(config), "training_module.model");
}

/* Arguments that the new builder does not know go; what went is told. */
static int drop_others(struct config *config, const struct builder *builder, struct text *dropped,
                       struct error *error) {
    const struct config_node *model = model_of(config);
    size_t count = config_count(model);
    char **keys = calloc(count + 1, sizeof *keys);
    int code = keys ? 0 : error_memory(error);
    for (size_t k = 0; k < count && !code; k++)
        if (!(keys[k] = strdup(config_key(model, k))))
            code = error_memory(error);
    for (size_t k = 0; k < count && !code; k++) {
        if (!strcmp(keys[k], "_target_") || has_argument(builder, keys[k], strlen(keys[k])))
            continue;
        text_format(dropped, "%s%s", dropped->size ? ", " : "", keys[k]);
        code = config_override_format(config, error, "~training_module.model.%s", keys[k]);
    }
    for (size_t k = 0; keys && k < count; k++)
        free(keys[k]);
    free(keys);
    return code;
}

static int apply_word(struct config *config, const struct builder *builder, const char *word, struct error *error) {
    const char *key = word + (*word == '~');
    size_t size = strcspn(key, ".=");
    char name[64];
    if (*word != '~' && !strchr(word, '='))
        return error_set(error, ERROR_USAGE, "KEY=VALUE or ~KEY is expected, not \"%.100s\"", word);
    snprintf(name, sizeof name, "%.*s", (int)size, key);
    if (!has_argument(builder, key, size)) {
        struct names names = {0};
        each_argument(builder, names_add, &names);
        int code = names_unknown(&names, "argument", name, error);
        names_free(&names);
        return code;
    }
    if (*word == '~')
        return config_override_format(config, error, "~training_module.model.%s", key);
    if (key[size] == '=' && config_get(model_of(config), name)) { /* a map takes the place of the one that is there */
        int code = config_override_format(config, error, "~training_module.model.%s", name);
        if (code)
            return code;
    }
    return config_override_format(config, error, "++training_module.model.%s", key);
}

static int make_config(struct session *session, struct config **out, const struct builder *builder,
                       const struct command_line *line, struct text *dropped, struct error *error) {
    struct config *config = config_copy(trainer_given(session->trainer));
    int code = config ? 0 : error_memory(error);
    if (!code && config_kind(model_of(config)) != CONFIG_MAP)
        code = error_set(error, ERROR_STATE, "training_module.model of this config is no map that could be changed");
    if (!code)
        code = drop_others(config, builder, dropped, error);
    if (!code)
        code = config_override_format(config, error, "training_module.model._target_=%s", builder->target);
    for (int k = 2; k < line->count && !code; k++)
        code = apply_word(config, builder, line->words[k], error);
    if (code) {
        config_free(config);
        return code;
    }
    *out = config;
    return 0;
}

/* ---------------------------------------------------------------- the command */

static void print_kept(struct session *session, const struct config_node *model, const struct command_line *line) {
    struct text kept = {0};
    for (size_t k = 0; k < config_count(model); k++) {
        const char *key = config_key(model, k);
        size_t size = strlen(key);
        int given = !strcmp(key, "_target_");
        for (int w = 2; w < line->count; w++)
            given |= !strncmp(line->words[w], key, size) && strchr("=.", line->words[w][size]);
        if (!given)
            text_format(&kept, "%s%s", kept.size ? ", " : "", key);
    }
    if (kept.size)
        session_print(session, "  as before    %s\n", kept.data);
    text_free(&kept);
}

/* A model that could see further than its data let it is no error, but hardly meant. */
static void print_reach(struct session *session, const struct model *model) {
    const struct transforms *transforms = datamodule_transforms(trainer_data(session->trainer));
    double reach = transforms ? transforms_r_max(transforms) : 0;
    if (reach > 0 && reach < model_r_max(model))
        session_print(
            session, "  notice       the neighbour lists of these data reach %g A: raise r_max there as well\n", reach);
}

static int draft(struct session *session, const struct command_line *line, struct error *error) {
    int which = find_builder(line->words[1]);
    struct config *config = NULL;
    struct model *model = NULL;
    struct text tree = {0}, dropped = {0};
    int code;

    if (which < 0)
        return session_unknown(session, builders_complete, "model builder", line->words[1], error);
    if ((code = make_config(session, &config, builders[which], line, &dropped, error)) ||
        (code = trainer_draft(session->trainer, config, &model, error)))
        goto out;
    model_print(model, &tree);
    session_print(session, "%s\n%s: %zu parameters (%zu now), %s, r_max %g A\n", tree.data ? tree.data : "",
                  builders[which]->name, model_size(model), model_size(trainer_model(session->trainer)),
                  dtype_name(model_dtype(model)), model_r_max(model));
    print_kept(session, model_of(config), line);
    if (dropped.size)
        session_print(session, "  dropped      %s\n", dropped.data);
    print_reach(session, model);
    session_print(session, "`build accept` begins a new run with it on these data; `build drop` forgets it\n");
    config_free(session->draft);
    session->draft = config;
    config = NULL;
out:
    config_free(config);
    model_free(model);
    text_free(&tree);
    text_free(&dropped);
    return code;
}

/* What was trained is kept in its folder, whatever comes. */
static int accept(struct session *session, struct error *error) {
    struct config *config = session->draft;
    int64_t step = trainer_global_step(session->trainer);
    int code;

    if (!config)
        return error_set(error, ERROR_STATE, "no model has been built; `build NAME` builds one");
    if (!trainer_at_boundary(session->trainer))
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, first");
    /* a new run goes on from no checkpoint */
    if (config_get(config_root(config), "ckpt_path") && (code = config_override(config, "~ckpt_path", error)))
        return code;
    char *path = strdup(session->path);
    if (!path)
        return error_memory(error);
    session->draft = NULL; /* it is the session's config from now on */
    if ((code = session_begin(session, config, path, NULL, error))) {
        session->draft = config;
    } else {
        session_describe(session);
        if (step > 0)
            session_print(session, "optimizer, schedule, averages and audit log begin anew\n");
    }
    free(path);
    return code;
}

int draft_exec(struct session *session, const struct command_line *line, struct error *error) {
    const struct config_node *config = trainer_config(session->trainer);
    const char *now = config_text(config_find(config, "training_module.model._target_"));

    if (line->count == 1) {
        for (size_t k = 0; k < builder_count; k++)
            session_print(session, "%s %-24s %s\n", find_builder(now) == (int)k ? "*" : " ", short_name(builders[k]),
                          builders[k]->help);
        return 0;
    }
    if (line->count == 2 && !strcmp(line->words[1], "accept"))
        return accept(session, error);
    if (line->count == 2 && !strcmp(line->words[1], "drop")) {
        if (!session->draft)
            return error_set(error, ERROR_STATE, "no model has been built; `build NAME` builds one");
        config_free(session->draft);
        session->draft = NULL;
        return 0;
    }
    return draft(session, line, error);
}

/* ---------------------------------------------------------------- completion */

struct with_equals {
    session_add *add;
    void *context;
};

static void add_equals(void *context, const char *name) {
    const struct with_equals *to = context;
    char text[96];
    snprintf(text, sizeof text, "%s=", name);
    to->add(to->context, text);
}

void draft_complete(struct session *session, const char *line, session_add *add, void *context) {
    char name[128];
    line += strcspn(line, " \t");
    line += strspn(line, " \t");
    size_t size = strcspn(line, " \t");
    if (!line[size]) {
        builders_complete(session, line, add, context);
        add(context, "accept");
        add(context, "drop");
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)size, line);
    int which = find_builder(name);
    if (which >= 0)
        each_argument(builders[which], add_equals, &(struct with_equals){add, context});
}
