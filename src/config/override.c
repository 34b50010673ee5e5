/* Overrides as Hydra takes them on its command line.  Everything is looked up and checked before anything is changed.
 */
#include "config/interpolation.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"

enum mode { CHANGE, ADD, FORCE, DELETE };

struct order {
    struct config *config;
    struct error *error;
    struct config_node *place; /* where messages point: the override itself */
    enum mode mode;
    const char *names[CONFIG_DEPTH];
    size_t count;
    const char *text; /* of the value; NULL where there is none */
    struct config_node *value;
};

/* For messages: the first `count` names with dots. */
static const char *dotted(struct order *order, size_t count) {
    struct text text = {0};
    for (size_t k = 0; k < count; k++)
        text_format(&text, "%s%s", k ? "." : "", order->names[k]);
    const char *copy = arena_string(order->config->arena, text.data ? text.data : "");
    text_free(&text);
    return copy ? copy : "";
}

/* ---------------------------------------------------------------- reading it */

static int valid_text(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int more = *s < 0x80                 ? 0
                   : *s >= 0xc2 && *s < 0xe0 ? 1
                   : *s >= 0xe0 && *s < 0xf0 ? 2
                   : *s >= 0xf0 && *s < 0xf5 ? 3
                                             : -1;
        if (more < 0 || (*s < 0x20 && *s != '\t' && *s != '\n') || *s == 0x7f)
            return 0;
        s++;
        for (; more > 0; more--, s++)
            if ((*s & 0xc0) != 0x80)
                return 0;
    }
    return 1;
}

static int valid_name(const char *name) {
    size_t digits = strspn(name, "0123456789");
    if (digits)
        return !name[digits] && (*name != '0' || digits == 1);
    if (!isalpha((unsigned char)*name) && *name != '_' && *name != '$')
        return 0;
    while (isalnum((unsigned char)*name) || (*name && strchr("_-$", *name)))
        name++;
    return !*name;
}

static int read_order(struct order *order, const char *override) {
    struct error *error = order->error;
    const char *at = override + strspn(override, " \t");
    if (at[0] == '~') {
        order->mode = DELETE;
        at++;
    } else if (at[0] == '+') {
        order->mode = at[1] == '+' ? FORCE : ADD;
        at += order->mode == FORCE ? 2 : 1;
    }
    size_t size = strcspn(at, "=");
    if (at[size]) {
        order->text = at + size + 1;
    } else if (order->mode != DELETE) {
        return error_set(error, ERROR_USAGE, "override \"%.200s\": expected KEY=VALUE, +KEY=VALUE, ++KEY=VALUE or ~KEY",
                         override);
    }
    while (size && (at[size - 1] == ' ' || at[size - 1] == '\t'))
        size--;
    char *key = arena_copy(order->config->arena, at, size + 1);
    if (!key)
        return error_memory(error);
    key[size] = 0;
    if (memchr(key, '/', size) || memchr(key, '@', size))
        return error_set(error, ERROR_USAGE,
                         "override \"%.200s\": choosing a group of configs has no meaning here, only keys with dots",
                         override);
    for (char *name = key, *next; name; name = next) {
        next = strchr(name, '.');
        if (next)
            *next++ = 0;
        if (!valid_name(name) || (name == key && !next && isdigit((unsigned char)*name)))
            return error_set(
                error, ERROR_USAGE,
                "override \"%.200s\": \"%.80s\" cannot be a name in a key: those are letters, digits, _, - "
                "and $, and begin with no digit; or the number of an element",
                override, name);
        if (order->count == CONFIG_DEPTH)
            return error_set(error, ERROR_USAGE, "override \"%.200s\": more than %d names in the key", override,
                             CONFIG_DEPTH);
        order->names[order->count++] = name;
    }
    if (!order->text)
        return 0;
    order->value = element_parse(order->config, order->text, order->place, error);
    return order->value ? 0 : (int)error->code;
}

/* ---------------------------------------------------------------- looking up */

static int list_index(const char *name, size_t *index) {
    char *end;
    *index = strtoul(name, &end, 10);
    return *name >= '0' && *name <= '9' && !*end;
}

static struct config_node *child_of(const struct config_node *node, const char *name) {
    size_t k;
    if (node->kind == CONFIG_LIST)
        return list_index(name, &k) && k < node->count ? node->values[k] : NULL;
    return tree_child(node, name);
}

static int missing(struct order *order, const struct config_node *within, size_t at) {
    const char *nearest = tree_nearest_key(within, order->names[at]), *full = dotted(order, order->count);
    const char *where = at ? dotted(order, at) : "the config";
    if (within->kind == CONFIG_LIST)
        return error_set(order->error, ERROR_NAME, "override %s: %s has elements 0 to %zd, and no \"%s\"", full, where,
                         (ssize_t)within->count - 1, order->names[at]);
    return error_set(order->error, ERROR_NAME, "override %s: %s has no key \"%s\"%s%s%s%s", full, where,
                     order->names[at], DID_YOU_MEAN(nearest), order->mode == CHANGE ? " (a new key is added by +" : "",
                     order->mode == CHANGE ? full : "", order->mode == CHANGE ? "=...)" : "");
}

static int is_container(const struct config_node *node) {
    return node->kind == CONFIG_LIST || node->kind == CONFIG_MAP;
}

/* What can be gone into: a list, a map, or a scalar that a map may take the place of. */
static int check_step(struct order *order, const struct config_node *node, size_t at) {
    if (is_container(node) || order->mode == ADD || order->mode == FORCE)
        return 0;
    const char *where = dotted(order, at), *full = dotted(order, order->count);
    if (has_interpolation(node))
        return error_set(order->error, ERROR_TYPE,
                         "override %s: %s is %s; override what it refers to, or %s as a whole", full, where, node->text,
                         where);
    return error_set(order->error, ERROR_TYPE, "override %s: %s is %s, and has no key \"%s\"", full, where,
                     config_kind_name(node), order->names[at]);
}

/* ---------------------------------------------------------------- changing */

/* A map given for a map is merged into it; new keys only where keys may be added. */
static int check_merge(struct order *order, const struct config_node *target, const struct config_node *value) {
    if (is_container(target) && is_container(value) && target->kind != value->kind)
        return error_set(order->error, ERROR_TYPE, "override %s: %s is %s, and %s cannot be merged into it",
                         dotted(order, order->count), config_path(target), config_kind_name(target),
                         config_kind_name(value));
    if (order->mode != CHANGE || target->kind != CONFIG_MAP || value->kind != CONFIG_MAP)
        return 0;
    for (size_t k = 0; k < value->count; k++) {
        const char *key = value->keys[k]->text;
        const struct config_node *inner = tree_child(target, key);
        if (!inner) {
            const char *nearest = tree_nearest_key(target, key);
            return error_set(order->error, ERROR_NAME, "override %s: %s has no key \"%s\"%s",
                             dotted(order, order->count), config_path(target), key, DID_YOU_MEAN(nearest));
        }
        int code = check_merge(order, inner, value->values[k]);
        if (code)
            return code;
    }
    return 0;
}

static int merge(struct order *order, struct config_node *target, struct config_node *value) {
    if (target->kind == CONFIG_MAP && value->kind == CONFIG_MAP)
        return tree_merge(target, value, order->error);
    struct config_node *parent = target->parent;
    tree_attach(parent, value, parent->kind == CONFIG_MAP ? parent->keys[target->index] : NULL, target->index);
    return 0;
}

/* Same kind and content. */
static int equal(const struct config_node *a, const struct config_node *b) {
    if (config_is_number(a) && config_is_number(b))
        return a->number == b->number;
    if (a->kind != b->kind || a->count != b->count)
        return 0;
    for (size_t k = 0; k < a->count; k++) {
        const struct config_node *other = a->kind == CONFIG_MAP ? tree_child(b, a->keys[k]->text) : b->values[k];
        if (!other || !equal(a->values[k], other))
            return 0;
    }
    return a->kind == CONFIG_BOOL ? a->boolean == b->boolean : a->kind != CONFIG_STRING || !strcmp(a->text, b->text);
}

static int delete_node(struct order *order, struct config_node *node) {
    if (order->value && !equal(order->value, node))
        return error_set(order->error, ERROR_VALUE, "override ~%s: its value is not %.100s but %.100s",
                         dotted(order, order->count), order->text,
                         is_container(node) ? config_kind_name(node) : node->text);
    tree_remove(node);
    return 0;
}

/* The value in the maps that names[from...] still ask for; from == count: the value itself. */
static struct config_node *wrap(struct order *order, size_t from) {
    struct config_node *value = order->value;
    for (size_t k = order->count; k-- > from && value;) {
        struct config_node *map = tree_new(order->config, CONFIG_MAP, order->place, order->error);
        struct config_node *key =
            tree_string(order->config, order->names[k], strlen(order->names[k]), order->place, order->error);
        if (!map || !key || tree_put(map, key, value, order->error))
            return NULL;
        value = map;
    }
    return value;
}

static int add_node(struct order *order, struct config_node *parent, size_t at) {
    struct config_node *value = wrap(order, at + 1);
    if (!value)
        return (int)order->error->code;
    if (!is_container(parent)) { /* becomes a map */
        struct config_node *map = tree_new(order->config, CONFIG_MAP, order->place, order->error);
        if (!map)
            return (int)order->error->code;
        struct config_node *above = parent->parent;
        tree_attach(above, map, above->kind == CONFIG_MAP ? above->keys[parent->index] : NULL, parent->index);
        parent = map;
    }
    if (parent->kind == CONFIG_LIST) {
        size_t k;
        if (!list_index(order->names[at], &k) || k != parent->count)
            return missing(order, parent, at);
        return tree_append(parent, value, order->error);
    }
    struct config_node *key =
        tree_string(order->config, order->names[at], strlen(order->names[at]), order->place, order->error);
    return key ? tree_put(parent, key, value, order->error) : (int)order->error->code;
}

static int carry_out(struct order *order) {
    struct config_node *node = order->config->source, *next = node;
    size_t at = 0;
    /* Hydra's own settings exist without standing in the config */
    if (order->mode == CHANGE && !strcmp(order->names[0], "hydra"))
        order->mode = FORCE;
    if (order->value && order->count + (size_t)CONFIG_DEPTH / 4 > CONFIG_DEPTH)
        return error_set(order->error, ERROR_VALUE, "override %s: too many levels", dotted(order, order->count));
    for (; at < order->count; at++, node = next) {
        int code = check_step(order, node, at);
        if (code)
            return code;
        next = child_of(node, order->names[at]);
        if (!next)
            break;
    }
    if (at < order->count) {
        if (order->mode == ADD || order->mode == FORCE)
            return add_node(order, node, at);
        return missing(order, node, at);
    }
    if (order->mode == DELETE)
        return delete_node(order, node);
    if (order->mode == ADD && node->kind != CONFIG_NULL && !is_missing(node) && !is_container(order->value))
        return error_set(order->error, ERROR_VALUE,
                         "override +%s: the key exists already (a value is changed by %s=...)",
                         dotted(order, order->count), dotted(order, order->count));
    int code = check_merge(order, node, order->value);
    return code ? code : merge(order, node, order->value);
}

struct config_node *override_place(struct config *config, const char *override, struct error *error) {
    struct config_node *place = tree_string(config, override, strlen(override), NULL, error);
    if (place && !(place->file = arena_format(config->arena, "override %.80s", override))) {
        error_memory(error);
        return NULL;
    }
    return place;
}

int config_override(struct config *config, const char *override, struct error *error) {
    struct error ours = {0};
    struct order order = {.config = config, .error = error ? error : &ours};
    if (!valid_text(override))
        return error_set(order.error, ERROR_USAGE, "an override with bytes that are no UTF-8 text");
    if (strlen(override) > 1 << 20)
        return error_set(order.error, ERROR_USAGE, "an override of more than a megabyte");
    if (!(order.place = override_place(config, override, order.error)))
        return (int)order.error->code;
    int code = read_order(&order, override);
    if (!code)
        code = carry_out(&order);
    if (code)
        return code;
    config->shape++;
    config->root = config->source;
    return 0;
}

int config_override_format(struct config *config, struct error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = print_new_v(format, args);
    va_end(args);
    if (!text)
        return error_memory(error);
    int code = config_override(config, text, error);
    free(text);
    return code;
}
