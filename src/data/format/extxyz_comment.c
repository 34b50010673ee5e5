/* The comment line of an extended XYZ frame: key=value pairs as ASE reads them, and somewhat more: nested brackets,
 * Fortran exponents, empty quoted values. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "data/format/extxyz_parts.h"

enum { MOST_KEYS = 100000 };

static int is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int word_number(const char *text, size_t size, double *out) {
    double sign = 1;
    if (size && (*text == '+' || *text == '-')) {
        sign = *text == '-' ? -1 : 1;
        text++;
        size--;
    }
    if (size == 3 && strncasecmp(text, "nan", 3) == 0)
        *out = NAN;
    else if ((size == 3 && strncasecmp(text, "inf", 3) == 0) || (size == 8 && strncasecmp(text, "infinity", 8) == 0))
        *out = sign * INFINITY;
    else
        return 0;
    return 1;
}

/* Up to 19 digits, in the 64 bits of an x87 number: the quotient or product is rounded once to these, and a second time
 * to the 53 of a double, which is right unless the first rounding may have crossed the middle between two doubles. */
static int wide_number(uint64_t mantissa, long scale, double *out) {
#if LDBL_MANT_DIG == 64
    static const long double more[] = {1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    if (scale < -27 || scale > 27)
        return 0;
    long size = scale < 0 ? -scale : scale;
    long double power = size < 23 ? (long double)powers[size] : more[size - 23];
    long double value = scale < 0 ? (long double)mantissa / power : (long double)mantissa * power;
    int exponent;
    uint64_t bits = (uint64_t)ldexpl(frexpl(value, &exponent), 64);
    int rest = (int)(bits & 0x7ff);
    if (rest >= 0x3ff && rest <= 0x401)
        return 0;
    *out = (double)value;
    return 1;
#else
    (void)mantissa, (void)scale, (void)out;
    return 0;
#endif
}

int xyz_number(const char *text, size_t size, double *out) {
    const char *at = text, *end = text + size;
    int negative = 0, digits = 0, kept = 0;
    long scale = 0, exponent = 0;
    uint64_t mantissa = 0;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    for (int fraction = 0; at < end; at++) {
        if (*at == '.' && !fraction) {
            fraction = 1;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        digits++;
        if (kept < 19) {
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
            kept += mantissa != 0;
            scale -= fraction;
        } else {
            kept = 20; /* digits were left out: not exact */
            scale += !fraction;
        }
    }
    if (!digits)
        return word_number(text, size, out);
    char letter = 0;
    if (at < end && strchr("eEdD", *at)) {
        letter = *at++;
        int minus = 0, any = 0;
        if (at < end && (*at == '+' || *at == '-'))
            minus = *at++ == '-';
        for (; at < end && *at >= '0' && *at <= '9'; at++, any = 1)
            if (exponent < 100000)
                exponent = exponent * 10 + (*at - '0');
        if (!any)
            return 0;
        exponent = minus ? -exponent : exponent;
    }
    if (at != end)
        return 0;
    scale += exponent;
    /* both factors are exact doubles: one rounding, as it should be */
    if (kept < 20 && mantissa < (1ull << 53) && scale >= -22 && scale <= 22) {
        double value = (double)mantissa;
        value = scale < 0 ? value / powers[-scale] : value * powers[scale];
        *out = negative ? -value : value;
        return 1;
    }
    if (kept < 20 && wide_number(mantissa, scale, out)) {
        *out = negative ? -*out : *out;
        return 1;
    }
    char buffer[64], *copy = size < sizeof buffer ? buffer : malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, text, size);
    copy[size] = 0;
    for (char *c = copy; letter && *c; c++)
        if (*c == letter)
            *c = 'e';
    *out = strtod(copy, NULL);
    if (copy != buffer)
        free(copy);
    return 1;
}

int xyz_bool(const char *text, size_t size, int *out) {
    static const char *const yes[] = {"T", "true", "True", "TRUE"}, *const no[] = {"F", "false", "False", "FALSE"};
    for (size_t k = 0; k < 4; k++) {
        if (strlen(yes[k]) == size && memcmp(yes[k], text, size) == 0)
            return *out = 1, 1;
        if (strlen(no[k]) == size && memcmp(no[k], text, size) == 0)
            return *out = 0, 1;
    }
    return 0;
}

const char *xyz_quote(char out[40], const char *text, size_t size) {
    enum { MOST = 32 };
    char piece[MOST + 1];
    size_t length = size < MOST ? size : MOST;
    while (length && length < size && (text[length] & 0xc0) == 0x80) /* not within a character */
        length--;
    memcpy(piece, text, length);
    piece[length] = 0;
    size_t taken = strlen(piece); /* up to a zero, in what is no text */
    out[0] = '"';
    text_shown(out + 1, MOST + 3, piece);
    strcat(out, taken < size ? "...\"" : "\"");
    return out;
}

/* Numbers, or truth values as 1 and 0, from a value's text; how many, 0 if it is something else. */
static int parse_list(const char *text, double *out) {
    static const char separators[] = " \t\r\v\f,[]";
    if (strncmp(text, "_JSON ", 6) == 0)
        text += 6;
    int count = 0, bools = 0;
    for (;;) {
        text += strspn(text, separators);
        size_t size = strcspn(text, separators);
        if (!size)
            return bools && bools != count ? 0 : count;
        int truth;
        if (xyz_bool(text, size, &truth)) {
            out[count] = truth;
            bools++;
        } else if (!xyz_number(text, size, &out[count])) {
            return 0;
        }
        count++;
        text += size;
    }
}

/* What a line of that length can need: of characters two for each (a key alone has a value and two ends), of numbers
 * one for every other. */
static int reserve(struct xyz_comment *comment, size_t size) {
    if (comment->chars && comment->capacity >= size)
        return 1;
    size_t capacity = size + size / 4 + 64;
    free(comment->chars);
    free(comment->numbers);
    comment->chars = malloc(2 * capacity + 8);
    comment->numbers = malloc((capacity / 2 + 2) * sizeof *comment->numbers);
    comment->capacity = capacity;
    return comment->chars && comment->numbers;
}

static int reserve_value(struct xyz_comment *comment) {
    if (comment->count < comment->values_capacity)
        return 1;
    size_t capacity = 2 * comment->values_capacity + 16;
    struct xyz_value *values = realloc(comment->values, capacity * sizeof *values);
    if (!values)
        return 0;
    comment->values = values;
    comment->values_capacity = capacity;
    return 1;
}

void xyz_comment_free(struct xyz_comment *comment) {
    free(comment->values);
    free(comment->chars);
    free(comment->numbers);
    memset(comment, 0, sizeof *comment);
}

/* A word: up to a blank or '=' outside of quotes and brackets, without those.  Returns where it ends. */
static size_t read_word(const char *line, size_t size, size_t at, char **out, int in_value, int *open) {
    char closing = 0;
    int depth = 0, began = 0;
    for (; at < size; at++) {
        char c = line[at];
        if (c == '\\' && at + 1 < size) {
            *(*out)++ = line[++at];
        } else if (closing) {
            if (closing == ']' && c == '[') {
                depth++;
            } else if (c == closing && depth-- == 0) {
                closing = depth = 0;
                continue;
            }
            *(*out)++ = c;
        } else if (c == '"' || c == '\'') {
            closing = c;
            began = (int)at + 1;
        } else if (c == '{' || c == '[') {
            closing = c == '{' ? '}' : ']';
            depth = 0;
            began = (int)at + 1;
        } else if (is_blank(c) || (c == '=' && !in_value)) {
            break;
        } else {
            *(*out)++ = c;
        }
    }
    if (closing)
        *open = began;
    *(*out)++ = 0;
    return at;
}

int xyz_comment_parse(struct xyz_comment *comment, const char *line, size_t size, const char *file, int line_number,
                      struct error *error) {
    comment->count = 0;
    comment->open = 0;
    if (!reserve(comment, size))
        return error_at(error, ERROR_MEMORY, file, line_number, 0, "out of memory");
    char *chars = comment->chars;
    double *numbers = comment->numbers;
    for (size_t at = 0;;) {
        while (at < size && is_blank(line[at]))
            at++;
        if (at == size)
            return 0;
        if (comment->count == MOST_KEYS)
            return error_at(error, ERROR_DATA, file, line_number, (int)at + 1, "the line has more than %d keys",
                            MOST_KEYS);
        if (!reserve_value(comment))
            return error_at(error, ERROR_MEMORY, file, line_number, 0, "out of memory");
        struct xyz_value *value = &comment->values[comment->count];
        *value = (struct xyz_value){.key = chars, .column = (int)at + 1, .numbers = numbers};
        if (line[at] == '=') { /* nobody's: a plain comment */
            at++;
            continue;
        }
        at = read_word(line, size, at, &chars, 0, &comment->open);
        size_t next = at;
        while (next < size && is_blank(line[next]))
            next++;
        value->text = chars;
        if (next < size && line[next] == '=') {
            for (at = next + 1; at < size && is_blank(line[at]);)
                at++;
            at = read_word(line, size, at, &chars, 1, &comment->open);
        } else {
            memcpy(chars, "T", 2); /* a key alone is true */
            chars += 2;
        }
        value->count = parse_list(value->text, numbers);
        numbers += value->count;
        if (value->key[0])
            comment->count++;
    }
}

int xyz_word(struct xyz_line *line, struct xyz_line *word) {
    const char *at = line->text, *end = at + line->size;
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    word->text = at;
    while (at < end && !(*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    word->size = (size_t)(at - word->text);
    line->size = (size_t)(end - at);
    line->text = at;
    return word->size > 0;
}
