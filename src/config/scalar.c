/* What a plain scalar means.  YAML 1.1's rules as PyYAML has them, with OmegaConf's rule for floats (1e-6 is one) and
 * without timestamps. */
#include "config/config_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int among(const char *text, const char *const *words) {
    for (; *words; words++)
        if (!strcmp(text, *words))
            return 1;
    return 0;
}

/* Length of the run of characters of `set` at s. */
static size_t run(const char *s, const char *set) {
    return strspn(s, set);
}

#define DIGITS "0123456789"
#define DIGITS_ "0123456789_"

/* (:[0-5]?[0-9])+ ; 0 if there is none */
static size_t sexagesimal(const char *s) {
    size_t at = 0;
    while (s[at] == ':' && isdigit((unsigned char)s[at + 1])) {
        if (isdigit((unsigned char)s[at + 2])) {
            if (s[at + 1] > '5')
                break;
            at += 3;
        } else {
            at += 2;
        }
    }
    return at;
}

/* Digits of a base, underscores passed over. An integer beyond 64 bits is kept as a float. */
static int read_digits(struct config_node *node, int negative, const char *s, int base) {
    uint64_t exact = 0;
    const char *digits = s;
    double value = 0;
    int any = 0, over = 0;
    for (; *s; s++) {
        if (*s == '_')
            continue;
        int digit = isdigit((unsigned char)*s) ? *s - '0' : tolower((unsigned char)*s) - 'a' + 10;
        over |= __builtin_mul_overflow(exact, (uint64_t)base, &exact);
        over |= __builtin_add_overflow(exact, (uint64_t)digit, &exact);
        value = value * base + digit;
        any = 1;
    }
    if (!any)
        return 0;
    if (over || exact > INT64_MAX) {
        if (base == 10 && !strchr(digits, '_'))
            value = text_to_double(digits, strlen(digits));
        node->kind = CONFIG_FLOAT;
        node->number = negative ? -value : value;
        return 1;
    }
    node->kind = CONFIG_INT;
    node->integer = negative ? -(int64_t)exact : (int64_t)exact;
    node->number = (double)node->integer;
    return 1;
}

/* 1:30 is 90, and 1:30.5 is 90.5 */
static double read_sexagesimal(const char *s) {
    double value = 0;
    while (*s) {
        size_t size = strcspn(s, ":");
        struct text part = {0};
        for (size_t k = 0; k < size; k++)
            if (s[k] != '_')
                text_add_bytes(&part, s + k, 1);
        value = value * 60 + (part.size ? text_to_double(part.data, part.size) : 0);
        text_free(&part);
        s += size;
        s += *s == ':';
    }
    return value;
}

static int type_int(struct config_node *node, const char *text) {
    int negative = *text == '-';
    const char *s = text + (*text == '-' || *text == '+');
    if (s[0] == '0' && s[1] == 'b' && s[2] && !s[2 + run(s + 2, "01_")])
        return read_digits(node, negative, s + 2, 2);
    if (s[0] == '0' && s[1] == 'x' && s[2] && !s[2 + run(s + 2, "0123456789abcdefABCDEF_")])
        return read_digits(node, negative, s + 2, 16);
    if (s[0] == '0')
        return !s[run(s, "01234567_")] ? read_digits(node, negative, s, 8) : 0;
    if (!isdigit((unsigned char)*s))
        return 0;
    size_t size = run(s, DIGITS_);
    if (!s[size])
        return read_digits(node, negative, s, 10);
    size_t more = sexagesimal(s + size);
    if (!more || s[size + more])
        return 0;
    double value = read_sexagesimal(s);
    node->number = negative ? -value : value;
    node->kind = value < 0x1p53 ? CONFIG_INT : CONFIG_FLOAT;
    node->integer = node->kind == CONFIG_INT ? (int64_t)node->number : 0;
    return 1;
}

/* [eE][+-]?[0-9]+ at the end of the text */
static int is_exponent(const char *s, int needs_sign) {
    if (*s != 'e' && *s != 'E')
        return 0;
    s++;
    int sign = *s == '+' || *s == '-';
    s += sign;
    return (sign || !needs_sign) && *s && !s[run(s, DIGITS)];
}

static int type_float(struct config_node *node, const char *text) {
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    int sign = *text == '-' || *text == '+';
    double one = *text == '-' ? -1 : 1;
    const char *s = text + sign;
    if (among(s, infinities) || (!sign && among(s, nans))) {
        node->number = (s[1] | 32) == 'i' ? one * INFINITY : NAN;
        node->kind = CONFIG_FLOAT;
        return 1;
    }
    if (*s == '.') { /* .5 may have no sign, and its exponent must have one */
        size_t size = isdigit((unsigned char)s[1]) ? 1 + run(s + 1, DIGITS_) : 0;
        if (sign || !size || (s[size] && !is_exponent(s + size, 1)))
            return 0;
    } else {
        if (!isdigit((unsigned char)*s))
            return 0;
        size_t size = run(s, DIGITS_);
        int tidy = s[size - 1] != '_'; /* underscores stand between digits, one at a time */
        for (size_t k = 1; k < size; k++)
            tidy = tidy && !(s[k] == '_' && s[k - 1] == '_');
        size_t more = sexagesimal(s + size);
        if (s[size] == '.') {
            size += 1 + run(s + size + 1, DIGITS_);
            if (s[size] && !is_exponent(s + size, !tidy))
                return 0;
        } else if (more && s[size + more] == '.') {
            size += more;
            if (s[size + 1 + run(s + size + 1, DIGITS_)])
                return 0;
            node->number = one * read_sexagesimal(s);
            node->kind = CONFIG_FLOAT;
            return 1;
        } else if (!tidy || !is_exponent(s + size, 0)) {
            return 0;
        }
    }
    size_t size = strlen(text), used = 0;
    char buffer[128] = "", *clean = size < sizeof buffer ? buffer : malloc(size + 1);
    if (!clean)
        return 0;
    for (size_t k = 0; k < size; k++)
        if (text[k] != '_')
            clean[used++] = text[k];
    node->number = text_to_double(clean, used);
    node->kind = CONFIG_FLOAT;
    if (clean != buffer)
        free(clean);
    return 1;
}

void scalar_type(struct config_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
    static const char *const falses[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
    const char *text = node->text;
    if (among(text, nulls)) {
        node->kind = CONFIG_NULL;
    } else if (among(text, trues) || among(text, falses)) {
        node->kind = CONFIG_BOOL;
        node->boolean = among(text, trues);
    } else if (strchr("+-.0123456789", *text)) {
        if (!type_int(node, text))
            type_float(node, text);
    }
}

/* 0 or 12_000, without a leading zero */
static size_t element_int(const char *s) {
    if (*s == '0')
        return 1;
    size_t size = run(s, DIGITS);
    while (size && s[size] == '_' && isdigit((unsigned char)s[size + 1]))
        size += 1 + run(s + size + 1, DIGITS);
    return size;
}

/* [eE][+-]?[0-9](_?[0-9])* at the end of the text */
static int is_element_exponent(const char *s) {
    if (*s != 'e' && *s != 'E')
        return 0;
    s += 1 + (s[1] == '+' || s[1] == '-');
    int digit = 0;
    for (; isdigit((unsigned char)*s) || (*s == '_' && digit); s++)
        digit = *s != '_';
    return digit && !*s;
}

void scalar_type_element(struct config_node *node) {
    const char *text = node->text, *s = text + (*text == '-' || *text == '+');
    if (!strcasecmp(text, "null")) {
        node->kind = CONFIG_NULL;
    } else if (!strcasecmp(text, "true") || !strcasecmp(text, "false")) {
        node->kind = CONFIG_BOOL;
        node->boolean = tolower((unsigned char)*text) == 't';
    } else if (!strcasecmp(s, "inf") || !strcasecmp(s, "nan")) {
        node->kind = CONFIG_FLOAT;
        node->number = (*s | 32) == 'n' ? NAN : *text == '-' ? -INFINITY : INFINITY;
    } else if (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]))) {
        size_t size = element_int(s);
        if (!s[size]) {
            read_digits(node, *text == '-', s, 10);
            return;
        }
        if (s[size] == '.') {
            size++;
            if (isdigit((unsigned char)s[size]))
                size += run(s + size, DIGITS_);
            if (s[size - 1] == '_')
                return;
        }
        if (s[size] && !is_element_exponent(s + size))
            return;
        char clean[128];
        size_t used = 0;
        for (const char *p = text; *p && used < sizeof clean; p++)
            if (*p != '_')
                clean[used++] = *p;
        if (used == sizeof clean)
            return;
        node->number = text_to_double(clean, used);
        node->kind = CONFIG_FLOAT;
    }
}
