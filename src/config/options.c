#include "config/options.h"
#include "config/config_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- one value */

struct options_reading {
    const struct option *option;
    const struct config_node *node;
    struct arena *arena;
    struct error *error;
};

static int wrong_type(const struct options_reading *reading, const struct config_node *node, const char *expected) {
    char shown[96] = "", reason[160] = "", looks[128];
    const char *text = config_text(node);
    if (config_kind(node) == CONFIG_STRING)
        snprintf(shown, sizeof shown, " \"%.60s\"", text);
    else if (*text)
        snprintf(shown, sizeof shown, " (%.60s)", text);
    if (config_kind(node) == CONFIG_STRING) {
        struct config_node probe = {.kind = CONFIG_STRING, .text = text};
        scalar_type(&probe);
        scalar_type_element(&probe);
        if (lookalike_find(text, strlen(text), 1, looks, sizeof looks))
            snprintf(reason, sizeof reason, "; it has %s", looks);
        else if (probe.kind != CONFIG_STRING)
            snprintf(reason, sizeof reason, "; it is in quotes, or of a form that YAML takes for text");
    } else if (config_kind(node) == CONFIG_BOOL && !strncmp(expected, "a string", 8)) {
        snprintf(reason, sizeof reason, "; in quotes it is a string");
    }
    return config_error(node, reading->error, ERROR_TYPE, "expected %s, not %s%s%s", expected, config_kind_name(node),
                        shown, reason);
}

static int check_sign(const struct options_reading *reading, const struct config_node *node, double value) {
    unsigned flags = reading->option->flags;
    if (isnan(value))
        return config_error(node, reading->error, ERROR_VALUE, "expected a number, not NaN");
    if ((flags & OPTION_POSITIVE) && !(value > 0))
        return config_error(node, reading->error, ERROR_VALUE, "must be greater than 0, not %s", config_text(node));
    if ((flags & OPTION_NONNEGATIVE) && !(value >= 0))
        return config_error(node, reading->error, ERROR_VALUE, "must be 0 or greater, not %s", config_text(node));
    return 0;
}

static int read_int(const struct options_reading *reading, const struct config_node *node, const char *expected,
                    int64_t *out) {
    if (config_whole(node, out))
        return wrong_type(reading, node, expected);
    return check_sign(reading, node, config_float(node));
}

static int read_float(const struct options_reading *reading, const struct config_node *node, const char *expected,
                      double *out) {
    if (!config_is_number(node))
        return wrong_type(reading, node, expected);
    *out = config_float(node);
    return check_sign(reading, node, *out);
}

/* Whether `value` is one of "a|b|c". */
static int is_choice(const char *choices, const char *value) {
    size_t size = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (strcspn(at, "|") == size && !strncmp(at, value, size))
            return 1;
    }
    return 0;
}

static int wrong_choice(const struct options_reading *reading, const struct config_node *node) {
    struct text names = {0};
    const char *list[32], *choices = reading->option->choices;
    size_t count = 0;
    char copy[512];
    snprintf(copy, sizeof copy, "%s", choices);
    for (char *at = copy; at && count < 32; count++) {
        list[count] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = 0;
    }
    for (size_t k = 0; k < count; k++)
        text_format(&names, "%s%s", k == 0 ? "" : k + 1 == count ? " or " : ", ", list[k]);
    const char *nearest = text_nearest(config_text(node), list, count);
    int code = config_error(node, reading->error, ERROR_VALUE, "\"%.80s\" is none of %s%s", config_text(node),
                            names.data ? names.data : "", DID_YOU_MEAN(nearest));
    text_free(&names);
    return code;
}

static int read_string(const struct options_reading *reading, const struct config_node *node, const char *expected,
                       const char **out) {
    /* 12:00:00 is a number in YAML 1.1, and a time where text is asked for */
    if (config_kind(node) != CONFIG_STRING && !(config_is_number(node) && strchr(config_text(node), ':')))
        return wrong_type(reading, node, expected);
    if (reading->option->choices && !is_choice(reading->option->choices, config_text(node)))
        return wrong_choice(reading, node);
    *out = arena_string(reading->arena, config_text(node));
    return *out ? 0 : error_memory(reading->error);
}

/* ---------------------------------------------------------------- lists */

static int read_list(const struct options_reading *reading, char *place) {
    const struct config_node *node = reading->node;
    int scalar = config_kind(node) != CONFIG_LIST;
    size_t count = scalar ? 1 : config_count(node);
    for (size_t k = 0; !scalar && k < count; k++)
        if (config_kind(config_at(node, k)) == CONFIG_DEFERRED)
            return 0;
    enum option_type type = reading->option->type;
    size_t size = type == OPTION_INT_LIST     ? sizeof(int64_t)
                  : type == OPTION_FLOAT_LIST ? sizeof(double)
                                              : sizeof(char *);
    void *values = arena_alloc(reading->arena, count * size);
    if (!values)
        return error_memory(reading->error);
    for (size_t k = 0; k < count; k++) {
        const struct config_node *item = scalar ? node : config_at(node, k);
        int code;
        if (type == OPTION_INT_LIST)
            code = read_int(reading, item, scalar ? "an integer or a list of integers" : "an integer",
                            (int64_t *)values + k);
        else if (type == OPTION_FLOAT_LIST && (reading->option->flags & OPTION_NULLABLE) &&
                 config_kind(item) == CONFIG_NULL)
            code = (((double *)values)[k] = NAN, 0);
        else if (type == OPTION_FLOAT_LIST)
            code =
                read_float(reading, item, scalar ? "a number or a list of numbers" : "a number", (double *)values + k);
        else
            code = read_string(reading, item, scalar ? "a string or a list of strings" : "a string",
                               (const char **)values + k);
        if (code)
            return code;
    }
    if (type == OPTION_INT_LIST)
        *(struct option_ints *)place = (struct option_ints){(int)count, scalar, values};
    else if (type == OPTION_FLOAT_LIST)
        *(struct option_floats *)place = (struct option_floats){(int)count, scalar, values};
    else
        *(struct option_strings *)place = (struct option_strings){(int)count, scalar, values};
    return 0;
}

static int read_value(const struct options_reading *reading, char *place) {
    const struct config_node *node = reading->node;
    switch (reading->option->type) {
    case OPTION_BOOL:
        if (config_kind(node) != CONFIG_BOOL)
            return wrong_type(reading, node, "true or false");
        *(int *)place = config_bool(node);
        return 0;
    case OPTION_INT:
        return read_int(reading, node, "an integer", (int64_t *)place);
    case OPTION_FLOAT:
        return read_float(reading, node, "a number", (double *)place);
    case OPTION_STRING:
        return read_string(reading, node, "a string", (const char **)place);
    case OPTION_INT_LIST:
    case OPTION_FLOAT_LIST:
    case OPTION_STRING_LIST:
        return read_list(reading, place);
    case OPTION_NODE:
        *(const struct config_node **)place = node;
        return 0;
    }
    return 0;
}

/* ---------------------------------------------------------------- defaults */

/* Options that are not read: their rows have no place in the struct. */
static int is_unread(const struct option *option) {
    return (option->flags & (OPTION_IGNORED | OPTION_REFUSED)) != 0;
}

static int set_fallback(const struct option *option, char *place, struct arena *arena, struct error *error) {
    if (!option->fallback || option->type == OPTION_NODE || is_unread(option))
        return 0;
    int code = 0;
    struct config *config = tree_config_new(error);
    if (!config)
        return ERROR_MEMORY;
    struct config_node *node = yaml_parse(config, option->name, option->fallback, strlen(option->fallback), 0, error);
    /* a default is right by definition: no choices, no signs */
    struct option bare = *option;
    bare.flags = option->flags & OPTION_NULLABLE;
    bare.choices = NULL;
    const struct options_reading reading = {&bare, node, arena, error};
    if (!node)
        code = error && error->code ? (int)error->code : ERROR_VALUE;
    else if (node->kind != CONFIG_NULL)
        code = read_value(&reading, place);
    config_free(config);
    return code;
}

static size_t size_of(enum option_type type) {
    static const size_t sizes[] = {
        [OPTION_BOOL] = sizeof(int),
        [OPTION_INT] = sizeof(int64_t),
        [OPTION_FLOAT] = sizeof(double),
        [OPTION_STRING] = sizeof(const char *),
        [OPTION_INT_LIST] = sizeof(struct option_ints),
        [OPTION_FLOAT_LIST] = sizeof(struct option_floats),
        [OPTION_STRING_LIST] = sizeof(struct option_strings),
        [OPTION_NODE] = sizeof(const struct config_node *),
    };
    return sizes[type];
}

/* ---------------------------------------------------------------- the whole map */

static int is_passed_over(const char *key, const char *const *also) {
    if (!strcmp(key, "_target_"))
        return 1;
    for (; also && *also; also++)
        if (!strcmp(key, *also))
            return 1;
    return 0;
}

static int unknown_key(const struct option *options, size_t count, const struct config_node *map, size_t k,
                       const char *const *also, struct error *error) {
    size_t others = 0, known = 0;
    while (also && also[others])
        others++;
    const char **names = malloc((count + others + 1) * sizeof *names), *key = config_key(map, k);
    if (!names)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        if (!(options[i].flags & OPTION_REFUSED))
            names[known++] = options[i].name;
    for (size_t i = 0; i < others; i++)
        names[known++] = also[i];
    const char *nearest = text_nearest(key, names, known);
    struct text all = {0};
    for (size_t i = 0; !nearest && i < known; i++)
        text_format(&all, "%s%s", i ? ", " : "; there are ", names[i]);
    if (nearest)
        text_format(&all, "; did you mean \"%s\"?", nearest);
    char looks[128];
    int column = lookalike_find(key, strlen(key), 1, looks, sizeof looks);
    int code = config_error(config_key_node(map, k), error, ERROR_NAME, "unknown key \"%.80s\"%s%s%s", key,
                            column ? ": it has " : "", looks, all.data ? all.data : "");
    text_free(&all);
    free(names);
    return code;
}

/* Whether a value says no more than its absence would. */
static int says_nothing(const struct option *option, const struct config_node *value) {
    const char *usual = option->fallback;
    int holds = value->kind == CONFIG_LIST || value->kind == CONFIG_MAP;
    if (value->kind == CONFIG_NULL || value->kind == CONFIG_DEFERRED || (holds && !value->count))
        return 1;
    if (!usual)
        return 0;
    if (value->kind == CONFIG_BOOL)
        return !strcmp(usual, config_bool(value) ? "true" : "false");
    if (config_is_number(value))
        return strspn(usual, "-.0123456789") == strlen(usual) && config_float(value) == strtod(usual, NULL);
    return value->kind == CONFIG_STRING && !strcmp(usual, config_text(value));
}

static void notice_ignored(const struct option *option, const struct config_node *value) {
    if (!says_nothing(option, value))
        config_notice(value, LOG_NOTICE, "%s is accepted and has no meaning here: %s", config_path(value),
                      option->help);
}

int options_read(const struct option *options, size_t count, const struct config_node *map, const char *const *also,
                 void *out, struct arena *arena, struct error *error) {
    int code = 0;
    struct error ours = {0};
    error = error ? error : &ours;
    size_t size = 0, before = error_count(error);
    int unknown = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_unread(&options[i]) && options[i].offset + size_of(options[i].type) > size)
            size = options[i].offset + size_of(options[i].type);
    if (size)
        memset(out, 0, size);
    for (size_t i = 0; i < count && !code; i++)
        code = set_fallback(&options[i], size ? (char *)out + options[i].offset : NULL, arena, error);
    enum config_kind kind = config_kind(map);
    if (code || kind == CONFIG_DEFERRED)
        return code;
    if (kind != CONFIG_MAP && kind != CONFIG_NULL)
        return config_error(map, error, ERROR_TYPE, "expected a map of options, not %s", config_kind_name(map));
    for (size_t k = 0; k < config_count(map); k++) {
        size_t i = 0;
        while (i < count && strcmp(options[i].name, config_key(map, k)))
            i++;
        if (i < count || is_passed_over(config_key(map, k), also))
            continue;
        unknown = 1;
        if ((code = error_aside(error, unknown_key(options, count, map, k, also, error))))
            return code;
    }
    for (size_t i = 0; i < count && !code; i++) {
        const struct option *option = &options[i];
        const struct options_reading reading = {option, config_get(map, option->name), arena, error};
        char *place = size ? (char *)out + option->offset : NULL;
        if (!reading.node) {
            if ((option->flags & OPTION_REQUIRED) && !unknown) /* it may be there, misspelt */
                code =
                    config_error(map, error, ERROR_VALUE, "\"%s\" is missing%s%s%s", option->name,
                                 option->help ? " (" : "", option->help ? option->help : "", option->help ? ")" : "");
        } else if (option->flags & OPTION_IGNORED) {
            notice_ignored(option, reading.node);
        } else if (option->flags & OPTION_REFUSED) {
            if (!says_nothing(option, reading.node))
                code = config_error(reading.node, error, ERROR_VALUE, "%s", option->help);
        } else if (reading.node->kind == CONFIG_DEFERRED) {
            continue;
        } else if (reading.node->kind == CONFIG_NULL) {
            int optional = !(option->flags & OPTION_REQUIRED) &&
                           (!option->fallback || !strcmp(option->fallback, "null")) && !option->choices;
            int allowed = (option->flags & OPTION_NULLABLE) || option->type == OPTION_NODE ||
                          (option->type == OPTION_STRING && optional) ||
                          (option->choices && is_choice(option->choices, "null"));
            if (!allowed)
                code = config_error(reading.node, error, ERROR_TYPE, "null is no value for %s", option->name);
            else if (option->type == OPTION_STRING)
                *(const char **)place = NULL;
        } else {
            code = read_value(&reading, place);
        }
        code = error_aside(error, code);
    }
    return code ? code : error_since(error, before);
}

int options_target(const struct config_node *map, const char *what, const struct option_target *targets, size_t count,
                   size_t *index, struct error *error) {
    if (config_kind(map) != CONFIG_MAP)
        return config_error(map, error, ERROR_TYPE, "%s: expected a map with a _target_, not %s", what,
                            map ? config_kind_name(map) : "nothing");
    const struct config_node *node = config_get(map, "_target_");
    if (!node)
        return config_error(map, error, ERROR_VALUE, "%s: there is no _target_ (such as %s)", what,
                            count ? targets[0].target : "none");
    if (config_kind(node) != CONFIG_STRING)
        return config_error(node, error, ERROR_TYPE, "expected the name of %s, not %s", what, config_kind_name(node));
    const char *name = config_text(node);
    for (size_t k = 0; k < count; k++)
        if (options_is_target(name, &targets[k])) {
            *index = k;
            return 0;
        }
    const char **names = malloc((3 * count + 1) * sizeof *names), *nearest = NULL;
    if (!names)
        return error_memory(error);
    size_t used = 0;
    for (size_t k = 0; k < count; k++) {
        names[used++] = targets[k].target;
        if (targets[k].alias)
            names[used++] = targets[k].alias;
    }
    nearest = text_nearest(name, names, used);
    /* the right name in another module: compare what stands behind the last dot */
    for (size_t k = 0; k < count; k++)
        names[k] = text_behind(targets[k].target, '.');
    const char *short_name = nearest ? NULL : text_nearest(text_behind(name, '.'), names, count);
    for (size_t k = 0; short_name && k < count; k++)
        if (names[k] == short_name)
            nearest = targets[k].target;
    struct text all = {0};
    for (size_t k = 0; !nearest && k < count; k++)
        text_format(&all, "%s%s", k ? ", " : "; there are ", targets[k].target);
    if (nearest)
        text_format(&all, "; did you mean %s?", nearest);
    free(names);
    const char *noun = what + (!strncmp(what, "a ", 2) ? 2 : !strncmp(what, "an ", 3) ? 3 : 0);
    int code = config_error(node, error, ERROR_NAME, "unknown %s \"%.120s\"%s", noun, name, all.data ? all.data : "");
    text_free(&all);
    return code;
}

int options_target_of(const struct config_node *map, const char *what, const void *const *kinds, size_t count,
                      size_t *index, struct error *error) {
    struct option_target *targets = malloc((count + 1) * sizeof *targets);
    if (!targets)
        return error_memory(error);
    for (size_t k = 0; k < count; k++)
        targets[k] = *(const struct option_target *)kinds[k];
    int code = options_target(map, what, targets, count, index, error);
    free(targets);
    return code;
}

/* ---------------------------------------------------------------- printing */

static const char *type_text(const struct option *option) {
    switch (option->type) {
    case OPTION_BOOL:
        return "bool";
    case OPTION_INT:
        return "int";
    case OPTION_FLOAT:
        return "float";
    case OPTION_STRING:
        return "str";
    case OPTION_INT_LIST:
        return "int or list of int";
    case OPTION_FLOAT_LIST:
        return "float or list of float";
    case OPTION_STRING_LIST:
        return "list of str";
    case OPTION_NODE:
        return "any";
    }
    return "any";
}

void options_print(const struct option *options, size_t count, int indent, struct text *out) {
    for (size_t k = 0; k < count; k++) {
        const struct option *option = &options[k];
        text_format(out, "%*s%s: %s", indent, "", option->name, type_text(option));
        if (option->flags & OPTION_REQUIRED)
            text_add(out, ", required");
        else
            text_format(out, " = %s", option->fallback ? option->fallback : "null");
        text_add(out, "\n");
        if (option->choices)
            text_format(out, "%*sone of %s\n", indent + 4, "", option->choices);
        const char *verdict = option->flags & OPTION_IGNORED   ? "without meaning here: "
                              : option->flags & OPTION_REFUSED ? "refused: "
                                                               : "";
        text_format(out, "%*s%s%s\n", indent + 4, "", verdict, option->help);
    }
}
