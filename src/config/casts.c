/* int(), float(), str() and bool() in the values of overrides, as Hydra has them. */
#include "config/interpolation.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum cast { TO_INT, TO_FLOAT, TO_STR, TO_BOOL };

static struct config_node *cannot(const struct config_node *value, const char *name, struct error *error) {
    config_error(value, error, ERROR_VALUE, "%s() cannot be made of %s \"%.60s\"", name, config_kind_name(value),
                 value->text);
    return NULL;
}

/* What Python's int() and float() read of text: a number with spaces around it and underscores between digits. */
static int read_number(const char *text, int whole, double *number, int64_t *integer) {
    char clean[128];
    size_t used = 0;
    while (isspace((unsigned char)*text))
        text++;
    for (const char *s = text; *s; s++) {
        if (*s == '_' && (s == text || !isdigit((unsigned char)s[-1]) || !isdigit((unsigned char)s[1])))
            return 0;
        if (used + 1 == sizeof clean)
            return 0;
        if (*s != '_')
            clean[used++] = *s;
    }
    while (used && isspace((unsigned char)clean[used - 1]))
        used--;
    clean[used] = 0;
    const char *digits = clean + (*clean == '-' || *clean == '+');
    if (whole) {
        if (!*digits || digits[strspn(digits, "0123456789")] || strlen(digits) > 18)
            return 0;
        *integer = strtoll(clean, NULL, 10);
        return 1;
    }
    int infinite = !strcasecmp(digits, "inf") || !strcasecmp(digits, "infinity");
    if (infinite || !strcasecmp(digits, "nan")) {
        *number = !infinite ? NAN : *clean == '-' ? -INFINITY : INFINITY;
        return 1;
    }
    if (!isdigit((unsigned char)*digits) && *digits != '.')
        return 0;
    *number = text_to_double(clean, used);
    return !isnan(*number);
}

static struct config_node *cast_int(struct config_node *value, struct error *error) {
    int64_t integer = value->integer;
    if (value->kind == CONFIG_BOOL)
        integer = value->boolean;
    else if (value->kind == CONFIG_FLOAT && fabs(value->number) < 0x1p63)
        integer = (int64_t)value->number;
    else if (value->kind == CONFIG_STRING ? !read_number(value->text, 1, NULL, &integer) : value->kind != CONFIG_INT)
        return cannot(value, "int", error);
    return tree_int(value->config, integer, value, error);
}

static struct config_node *cast_float(struct config_node *value, struct error *error) {
    double number = value->number;
    if (value->kind == CONFIG_BOOL)
        number = value->boolean;
    else if (value->kind == CONFIG_STRING ? !read_number(value->text, 0, &number, NULL) : !config_is_number(value))
        return cannot(value, "float", error);
    return tree_float(value->config, number, value, error);
}

static struct config_node *cast_str(struct config_node *value, struct error *error) {
    struct text text = {0};
    if (value->kind == CONFIG_NULL)
        return cannot(value, "str", error);
    if (value->kind == CONFIG_BOOL)
        text_add(&text, value->boolean ? "true" : "false");
    else
        write_python(value, 0, &text);
    struct config_node *node = tree_string(value->config, text.data ? text.data : "", text.size, value, error);
    text_free(&text);
    return node;
}

static struct config_node *cast_bool(struct config_node *value, struct error *error) {
    int truth = value->kind == CONFIG_BOOL ? value->boolean : value->number != 0;
    if (value->kind == CONFIG_STRING) {
        truth = !strcasecmp(value->text, "true");
        if (!truth && strcasecmp(value->text, "false"))
            return cannot(value, "bool", error);
    } else if (value->kind == CONFIG_NULL) {
        return cannot(value, "bool", error);
    }
    struct config_node *node = tree_new(value->config, CONFIG_BOOL, value, error);
    if (node) {
        node->boolean = truth;
        node->text = truth ? "true" : "false";
    }
    return node;
}

/* Of a list or a map, each value. */
static struct config_node *apply(enum cast cast, struct config_node *value, struct error *error) {
    if (value->kind == CONFIG_LIST || value->kind == CONFIG_MAP) {
        for (size_t k = 0; k < value->count; k++) {
            struct config_node *one = apply(cast, value->values[k], error);
            if (!one)
                return NULL;
            tree_attach(value, one, value->kind == CONFIG_MAP ? value->keys[k] : NULL, k);
        }
        return value;
    }
    switch (cast) {
    case TO_INT:
        return cast_int(value, error);
    case TO_FLOAT:
        return cast_float(value, error);
    case TO_STR:
        return cast_str(value, error);
    case TO_BOOL:
        break;
    }
    return cast_bool(value, error);
}

struct config_node *element_call(const char *name, struct config_node *value, size_t count, struct error *error,
                                 const struct config_node *place) {
    static const char *const casts[] = {"int", "float", "str", "bool"};
    static const char *const sweeps[] = {"choice", "range", "interval", "glob", "shuffle", "sort", "tag"};
    for (enum cast cast = TO_INT; cast <= TO_BOOL; cast++)
        if (!strcmp(name, casts[cast])) {
            if (count == 1)
                return apply(cast, value, error);
            config_error(place, error, ERROR_VALUE, "%s() takes one value, not %zu", name, count);
            return NULL;
        }
    for (size_t k = 0; k < sizeof sweeps / sizeof *sweeps; k++)
        if (!strcmp(name, sweeps[k])) {
            config_error(place, error, ERROR_VALUE, "%s() makes a sweep over several values, which is no session",
                         name);
            return NULL;
        }
    config_error(place, error, ERROR_NAME, "there is no function %s(): there are int, float, str and bool", name);
    return NULL;
}
