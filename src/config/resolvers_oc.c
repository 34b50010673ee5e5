/* The resolvers of OmegaConf itself, oc.*. */
#include "config/resolver.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- keys as text */

static int add_name(const struct call *call, struct reference *out, const char *name, size_t size) {
    if (out->count == CONFIG_DEPTH) {
        call_fail(call, ERROR_VALUE, "a key of more than %d names", CONFIG_DEPTH);
        return -1;
    }
    char *copy = arena_alloc(call->evaluation->config->arena, size + 1);
    if (!copy) {
        error_memory(call->evaluation->error);
        return -1;
    }
    memcpy(copy, name, size);
    out->names[out->count++] = copy;
    return 0;
}

int call_reference(const struct call *call, size_t k, struct reference *out) {
    const char *at = call_text(call, k);
    *out = (struct reference){0};
    if (!at)
        return -1;
    out->names = arena_alloc(call->evaluation->config->arena, CONFIG_DEPTH * sizeof *out->names);
    if (!out->names) {
        error_memory(call->evaluation->error);
        return -1;
    }
    for (; *at == '.'; at++)
        out->dots++;
    for (int first = 1; *at; first = 0) {
        const char *end = *at == '[' ? strchr(at, ']') : NULL;
        if (*at == '[' && !end) {
            call_fail(call, ERROR_SYNTAX, "the bracket [ is not closed, in the key \"%.80s\"", call->args[k]->text);
            return -1;
        }
        at += end || (!first && *at == '.');
        size_t size = end ? (size_t)(end - at) : strcspn(at, ".[");
        if (add_name(call, out, at, size))
            return -1;
        at += size + (end != NULL);
    }
    return 0;
}

/* ---------------------------------------------------------------- references */

struct config_node *oc_select(const struct call *call) {
    struct reference reference;
    struct interpolation_place place;
    if (call_reference(call, 0, &reference) || reference_find(call->evaluation, &reference, 0, &place))
        return NULL;
    if (!place.node || is_missing(place.node))
        return call->count > 1 ? call->args[1] : call_node(call, CONFIG_NULL);
    return evaluate_place(call->evaluation, &place);
}

/* The text with $OLD_KEY and $NEW_KEY, or ${OLD_KEY} and ${NEW_KEY}, filled in. */
static void fill_in(const char *text, const char *old, const char *new, struct text *out) {
    while (*text) {
        size_t size = strcspn(text, "$");
        text_add_bytes(out, text, size);
        text += size;
        if (!*text)
            return;
        int brace = text[1] == '{';
        const char *name = text + 1 + brace;
        size_t length = 7;
        const char *value = !strncmp(name, "OLD_KEY", length) ? old : !strncmp(name, "NEW_KEY", length) ? new : NULL;
        if (value && (!brace || name[length] == '}')) {
            text_add(out, value);
            text = name + length + brace;
        } else {
            text_add(out, "$");
            text += text[1] == '$' ? 2 : 1;
        }
    }
}

struct config_node *oc_deprecated(const struct call *call) {
    struct interpolation *evaluation = call->evaluation;
    const char *message = call->count > 1 ? call_text(call, 1)
                                          : "'$OLD_KEY' is deprecated. Change your code and config to use '$NEW_KEY'";
    struct reference reference;
    struct interpolation_place place;
    if (!message || call_reference(call, 0, &reference) || reference_find(evaluation, &reference, 1, &place))
        return NULL;
    struct config_node *written = (struct config_node *)call_place(call);
    struct text text = {0};
    const char *old = config_path(written);
    fill_in(message, old, config_path(place.node), &text);
    config_notice(written, LOG_WARNING, "%s", text.data ? text.data : "");
    text_free(&text);
    return evaluate_place(evaluation, &place);
}

/* The map that the first argument names. */
static struct config_node *named_map(const struct call *call, struct interpolation_place *place) {
    struct reference reference;
    if (call_reference(call, 0, &reference) || reference_find(call->evaluation, &reference, 1, place))
        return NULL;
    if (!place->resolved && has_interpolation(place->node)) {
        place->node = evaluate_written(call->evaluation, place->node);
        place->resolved = 1;
    }
    if (place->node && place->node->kind != CONFIG_MAP && place->node->kind != CONFIG_DEFERRED)
        return call_fail(call, ERROR_TYPE, "%s is no map but %s", call->args[0]->text, config_kind_name(place->node));
    return place->node;
}

struct config_node *oc_dict_keys(const struct call *call) {
    struct interpolation_place place;
    struct config_node *map = named_map(call, &place), *list = map ? call_node(call, CONFIG_LIST) : NULL;
    if (map && map->kind == CONFIG_DEFERRED)
        return map;
    for (size_t k = 0; list && k < map->count; k++) {
        struct config_node *key = call_string(call, map->keys[k]->text);
        if (!key || tree_append(list, key, call->evaluation->error))
            return NULL;
    }
    return list;
}

struct config_node *oc_dict_values(const struct call *call) {
    struct interpolation_place place;
    struct interpolation *evaluation = call->evaluation;
    struct config_node *map = named_map(call, &place), *list = map ? call_node(call, CONFIG_LIST) : NULL;
    if (map && map->kind == CONFIG_DEFERRED)
        return map;
    for (size_t k = 0; list && k < map->count; k++) {
        struct config_node *value =
            evaluate_place(evaluation, &(struct interpolation_place){map->values[k], place.resolved});
        value = value ? tree_copy(evaluation->config, value, 0, evaluation->error) : NULL;
        if (!value || tree_append(list, value, evaluation->error))
            return NULL;
    }
    return list;
}

/* ---------------------------------------------------------------- values */

struct config_node *oc_env(const struct call *call) {
    const char *name = call_text(call, 0);
    struct config_node *set;
    if (!name || hydra_environment(call->evaluation, name, &set))
        return NULL;
    if (set)
        return set;
    const char *value = getenv(name);
    if (value)
        return call_string(call, value);
    if (call->count < 2)
        return call_fail(call, ERROR_NAME, "the environment variable %s is not set, and there is no default", name);
    if (call->args[1]->kind == CONFIG_NULL)
        return call->args[1];
    struct text text = {0};
    write_python(call->args[1], 0, &text);
    struct config_node *node = call_string(call, text.data ? text.data : "");
    text_free(&text);
    return node;
}

struct config_node *oc_decode(const struct call *call) {
    if (call->args[0]->kind == CONFIG_NULL)
        return call->args[0];
    const char *text = call_text(call, 0);
    if (text && !*text)
        return call_fail(call, ERROR_SYNTAX, "an empty text is no value");
    return text ? evaluate_element(call->evaluation, text) : NULL;
}

/* Text is YAML here, and what stands in it may refer to other places in its turn. */
struct config_node *oc_create(const struct call *call) {
    struct interpolation *evaluation = call->evaluation;
    struct config *config = evaluation->config;
    struct config_node *node = call->args[0];
    if (node->kind == CONFIG_STRING) {
        node = yaml_parse(config, "oc.create", node->text, strlen(node->text), 0, evaluation->error);
        if (node && node->kind == CONFIG_NULL)
            return call_node(call, CONFIG_MAP);
        if (node && node->kind == CONFIG_STRING) {
            struct config_node *map = call_node(call, CONFIG_MAP), *none = call_node(call, CONFIG_NULL);
            if (!map || !none || tree_put(map, node, none, evaluation->error))
                return NULL;
            return map;
        }
    } else if (node->kind != CONFIG_NULL) {
        node = tree_copy(config, node, 0, evaluation->error);
    }
    if (!node || node->kind == CONFIG_NULL)
        return node;
    if (node->kind != CONFIG_LIST && node->kind != CONFIG_MAP)
        return call_fail(call, ERROR_TYPE, "argument 1 must be a list or a map, not %s", config_kind_name(node));
    /* relative references start from where the value will stand */
    node->parent = call_place(call)->parent;
    node->key = call_place(call)->key;
    node->index = call_place(call)->index;
    return evaluate_written(evaluation, node);
}
