#include "config/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct option *find(const struct option *options, size_t count, const char *name)
{
    for (size_t k = 0; k < count; k++)
        if (!strcmp(options[k].name, name))
            return &options[k];
    return NULL;
}

static int unknown(const struct config_node *map, size_t key, const struct option *options, size_t count,
                   struct error *error)
{
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; k < count; k++)
        names[k] = options[k].name;
    const char *name = config_key(map, key), *near = text_nearest(name, names, count);
    const struct config_node *at = config_key_node(map, key);
    const char *where = config_path(map), *target = config_text(config_get(map, "_target_"));
    char message[900];
    snprintf(message, sizeof message, "%s%s'%.200s' is not an option%s%.200s", where, *where ? ": " : "", name,
             *target ? " of " : "", target);
    size_t n = strlen(message);
    if (near) {
        snprintf(message + n, sizeof message - n, "; the nearest is '%s'", near);
    } else if (count && count <= 12) {
        snprintf(message + n, sizeof message - n, "; it takes");
        for (size_t k = 0; k < count; k++) {
            n = strlen(message);
            snprintf(message + n, sizeof message - n, "%s %s", k ? "," : "", names[k]);
        }
    }
    free(names);
    return config_error(at, error, ERROR_NAME, "%s", message);
}

static const char *wanted(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return "true or false";
    case OPTION_INT:
        return "an integer";
    case OPTION_FLOAT:
        return "a number";
    case OPTION_STRING:
        return "a string";
    case OPTION_INT_LIST:
        return "an integer or a list of integers";
    case OPTION_FLOAT_LIST:
        return "a number or a list of numbers";
    case OPTION_STRING_LIST:
        return "a string or a list of strings";
    case OPTION_NODE:
        return "anything";
    }
    return "something else";
}

static int wrong_type(const struct option *option, const struct config_node *node, struct error *error)
{
    const char *text = config_text(node);
    return config_error(node, error, ERROR_TYPE, "%s is expected%s, not %s%s%.100s%s", wanted(option->type),
                        option->flags & OPTION_NULLABLE ? " or null" : "", config_kind_name(node), *text ? " (" : "",
                        text, *text ? ")" : "");
}

static int whole(const struct config_node *node, int64_t *value)
{
    if (config_kind(node) == CONFIG_INT) {
        *value = config_int(node);
        return 1;
    }
    double real = config_float(node);
    if (config_kind(node) != CONFIG_FLOAT || real != floor(real) || fabs(real) > 9e15)
        return 0;
    *value = (int64_t)real;
    return 1;
}

static int in_range(const struct option *option, const struct config_node *node, double value, struct error *error)
{
    if (option->flags & OPTION_POSITIVE && !(value > 0))
        return config_error(node, error, ERROR_VALUE, "must be greater than 0, not %s", config_text(node));
    if (option->flags & OPTION_NONNEGATIVE && !(value >= 0))
        return config_error(node, error, ERROR_VALUE, "must not be negative: %s", config_text(node));
    return 0;
}

static int choice(const struct option *option, const struct config_node *node, const char *text, struct error *error)
{
    if (!option->choices)
        return 0;
    size_t n = strlen(text);
    for (const char *p = option->choices; *p;) {
        size_t m = strcspn(p, "|");
        if (m == n && !strncmp(p, text, n))
            return 0;
        p += m + (p[m] == '|');
    }
    return config_error(node, error, ERROR_VALUE, "'%.100s' is not one of %s", text, option->choices);
}

static int read_list(const struct option *option, const struct config_node *node, void *out, struct arena *arena,
                     struct error *error)
{
    int scalar = config_kind(node) != CONFIG_LIST;
    size_t count = scalar ? 1 : config_count(node);
    size_t size = option->type == OPTION_INT_LIST     ? sizeof(int64_t)
                  : option->type == OPTION_FLOAT_LIST ? sizeof(double)
                                                      : sizeof(char *);
    void *values = arena_alloc(arena, (count + 1) * size);
    if (!values)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; k < count; k++) {
        const struct config_node *item = scalar ? node : config_at(node, k);
        int code = 0;
        if (option->type == OPTION_INT_LIST) {
            if (!whole(item, &((int64_t *)values)[k]))
                return wrong_type(option, item, error);
            code = in_range(option, item, (double)((int64_t *)values)[k], error);
        } else if (option->type == OPTION_FLOAT_LIST) {
            if (!config_is_number(item))
                return wrong_type(option, item, error);
            ((double *)values)[k] = config_float(item);
            code = in_range(option, item, config_float(item), error);
        } else {
            enum config_kind kind = config_kind(item);
            if (kind == CONFIG_LIST || kind == CONFIG_MAP || kind == CONFIG_NULL)
                return wrong_type(option, item, error);
            ((const char **)values)[k] = arena_string(arena, config_text(item));
            code = choice(option, item, config_text(item), error);
        }
        if (code)
            return code;
    }
    if (option->type == OPTION_INT_LIST)
        *(struct option_ints *)out = (struct option_ints){(int)count, scalar, values};
    else if (option->type == OPTION_FLOAT_LIST)
        *(struct option_floats *)out = (struct option_floats){(int)count, scalar, values};
    else
        *(struct option_strings *)out = (struct option_strings){(int)count, scalar, values};
    return arena_failed(arena) ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
}

static int read_value(const struct option *option, const struct config_node *node, void *out, struct arena *arena,
                      struct error *error)
{
    int64_t integer;
    int code;
    switch (option->type) {
    case OPTION_BOOL:
        if (config_kind(node) != CONFIG_BOOL)
            return wrong_type(option, node, error);
        *(int *)out = config_bool(node);
        return 0;
    case OPTION_INT:
        if (!whole(node, &integer))
            return wrong_type(option, node, error);
        *(int64_t *)out = integer;
        return in_range(option, node, (double)integer, error);
    case OPTION_FLOAT:
        if (!config_is_number(node))
            return wrong_type(option, node, error);
        *(double *)out = config_float(node);
        return in_range(option, node, config_float(node), error);
    case OPTION_STRING:
        if (config_kind(node) == CONFIG_LIST || config_kind(node) == CONFIG_MAP)
            return wrong_type(option, node, error);
        if ((code = choice(option, node, config_text(node), error)))
            return code;
        *(const char **)out = arena_string(arena, config_text(node));
        return arena_failed(arena) ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
    case OPTION_INT_LIST:
    case OPTION_FLOAT_LIST:
    case OPTION_STRING_LIST:
        return read_list(option, node, out, arena, error);
    case OPTION_NODE:
        *(const struct config_node **)out = node;
        return 0;
    }
    return 0;
}

static int has_default(const struct option *option)
{
    return option->fallback && strcmp(option->fallback, "null");
}

/* The default, by the same road as a value from the config. */
static int read_default(const struct option *option, void *out, struct arena *arena, struct error *error)
{
    if (!has_default(option) || option->type == OPTION_NODE)
        return 0;
    struct text yaml = {0};
    struct config *config = NULL;
    text_format(&yaml, "value: %s\n", option->fallback);
    int code = yaml.failed ? error_set(error, ERROR_MEMORY, "out of memory")
                           : config_parse(&config, option->name, yaml.data, yaml.size, error);
    if (!code)
        code = read_value(option, config_get(config_root(config), "value"), out, arena, error);
    config_free(config);
    text_free(&yaml);
    return code;
}

int options_read(const struct option *options, size_t count, const struct config_node *map, const char *const *also,
                 void *out, struct arena *arena, struct error *error)
{
    size_t size = 0;
    static const size_t sizes[] = {sizeof(int),
                                   sizeof(int64_t),
                                   sizeof(double),
                                   sizeof(char *),
                                   sizeof(struct option_ints),
                                   sizeof(struct option_floats),
                                   sizeof(struct option_strings),
                                   sizeof(void *)};
    for (size_t k = 0; k < count; k++)
        if (!(options[k].flags & OPTION_IGNORED) && options[k].offset + sizes[options[k].type] > size)
            size = options[k].offset + sizes[options[k].type];
    if (out)
        memset(out, 0, size);
    if (map && config_kind(map) != CONFIG_MAP && config_kind(map) != CONFIG_NULL)
        return config_error(map, error, ERROR_TYPE, "a map of options is expected, not %s", config_kind_name(map));

    for (size_t k = 0; k < config_count(map); k++) {
        const char *key = config_key(map, k);
        int pass = !strcmp(key, "_target_") || find(options, count, key);
        for (const char *const *name = also; name && *name; name++)
            pass |= !strcmp(key, *name);
        if (!pass)
            return unknown(map, k, options, count, error);
    }
    for (size_t k = 0; k < count; k++) {
        const struct option *option = &options[k];
        const struct config_node *node = config_get(map, option->name);
        char *place = (char *)out + option->offset;
        int code = 0;
        if (option->flags & OPTION_IGNORED)
            continue;
        if (!node && option->flags & OPTION_REQUIRED) {
            const char *target = config_text(config_get(map, "_target_"));
            return config_error(map, error, ERROR_NAME, "'%s' is missing (%s)%s%s", option->name, wanted(option->type),
                                *target ? ", which is required for " : "", target);
        }
        if (!node || config_kind(node) == CONFIG_DEFERRED)
            code = read_default(option, place, arena, error);
        else if (config_kind(node) == CONFIG_NULL && option->flags & OPTION_REQUIRED &&
                 !(option->flags & OPTION_NULLABLE) && option->type != OPTION_NODE)
            code = wrong_type(option, node, error);
        else if (config_kind(node) == CONFIG_NULL && option->type == OPTION_STRING && option->choices &&
                 !(option->flags & OPTION_NULLABLE))
            code = choice(option, node, "null", error);
        else if (config_kind(node) == CONFIG_NULL && !(option->flags & OPTION_NULLABLE) &&
                 option->type != OPTION_STRING && option->type != OPTION_NODE)
            code = wrong_type(option, node, error);
        else if (config_kind(node) != CONFIG_NULL)
            code = read_value(option, node, place, arena, error);
        /* null: zero, which is also what `absent` looks like */
        if (code)
            return code;
    }
    return 0;
}

int options_target(const struct config_node *map, const char *what, const struct option_target *targets, size_t count,
                   size_t *index, struct error *error)
{
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE, "%s is expected: a map with a _target_, not %s", what,
                            config_kind_name(map));
    const struct config_node *node = config_get(map, "_target_");
    if (!node)
        return config_error(map, error, ERROR_NAME, "'_target_' is missing: it names %s", what);
    if (config_kind(node) != CONFIG_STRING)
        return config_error(node, error, ERROR_TYPE, "_target_ must be a name, not %s", config_kind_name(node));
    const char *name = config_text(node);
    for (size_t k = 0; k < count; k++)
        if (!strcmp(name, targets[k].target) || (targets[k].alias && !strcmp(name, targets[k].alias))) {
            *index = k;
            return 0;
        }
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; k < count; k++)
        names[k] = targets[k].target;
    const char *near = text_nearest(name, names, count);
    int code = config_error(node, error, ERROR_NAME, "'%.200s' is not %s%s%s%s", name, what,
                            near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
    free(names);
    return code;
}
