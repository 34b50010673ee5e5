/* A config of one file or of many, with the overrides of the command line. */
#include "config/compose.h"

#include <stdlib.h>
#include <string.h>
#include "config/interpolation.h"

/* ---------------------------------------------------------------- overrides that choose in groups */

/* An override's parts: "+", "++" or "~", GROUP, @PACKAGE, value. */
struct compose_parts {
    const char *key, *package; /* package: NULL: none */
    const char *value;         /* NULL: none */
    char mode;                 /* '+', '*' for ++, '~', or 0 */
};

static int split(struct config *config, const char *override, struct compose_parts *out, struct error *error) {
    *out = (struct compose_parts){0};
    const char *at = override;
    if (*at == '~' || *at == '+')
        out->mode = *at++;
    if (out->mode == '+' && *at == '+') {
        out->mode = '*';
        at++;
    }
    size_t size = strcspn(at, "=");
    out->value = at[size] ? at + size + 1 : NULL;
    char *key = arena_format(config->arena, "%.*s", (int)size, at);
    if (!key)
        return error_memory(error);
    char *package = strchr(key, '@');
    if (package)
        *package++ = 0;
    out->key = key;
    out->package = package;
    return 0;
}

static int add_element(struct composing *composing, const struct choice *choice, const struct compose_parts *parts) {
    struct arena *arena = composing->sources.config->arena;
    struct element *element = arena_alloc(arena, sizeof *element);
    struct element **list = arena_alloc(arena, (composing->nappended + 1) * sizeof *list);
    if (!element || !list)
        return error_memory(composing->error);
    if (composing->nappended)
        memcpy(list, composing->appended, composing->nappended * sizeof *list);
    *element = (struct element){.kind = ELEMENT_GROUP,
                                .place = choice->place,
                                .name = parts->key,
                                .value = choice->value,
                                .choices = choice->choices,
                                .nchoices = choice->nchoices,
                                .package = parts->package && !strcmp(parts->package, "_here_") ? "" : parts->package,
                                .appended = 1};
    list[composing->nappended++] = element;
    composing->appended = list;
    return 0;
}

/* Makes a choice of an override whose key is a group. */
static int choose(struct composing *composing, const char *override, const struct compose_parts *parts,
                  const struct config_node *place, const struct config_node *value) {
    struct arena *arena = composing->sources.config->arena;
    struct error *error = composing->error;
    const char *key = parts->package ? arena_format(arena, "%s@%s", parts->key, parts->package) : parts->key;
    struct choice choice = {.key = key, .place = place, .text = override, .deletes = parts->mode == '~'}, *slot;
    if (parts->mode == '*')
        return error_set(error, ERROR_USAGE, "override \"%.200s\": ++ sets values, a group is added by +", override);
    if (value && value->kind == CONFIG_LIST && !choice.deletes) {
        choice.choices = arena_alloc(arena, (value->count + 1) * sizeof *choice.choices);
        for (size_t k = 0; choice.choices && k < value->count; k++) {
            if (value->values[k]->kind != CONFIG_STRING)
                return error_set(error, ERROR_TYPE, "override \"%.200s\": expected names of configs of the group",
                                 override);
            choice.choices[choice.nchoices++] = value->values[k]->text;
        }
        if (!choice.choices)
            return error_memory(error);
    } else if (value && value->kind == CONFIG_STRING) {
        choice.value = value->text;
    } else if (value || !choice.deletes) {
        return error_set(error, ERROR_TYPE,
                         "override \"%.200s\": %s is a group of configs: expected the name of one, not %s", override,
                         parts->key, config_kind_name(value));
    }
    if (parts->mode == '+')
        return add_element(composing, &choice, parts);
    if (!(slot = composing_choice(composing, key, choice.deletes))) /* of two, the later holds */
        return error_memory(error);
    *slot = choice;
    return 0;
}

/* Sorts an override: is it about a group?  It is where a folder has the name of the key, but for a map as its value;
 * and but for a config without a list of defaults, beside which a folder may have the name of a key by chance. */
static int sort_override(struct composing *composing, const struct config_source *primary, const char *override,
                         int *group) {
    struct config *config = composing->sources.config;
    struct compose_parts parts;
    int code = split(config, override, &parts, composing->error);
    *group = 0;
    if (code)
        return code;
    if (!*parts.key || !sources_has_group(&composing->sources, parts.key)) {
        *group = !strncmp(parts.key, "hydra/", 6); /* a group that comes with Hydra */
        if (parts.package || (!*group && strchr(parts.key, '/')))
            return error_set(composing->error, ERROR_NAME, "override \"%.200s\": there is no group of configs %s/%s",
                             override, composing->sources.folders[0], parts.key);
        return 0;
    }
    if (!primary->defaults && parts.mode != '+' && !parts.package && !strchr(parts.key, '/'))
        return 0;
    struct config_node *place = override_place(config, override, composing->error), *value = NULL;
    if (!place || (parts.value && !(value = element_parse(config, parts.value, place, composing->error))))
        return (int)composing->error->code;
    *group = !value || value->kind != CONFIG_MAP;
    return *group ? choose(composing, override, &parts, place, value) : 0;
}

/* ---------------------------------------------------------------- putting it together */

/* The file's map inside of the maps that its package names. */
static struct config_node *embed(struct composing *composing, const struct config_source *source, const char *package) {
    struct config *config = composing->sources.config;
    struct error *error = composing->error;
    struct config_node *map = tree_copy(config, source->root, 0, error);
    for (const char *left = *package ? package : NULL; map && left;) {
        const char *dot = strrchr(left, '.'), *name = text_behind(left, '.');
        struct config_node *outer = tree_new(config, CONFIG_MAP, source->root, error);
        struct config_node *key = tree_string(config, name, strlen(name), source->root, error);
        if (!outer || !key || tree_put(outer, key, map, error))
            return NULL;
        map = outer;
        if (dot && !(dot = arena_format(config->arena, "%.*s", (int)(dot - left), left))) {
            error_memory(error);
            return NULL;
        }
        left = dot;
    }
    return map;
}

static int merge_source(struct composing *composing, struct config_node *into, const struct config_source *source,
                        const char *package, const struct config_source *primary) {
    struct config_node *map = embed(composing, source, package);
    const struct config_node *path = tree_child(tree_child(map, "hydra"), "searchpath");
    if (path && source != primary)
        return config_error(path, composing->error, ERROR_VALUE, "only the first config can name folders to search");
    return map ? tree_merge(into, map, composing->error) : (int)composing->error->code;
}

static int merge_tree(struct composing *composing, struct config_node *into, const struct element *element,
                      struct config_node *seen, const struct config_source *primary) {
    struct config *config = composing->sources.config;
    struct config_source *source;
    int code = 0;
    if (element->deleted || (element->kind == ELEMENT_GROUP && !element->value))
        return 0;
    if (element->count == 0 && element->kind == ELEMENT_GROUP) {
        const char *key = element_key(composing, element);
        if (tree_child(seen, key))
            return config_error(element->place, composing->error, ERROR_VALUE, "%s stands more than once in the lists",
                                key);
        struct config_node *name = tree_string(config, key, strlen(key), NULL, composing->error);
        struct config_node *one = tree_new(config, CONFIG_NULL, NULL, composing->error);
        if (!name || !one || tree_put(seen, name, one, composing->error))
            return (int)composing->error->code;
    }
    const char *package = element_package(composing, element);
    if ((code = sources_load(&composing->sources, element_config(composing, element), &source, composing->error)))
        return code;
    if (!element->count)
        return merge_source(composing, into, source, package, primary);
    for (size_t k = 0; !code && k < element->count; k++)
        code = element->children[k]->kind == ELEMENT_SELF
                   ? merge_source(composing, into, source, package, primary)
                   : merge_tree(composing, into, element->children[k], seen, primary);
    return code;
}

/* hydra.searchpath, of the command line or of the first config; *out is NULL where neither has it. */
static int find_folders(struct composing *composing, const struct config_source *primary, size_t count,
                        const char *const *overrides, struct config_node **out) {
    static const struct config_context nothing;
    struct config *config = composing->sources.config;
    struct interpolation evaluation = {.config = config, .context = &nothing, .error = composing->error};
    struct config_node *path = NULL;
    for (size_t k = 0; k < count; k++) {
        struct compose_parts parts;
        if (split(config, overrides[k], &parts, composing->error))
            return (int)composing->error->code;
        if (parts.mode || parts.package || !parts.value || strcmp(parts.key, "hydra.searchpath"))
            continue;
        struct config_node *place = override_place(config, overrides[k], composing->error);
        if (!place || !(path = element_parse(config, parts.value, place, composing->error)))
            return (int)composing->error->code;
    }
    if (!path || path->kind == CONFIG_NULL)
        path = tree_child(tree_child(primary->root, "hydra"), "searchpath");
    config->source = primary->root;
    config->pass++;
    *out = path ? evaluate_written(&evaluation, path) : NULL;
    return path && !*out ? (int)composing->error->code : 0;
}

/* They are searched behind that of the config. */
static int add_folders(struct composing *composing, const struct config_node *path) {
    struct sources *sources = &composing->sources;
    if (path && path->kind != CONFIG_LIST && path->kind != CONFIG_NULL)
        return config_error(path, composing->error, ERROR_TYPE, "expected a list of folders, not %s",
                            config_kind_name(path));
    for (size_t k = 0; k < config_count(path); k++) {
        const struct config_node *item = path->values[k];
        const char *folder = item->text, *scheme = strstr(folder, "://");
        if (item->kind != CONFIG_STRING || !*folder)
            return config_error(item, composing->error, ERROR_TYPE, "expected the name of a folder, not %s",
                                config_kind_name(item));
        if (scheme && strncmp(folder, "file://", 7))
            return config_error(item, composing->error, ERROR_VALUE,
                                "only folders are searched here (file://), not packages of Python");
        if (sources->nfolders == COMPOSE_FOLDERS)
            return config_error(item, composing->error, ERROR_VALUE, "more than %d folders to search", COMPOSE_FOLDERS);
        sources->folders[sources->nfolders++] = scheme ? folder + 7 : folder;
    }
    return 0;
}

/* What ${hydra:...} tells of how the config was made. */
static int note_launch(struct composing *composing, const char *name, size_t count, const char *const *overrides) {
    struct config *config = composing->sources.config;
    struct text yaml = {0};
    text_add(&yaml, "job: {config_name: ");
    config_quote(name, &yaml);
    text_add(&yaml, "}\noverrides:\n");
    for (int hydra = 0; hydra < 2; hydra++) {
        text_format(&yaml, "  %s: [", hydra ? "hydra" : "task");
        for (size_t k = 0, n = 0; k < count; k++) {
            const char *key = overrides[k] + strspn(overrides[k], "+~");
            if (hydra != (!strncmp(key, "hydra.", 6) || !strncmp(key, "hydra/", 6)))
                continue;
            text_add(&yaml, n++ ? ", " : "");
            config_quote(overrides[k], &yaml);
        }
        text_add(&yaml, "]\n");
    }
    text_add(&yaml, "runtime:\n  choices: ");
    config_write_json(composing->known, &yaml);
    config->launch =
        yaml.failed ? NULL : yaml_parse(config, "Hydra's settings", yaml.data, yaml.size, 1, composing->error);
    text_free(&yaml);
    return config->launch ? 0 : error_memory(composing->error);
}

static int compose(struct composing *composing, const char *path, size_t count, const char *const *overrides) {
    struct config *config = composing->sources.config;
    struct error *error = composing->error;
    const char *slash = strrchr(path, '/');
    struct element *hydra_none = NULL, **hydra = &hydra_none;
    struct element top = {.kind = ELEMENT_CONFIG, .primary = 1};
    struct config_source *primary;
    struct config_node *folders = NULL;
    size_t nhydra = 0;
    int groups = 0, code;
    char *folder = slash ? arena_format(config->arena, "%.*s", slash == path ? 1 : (int)(slash - path), path)
                         : arena_string(config->arena, ".");
    char *name = arena_string(config->arena, slash ? slash + 1 : path);
    unsigned char *chosen = arena_alloc(config->arena, count + 1);
    if (!folder || !name || !chosen || !(composing->known = tree_new(config, CONFIG_MAP, NULL, error)))
        return error_memory(error);
    composing->sources.folders[composing->sources.nfolders++] = folder;
    if ((code = sources_add(&composing->sources, path, name, &primary, error)) ||
        (code = find_folders(composing, primary, count, overrides, &folders)) ||
        (code = add_folders(composing, folders)))
        return code;
    for (size_t k = 0; k < count && !code; k++) {
        int group;
        code = sort_override(composing, primary, overrides[k], &group);
        chosen[k] = (unsigned char)group;
        groups |= group;
    }
    if (code)
        return code;
    config->source = primary->root;
    if (primary->defaults || primary->package || groups) {
        struct config_node *seen = tree_new(config, CONFIG_MAP, NULL, error);
        config->source = tree_new(config, CONFIG_MAP, primary->root, error);
        top.name = name;
        top.place = primary->root;
        if (!seen || !config->source || (code = defaults_expand(composing, &top, &hydra, &nhydra)))
            return (int)error->code;
        for (size_t k = 0; k < nhydra && !code; k++)
            code = merge_tree(composing, config->source, hydra[k], seen, primary);
        if (!code)
            code = merge_tree(composing, config->source, &top, seen, primary);
    }
    config->root = config->source;
    for (size_t k = 0; k < count && !code; k++)
        if (!chosen[k])
            code = config_override(config, overrides[k], error);
    return code ? code : note_launch(composing, name, count, overrides);
}

int config_compose(struct config **out, const char *path, size_t count, const char *const *overrides,
                   struct error *error) {
    struct error ours = {0};
    *out = NULL;
    error = error ? error : &ours;
    struct config *config = tree_config_new(error);
    struct composing *composing = calloc(1, sizeof *composing);
    int code = config && composing ? 0 : error_memory(error);
    if (!code) {
        composing->sources.config = config;
        composing->error = error;
        code = compose(composing, path, count, overrides);
    }
    free(composing);
    if (code)
        config_free(config);
    else
        *out = config;
    return code;
}

int config_read(struct config **out, const char *path, struct error *error) {
    return config_compose(out, path, 0, NULL, error);
}
