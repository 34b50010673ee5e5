#include "config/tree.h"

#include <stdlib.h>
#include <string.h>

static int misfit(struct error *error, const char *override, const char *why, const char *name)
{
    return error_set(error, ERROR_USAGE, "override '%.300s': %s%.200s", override, why, name);
}

static long place_of(const struct config_node *parent, const char *key)
{
    if (parent->kind == CONFIG_MAP)
        return tree_index(parent, key);
    char *end;
    unsigned long k = strtoul(key, &end, 10);
    return parent->kind == CONFIG_LIST && *key && !*end && k < parent->count ? (long)k : -1;
}

int config_override(struct config *config, const char *override, struct error *error)
{
    const char *p = override;
    int add = 0, force = 0, drop = 0;
    if (p[0] == '+' && p[1] == '+') {
        force = 1;
        p += 2;
    } else if (*p == '+') {
        add = 1;
        p++;
    } else if (*p == '~') {
        drop = 1;
        p++;
    }
    const char *equals = strchr(p, '=');
    if (!equals && !drop)
        return misfit(error, override, "a key and a value are expected, as in a.b.c=1", "");
    size_t length = equals ? (size_t)(equals - p) : strlen(p);
    if (!length || length >= 512)
        return misfit(error, override, "the key is missing or too long", "");
    char path[512];
    memcpy(path, p, length);
    path[length] = 0;

    struct config_node *parent = config->root;
    char *key = path;
    for (char *dot; (dot = strchr(key, '.')); key = dot + 1) {
        *dot = 0;
        long k = place_of(parent, key);
        if (k < 0 && (add || force) && parent->kind == CONFIG_MAP) {
            struct config_node place = {.file = "(command line)", .line = 0};
            struct config_node *name = tree_node(config, CONFIG_STRING, &place),
                               *map = tree_node(config, CONFIG_MAP, &place);
            if (name)
                name->text = arena_string(config->arena, key);
            if (!name || !name->text || !map || tree_append(config, parent, name, map))
                return error_set(error, ERROR_MEMORY, "out of memory");
            k = (long)parent->count - 1;
        }
        if (k < 0) {
            const char *near =
                parent->kind == CONFIG_MAP && parent->count ? NULL : "";
            const char **keys = near ? NULL : calloc(parent->count, sizeof *keys);
            for (size_t i = 0; keys && i < parent->count; i++)
                keys[i] = parent->keys[i]->text;
            near = keys ? text_nearest(key, keys, parent->count) : NULL;
            char why[256];
            snprintf(why, sizeof why, "there is no '%.100s'%s", key, near ? "; the nearest is " : "");
            int code = misfit(error, override, why, near ? near : "");
            free(keys);
            return code;
        }
        parent = parent->items[k];
    }
    long k = place_of(parent, key);
    if (parent->kind != CONFIG_MAP && parent->kind != CONFIG_LIST)
        return misfit(error, override, "there is no map or list at ", config_path(parent));
    if (drop) {
        if (k < 0)
            return misfit(error, override, "there is nothing to delete", "");
        memmove(parent->items + k, parent->items + k + 1, (parent->count - (size_t)k - 1) * sizeof *parent->items);
        memmove(parent->keys + k, parent->keys + k + 1, (parent->count - (size_t)k - 1) * sizeof *parent->keys);
        parent->count--;
        return 0;
    }
    if (k < 0 && !add && !force) {
        const char **keys = calloc(parent->count + 1, sizeof *keys);
        for (size_t i = 0; keys && parent->kind == CONFIG_MAP && i < parent->count; i++)
            keys[i] = parent->keys[i]->text;
        const char *near = keys && parent->kind == CONFIG_MAP ? text_nearest(key, keys, parent->count) : NULL;
        char why[256];
        snprintf(why, sizeof why, "there is no '%.100s' to change%s%.60s; +%.60s=... adds one", key,
                 near ? "; the nearest is " : "", near ? near : "", key);
        int code = misfit(error, override, why, "");
        free(keys);
        return code;
    }
    if (k >= 0 && add)
        return misfit(error, override, "it is there already; without the + it is changed", "");
    if (k < 0 && parent->kind == CONFIG_LIST)
        return misfit(error, override, "the list has no such element", "");

    struct config_node *value;
    struct error inner = {0};
    const char *text = arena_string(config->arena, equals + 1);
    if (!text)
        return error_set(error, ERROR_MEMORY, "out of memory");
    if (strstr(text, "${") && *text == '$') { /* braces would read as a flow map */
        value = tree_scalar(config, text, NULL);
    } else if (tree_parse(config, "(command line)", text, strlen(text), 1, &value, &inner)) {
        return misfit(error, override, inner.message, "");
    }
    if (!value)
        return error_set(error, ERROR_MEMORY, "out of memory");
    value->file = "(command line)";
    if (k >= 0) {
        struct config_node *old = parent->items[k];
        value->file = old->file;
        value->line = old->line;
        value->column = old->column;
        value->parent = parent;
        parent->items[k] = value;
        return 0;
    }
    struct config_node *name = tree_node(config, CONFIG_STRING, value);
    if (name)
        name->text = arena_string(config->arena, key);
    if (!name || !name->text || tree_append(config, parent, name, value))
        return error_set(error, ERROR_MEMORY, "out of memory");
    return 0;
}
