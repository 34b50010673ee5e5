#include "config/config_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "config/node.h"

struct config *tree_config_new(struct error *error) {
    struct config *config = calloc(1, sizeof *config);
    if (config)
        config->arena = arena_new();
    if (!config || !config->arena) {
        free(config);
        error_memory(error);
        return NULL;
    }
    return config;
}

void config_free(struct config *config) {
    if (!config)
        return;
    arena_free(config->arena);
    free(config);
}

const struct config_node *config_root(const struct config *config) {
    return config ? config->root : NULL;
}

/* ---------------------------------------------------------------- making nodes */

struct config_node *tree_new(struct config *config, enum config_kind kind, const struct config_node *place,
                             struct error *error) {
    if (config->nodes >= CONFIG_NODES) {
        error_at(error, ERROR_VALUE, place ? place->file : NULL, place ? place->line : 0, place ? place->column : 0,
                 "the config grows beyond %d values: aliases or interpolations multiply", CONFIG_NODES);
        return NULL;
    }
    struct config_node *node = arena_alloc(config->arena, sizeof *node);
    if (!node) {
        error_memory(error);
        return NULL;
    }
    config->nodes++;
    node->kind = kind;
    node->config = config;
    node->text = "";
    if (place) {
        node->file = place->file;
        node->line = place->line;
        node->column = place->column;
    }
    return node;
}

struct config_node *tree_string(struct config *config, const char *text, size_t size, const struct config_node *place,
                                struct error *error) {
    struct config_node *node = tree_new(config, CONFIG_STRING, place, error);
    if (!node)
        return NULL;
    config->bytes += size;
    if (config->bytes > CONFIG_BYTES) {
        config_error(place, error, ERROR_VALUE, "the config grows beyond %d MiB of text", CONFIG_BYTES >> 20);
        return NULL;
    }
    char *copy = arena_alloc(config->arena, size + 1);
    if (!copy) {
        error_memory(error);
        return NULL;
    }
    if (size)
        memcpy(copy, text, size);
    node->text = copy;
    return node;
}

struct config_node *tree_int(struct config *config, int64_t value, const struct config_node *place,
                             struct error *error) {
    char text[32];
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    struct config_node *node = tree_string(config, text, (size_t)size, place, error);
    if (node) {
        node->kind = CONFIG_INT;
        node->integer = value;
        node->number = (double)value;
    }
    return node;
}

struct config_node *tree_float(struct config *config, double value, const struct config_node *place,
                               struct error *error) {
    char text[32];
    text_double(text, value);
    struct config_node *node = tree_string(config, text, strlen(text), place, error);
    if (node) {
        node->kind = CONFIG_FLOAT;
        node->number = value;
    }
    return node;
}

void tree_attach(struct config_node *parent, struct config_node *value, struct config_node *key, size_t index) {
    value->parent = parent;
    value->key = key ? key->text : NULL;
    value->index = index;
    parent->values[index] = value;
    if (key) {
        key->parent = parent;
        key->key = key->text;
        key->index = index;
        parent->keys[index] = key;
    }
}

static int grow(struct config_node *node, struct error *error) {
    if (node->count < node->capacity)
        return 0;
    size_t capacity = node->capacity ? 2 * node->capacity : 4;
    struct arena *arena = node->config->arena;
    struct config_node **values = arena_alloc(arena, capacity * sizeof *values);
    struct config_node **keys = node->kind == CONFIG_MAP ? arena_alloc(arena, capacity * sizeof *keys) : NULL;
    if (!values || (node->kind == CONFIG_MAP && !keys))
        return error_memory(error);
    if (node->count) {
        memcpy(values, node->values, node->count * sizeof *values);
        if (keys)
            memcpy(keys, node->keys, node->count * sizeof *keys);
    }
    node->values = values;
    node->keys = keys;
    node->capacity = capacity;
    return 0;
}

int tree_append(struct config_node *list, struct config_node *value, struct error *error) {
    int code = grow(list, error);
    if (code)
        return code;
    tree_attach(list, value, NULL, list->count++);
    return 0;
}

int tree_put(struct config_node *map, struct config_node *key, struct config_node *value, struct error *error) {
    for (size_t k = 0; k < map->count; k++)
        if (!strcmp(map->keys[k]->text, key->text)) {
            tree_attach(map, value, key, k);
            return 0;
        }
    if (map->count >= CONFIG_KEYS)
        return config_error(map, error, ERROR_VALUE, "more than %d keys in one map", CONFIG_KEYS);
    int code = grow(map, error);
    if (code)
        return code;
    tree_attach(map, value, key, map->count++);
    return 0;
}

void tree_remove(struct config_node *node) {
    struct config_node *parent = node->parent;
    parent->count--;
    for (size_t k = node->index; k < parent->count; k++)
        tree_attach(parent, parent->values[k + 1], parent->kind == CONFIG_MAP ? parent->keys[k + 1] : NULL, k);
}

static int is_container(const struct config_node *node) {
    return node && (node->kind == CONFIG_MAP || node->kind == CONFIG_LIST);
}

int tree_merge(struct config_node *into, struct config_node *from, struct error *error) {
    for (size_t k = 0; k < from->count; k++) {
        struct config_node *key = from->keys[k], *value = from->values[k], *there = tree_child(into, key->text);
        const struct config_node *meant = there ? reference_target(there) : NULL;
        if (is_container(meant)) { /* what it refers to is there in its stead */
            size_t index = there->index;
            if (!(there = tree_copy(into->config, meant, tree_depth(there), error)))
                return (int)error->code;
            tree_attach(into, there, into->keys[index], index);
        }
        int missing = value->kind == CONFIG_STRING && !strcmp(value->text, "???"), code = 0;
        if (is_container(there) && is_container(value) && there->kind != value->kind)
            return config_error(value, error, ERROR_TYPE, "%s cannot be merged into %s (of %s:%d)",
                                config_kind_name(value), config_kind_name(there), there->file ? there->file : "",
                                there->line);
        if (there && there->kind == CONFIG_MAP && value->kind == CONFIG_MAP)
            code = tree_merge(there, value, error);
        else if (!there || !missing)
            code = tree_put(into, key, value, error);
        if (code)
            return code;
    }
    return 0;
}

struct config_node *tree_copy(struct config *config, const struct config_node *node, int depth, struct error *error) {
    if (depth > CONFIG_DEPTH) {
        config_error(node, error, ERROR_VALUE, "more than %d levels of lists and maps", CONFIG_DEPTH);
        return NULL;
    }
    struct config_node *copy = tree_new(config, node->kind, node, error);
    if (!copy)
        return NULL;
    copy->text = node->text;
    copy->boolean = node->boolean;
    copy->integer = node->integer;
    copy->number = node->number;
    copy->noticed = node->noticed;
    if (node->config != config) { /* another arena */
        copy->text = arena_string(config->arena, node->text);
        copy->file = node->file ? arena_string(config->arena, node->file) : NULL;
    } else {
        copy->origin = node->origin ? node->origin : (struct config_node *)node;
    }
    for (size_t k = 0; k < node->count; k++) {
        struct config_node *value = tree_copy(config, node->values[k], depth + 1, error);
        if (!value)
            return NULL;
        if (node->kind == CONFIG_LIST) {
            if (tree_append(copy, value, error))
                return NULL;
            continue;
        }
        struct config_node *key = tree_copy(config, node->keys[k], depth + 1, error);
        if (!key || grow(copy, error))
            return NULL;
        tree_attach(copy, value, key, copy->count++);
    }
    if (arena_failed(config->arena)) {
        error_memory(error);
        return NULL;
    }
    return copy;
}

struct config *config_copy(const struct config *config) {
    struct config *copy = tree_config_new(NULL);
    if (!copy)
        return NULL;
    copy->now = config->now;
    copy->bytes = config->bytes;
    copy->source = tree_copy(copy, config->source, 0, NULL);
    copy->root = config->root == config->source ? copy->source : tree_copy(copy, config->root, 0, NULL);
    if (config->launch)
        copy->launch = tree_copy(copy, config->launch, 0, NULL);
    if (!copy->source || !copy->root || (config->launch && !copy->launch)) {
        config_free(copy);
        return NULL;
    }
    return copy;
}

void config_hush(struct config *config) {
    config->quiet = 1;
}

/* ---------------------------------------------------------------- looking at nodes */

enum config_kind config_kind(const struct config_node *node) {
    return node ? node->kind : CONFIG_NULL;
}

const char *config_kind_name(const struct config_node *node) {
    static const char *const names[] = {
        [CONFIG_NULL] = "null",       [CONFIG_BOOL] = "a boolean",
        [CONFIG_INT] = "an integer",  [CONFIG_FLOAT] = "a number",
        [CONFIG_STRING] = "a string", [CONFIG_LIST] = "a list",
        [CONFIG_MAP] = "a map",       [CONFIG_DEFERRED] = "a statistic of the training data",
    };
    return node ? names[node->kind] : "nothing";
}

size_t config_count(const struct config_node *node) {
    return node ? node->count : 0;
}

const struct config_node *config_at(const struct config_node *node, size_t k) {
    return node && k < node->count ? node->values[k] : NULL;
}

const char *config_key(const struct config_node *node, size_t k) {
    return node && node->kind == CONFIG_MAP && k < node->count ? node->keys[k]->text : "";
}

const struct config_node *config_key_node(const struct config_node *node, size_t k) {
    return node && node->kind == CONFIG_MAP && k < node->count ? node->keys[k] : NULL;
}

struct config_node *tree_child(const struct config_node *map, const char *key) {
    if (!map || map->kind != CONFIG_MAP)
        return NULL;
    for (size_t k = 0; k < map->count; k++)
        if (!strcmp(map->keys[k]->text, key))
            return map->values[k];
    return NULL;
}

const struct config_node *config_get(const struct config_node *node, const char *key) {
    return tree_child(node, key);
}

const struct config_node *config_find(const struct config_node *node, const char *path) {
    while (node && *path) {
        size_t size = strcspn(path, ".");
        const struct config_node *next = NULL;
        if (node->kind == CONFIG_LIST) {
            char *end;
            unsigned long k = strtoul(path, &end, 10);
            next = size && path[0] >= '0' && path[0] <= '9' && end == path + size ? config_at(node, k) : NULL;
        }
        for (size_t k = 0; node->kind == CONFIG_MAP && k < node->count; k++)
            if (!strncmp(node->keys[k]->text, path, size) && !node->keys[k]->text[size])
                next = node->values[k];
        /* a key may hold dots itself */
        if (!next && node->kind == CONFIG_MAP && tree_child(node, path))
            return tree_child(node, path);
        path += size;
        path += *path == '.';
        node = next;
    }
    return node;
}

const char *config_text(const struct config_node *node) {
    return node ? node->text : "";
}

int config_bool(const struct config_node *node) {
    return node && node->kind == CONFIG_BOOL ? node->boolean : 0;
}

int64_t config_int(const struct config_node *node) {
    if (node && node->kind == CONFIG_FLOAT && node->number > -0x1p63 && node->number < 0x1p63)
        return (int64_t)node->number;
    return node && node->kind == CONFIG_INT ? node->integer : 0;
}

int config_whole(const struct config_node *node, int64_t *out) {
    if (config_kind(node) == CONFIG_INT)
        *out = node->integer;
    else if (config_kind(node) == CONFIG_FLOAT && node->number == floor(node->number) && fabs(node->number) <= 0x1p53)
        *out = (int64_t)node->number;
    else
        return -1;
    return 0;
}

double config_float(const struct config_node *node) {
    return config_is_number(node) ? node->number : 0;
}

int config_is_number(const struct config_node *node) {
    return node && (node->kind == CONFIG_INT || node->kind == CONFIG_FLOAT);
}

int tree_depth(const struct config_node *node) {
    int depth = 0;
    for (; node && node->parent; node = node->parent)
        depth++;
    return depth;
}

int tree_has_deferred(const struct config_node *node) {
    if (node->kind == CONFIG_DEFERRED)
        return 1;
    for (size_t k = 0; k < node->count; k++)
        if (tree_has_deferred(node->values[k]))
            return 1;
    return 0;
}

const char *tree_nearest_key(const struct config_node *map, const char *key) {
    if (!map || map->kind != CONFIG_MAP || !map->count)
        return NULL;
    const char **names = malloc(map->count * sizeof *names);
    if (!names)
        return NULL;
    for (size_t k = 0; k < map->count; k++)
        names[k] = map->keys[k]->text;
    const char *nearest = text_nearest(key, names, map->count);
    free(names);
    return nearest;
}

/* ---------------------------------------------------------------- places */

static void add_path(const struct config_node *node, struct text *out) {
    if (!node->parent)
        return;
    add_path(node->parent, out);
    if (out->size)
        text_add(out, ".");
    if (node->key)
        text_add(out, node->key);
    else
        text_format(out, "%zu", node->index);
}

const char *config_path(const struct config_node *node) {
    if (!node)
        return "";
    if (node->path && node->path_shape == node->config->shape)
        return node->path;
    struct text path = {0};
    add_path(node, &path);
    struct config_node *cache = (struct config_node *)node; /* what it caches is no part of its value */
    cache->path = path.data ? arena_string(node->config->arena, path.data) : NULL;
    cache->path_shape = node->config->shape;
    text_free(&path);
    return cache->path ? cache->path : "";
}

void config_notice(const struct config_node *node, enum log_level level, const char *format, ...) {
    struct config_node *written = node->origin ? node->origin : (struct config_node *)node;
    char message[1024];
    if (written->noticed || written->config->quiet)
        return;
    written->noticed = 1;
    va_list args;
    va_start(args, format);
    print_to_v(message, sizeof message, format, args);
    va_end(args);
    log_message(level, "%s:%d: %s", node->file ? node->file : "", node->line, message);
}

int config_error(const struct config_node *node, struct error *error, enum error_code code, const char *format, ...) {
    char message[sizeof error->message];
    va_list args;
    va_start(args, format);
    print_to_v(message, sizeof message, format, args);
    va_end(args);
    if (!node)
        return error_set(error, code, "%s", message);
    const char *path = config_path(node);
    /* a path may be long without end; the message must not go under */
    size_t size = strlen(path);
    const char *cut = size > 200 ? "..." : "";
    path = size > 200 ? path + size - 200 : path;
    return error_at(error, code, node->file, node->line, node->column, "%s%s%s%s", cut, path, size ? ": " : "",
                    message);
}
