#include "config/tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct config_node *tree_node(struct config *config, enum config_kind kind, const struct config_node *place)
{
    if (++config->nodes > CONFIG_MAX_NODES)
        return NULL;
    struct config_node *node = arena_alloc(config->arena, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    node->text = "";
    if (place) {
        node->file = place->file;
        node->line = place->line;
        node->column = place->column;
    }
    return node;
}

struct config_node *tree_scalar(struct config *config, const char *text, const struct config_node *place)
{
    struct config_node *node = tree_node(config, CONFIG_STRING, place);
    const char *copy = arena_string(config->arena, text);
    if (!node || !copy)
        return NULL;
    tree_type_scalar(node, copy);
    return node;
}

int tree_append(struct config *config, struct config_node *parent, struct config_node *key, struct config_node *item)
{
    if (parent->count == parent->capacity) {
        size_t more = parent->capacity ? 2 * parent->capacity : 8;
        struct config_node **items = arena_alloc(config->arena, more * sizeof *items);
        struct config_node **keys = arena_alloc(config->arena, more * sizeof *keys);
        if (!items || !keys)
            return -1;
        if (parent->count) {
            memcpy(items, parent->items, parent->count * sizeof *items);
            memcpy(keys, parent->keys, parent->count * sizeof *keys);
        }
        parent->items = items;
        parent->keys = keys;
        parent->capacity = more;
    }
    parent->keys[parent->count] = key;
    parent->items[parent->count++] = item;
    item->parent = parent;
    return 0;
}

void tree_become(struct config_node *node, const struct config_node *value)
{
    struct config_node *parent = node->parent;
    const char *file = node->file;
    int line = node->line, column = node->column;
    *node = *value;
    node->parent = parent;
    node->file = file;
    node->line = line;
    node->column = column;
    for (size_t k = 0; k < node->count; k++)
        node->items[k]->parent = node;
}

struct config_node *tree_copy(struct config *config, const struct config_node *node, int depth)
{
    struct config_node *copy = depth > CONFIG_MAX_DEPTH ? NULL : tree_node(config, node->kind, node);
    if (!copy)
        return NULL;
    *copy = *node;
    copy->count = copy->capacity = 0;
    copy->parent = NULL;
    copy->state = 0;
    copy->context = node->context ? node->context : node;
    for (size_t k = 0; k < node->count; k++) {
        struct config_node *item = tree_copy(config, node->items[k], depth + 1);
        if (!item || tree_append(config, copy, node->keys[k], item))
            return NULL;
    }
    return copy;
}

long tree_index(const struct config_node *map, const char *key)
{
    for (size_t k = 0; k < map->count; k++)
        if (!strcmp(map->keys[k]->text, key))
            return (long)k;
    return -1;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    arena_free(config->arena);
    free(config);
}

/* A copy has an arena of its own; everything a node points to must come along. */
static struct config_node *copy_into(struct config *config, const struct config_node *node, int depth)
{
    struct config_node *copy = depth > CONFIG_MAX_DEPTH ? NULL : tree_node(config, node->kind, node);
    if (!copy)
        return NULL;
    copy->quoted = node->quoted;
    copy->integer = node->integer;
    copy->real = node->real;
    copy->file = config->name;
    if (node->file && strcmp(node->file, config->name))
        copy->file = arena_string(config->arena, node->file);
    copy->text = arena_string(config->arena, node->text);
    for (size_t k = 0; k < node->count; k++) {
        struct config_node *key = node->keys[k] ? copy_into(config, node->keys[k], depth + 1) : NULL;
        struct config_node *item = copy_into(config, node->items[k], depth + 1);
        if ((node->keys[k] && !key) || !item || tree_append(config, copy, key, item))
            return NULL;
    }
    return copy;
}

struct config *config_copy(const struct config *from)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config || !(config->arena = arena_new())) {
        free(config);
        return NULL;
    }
    config->name = arena_string(config->arena, from->name);
    config->root = config->name ? copy_into(config, from->root, 0) : NULL;
    if (!config->root) {
        config_free(config);
        return NULL;
    }
    return config;
}

const struct config_node *config_root(const struct config *config)
{
    return config->root;
}

/* ---------------------------------------------------------------- looking */

enum config_kind config_kind(const struct config_node *node)
{
    return node ? node->kind : CONFIG_NULL;
}

const char *config_kind_name(const struct config_node *node)
{
    switch (config_kind(node)) {
    case CONFIG_NULL:
        return node ? "null" : "nothing";
    case CONFIG_BOOL:
        return "a truth value";
    case CONFIG_INT:
        return "an integer";
    case CONFIG_FLOAT:
        return "a number";
    case CONFIG_STRING:
        return "a string";
    case CONFIG_LIST:
        return "a list";
    case CONFIG_MAP:
        return "a map";
    case CONFIG_DEFERRED:
        return "a statistic of the data";
    }
    return "something";
}

size_t config_count(const struct config_node *node)
{
    return node && (node->kind == CONFIG_LIST || node->kind == CONFIG_MAP) ? node->count : 0;
}

const struct config_node *config_at(const struct config_node *node, size_t k)
{
    return k < config_count(node) ? node->items[k] : NULL;
}

const char *config_key(const struct config_node *node, size_t k)
{
    return config_kind(node) == CONFIG_MAP && k < node->count ? node->keys[k]->text : "";
}

const struct config_node *config_key_node(const struct config_node *node, size_t k)
{
    return config_kind(node) == CONFIG_MAP && k < node->count ? node->keys[k] : NULL;
}

const struct config_node *config_get(const struct config_node *node, const char *key)
{
    if (config_kind(node) != CONFIG_MAP)
        return NULL;
    long k = tree_index(node, key);
    return k < 0 ? NULL : node->items[k];
}

const struct config_node *config_find(const struct config_node *node, const char *path)
{
    char part[512];
    while (node && *path) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, path, n);
        part[n] = 0;
        if (node->kind == CONFIG_LIST) {
            char *end;
            unsigned long k = strtoul(part, &end, 10);
            node = *part && !*end ? config_at(node, k) : NULL;
        } else {
            node = config_get(node, part);
        }
        path += n + (path[n] == '.');
    }
    return node;
}

const char *config_text(const struct config_node *node)
{
    return node && node->kind != CONFIG_LIST && node->kind != CONFIG_MAP ? node->text : "";
}

int config_bool(const struct config_node *node)
{
    return config_kind(node) == CONFIG_BOOL && node->integer;
}

int64_t config_int(const struct config_node *node)
{
    return config_kind(node) == CONFIG_INT    ? node->integer
           : config_kind(node) == CONFIG_FLOAT ? (int64_t)node->real
                                               : 0;
}

double config_float(const struct config_node *node)
{
    return config_is_number(node) ? node->real : 0;
}

int config_is_number(const struct config_node *node)
{
    return config_kind(node) == CONFIG_INT || config_kind(node) == CONFIG_FLOAT;
}

/* ---------------------------------------------------------------- places */

static void path_into(const struct config_node *node, char *out, size_t size)
{
    if (!node->parent) {
        out[0] = 0;
        return;
    }
    path_into(node->parent, out, size);
    size_t n = strlen(out);
    const char *dot = n ? "." : "";
    for (size_t k = 0; k < node->parent->count; k++)
        if (node->parent->items[k] == node) {
            if (node->parent->kind == CONFIG_MAP)
                snprintf(out + n, size - n, "%s%s", dot, node->parent->keys[k]->text);
            else
                snprintf(out + n, size - n, "%s%zu", dot, k);
            return;
        }
}

const char *config_path(const struct config_node *node)
{
    static _Thread_local char paths[4][512]; /* a few, so that a message can name several */
    static _Thread_local unsigned turn;
    char *out = paths[turn++ % 4];
    out[0] = 0;
    if (node)
        path_into(node, out, sizeof paths[0]);
    return out;
}

int config_error(const struct config_node *node, struct error *error, enum error_code code, const char *format, ...)
{
    char message[sizeof error->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (!node)
        return error_set(error, code, "%s", message);
    const char *path = config_path(node);
    return error_at(error, code, node->file, node->line, node->column, "%s%s%s", path, *path ? ": " : "", message);
}
