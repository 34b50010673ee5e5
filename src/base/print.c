#include "base/print.h"

#include <langinfo.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What is printed: as much of it as there is room for, and its whole length. */
struct printed {
    char *out;
    size_t size, length;
    int failed;
};

/* A conversion, with numbers where the format had stars. */
struct conversion {
    char text[64];
    int width, left; /* 0: none */
    char length[3], type;
};

static void put(struct printed *p, const char *bytes, size_t size) {
    if (p->length < p->size) {
        size_t room = p->size - p->length;
        memcpy(p->out + p->length, bytes, size < room ? size : room);
    }
    p->length += size;
}

/* What C's printf gives for a conversion of its own. */
#define PUT(p, conversion, value)                                                                                      \
    count((p), snprintf((p)->length < (p)->size ? (p)->out + (p)->length : NULL,                                       \
                        (p)->length < (p)->size ? (p)->size - (p)->length : 0, (conversion)->text, (value)))

static void count(struct printed *p, int length) {
    if (length < 0)
        p->failed = 1;
    else
        p->length += (size_t)length;
}

/* The first decimal point of the locale becomes one. */
static void set_point(char *text) {
    const char *radix = nl_langinfo(RADIXCHAR);
    size_t size = strlen(radix);
    char *at = size && strcmp(radix, ".") != 0 ? strstr(text, radix) : NULL;
    if (!at)
        return;
    *at = '.';
    memmove(at + 1, at + size, strlen(at + size) + 1);
}

static void put_double(struct printed *p, const struct conversion *c, double value) {
    char text[512];
    int length;
    if (isnan(value))
        length = snprintf(text, sizeof text, c->left ? "%-*s" : "%*s", c->width, "nan");
    else
        length = snprintf(text, sizeof text, c->text, value);
    if (length < 0 || (size_t)length >= sizeof text) {
        PUT(p, c, value);
        return;
    }
    set_point(text);
    put(p, text, strlen(text));
}

static void put_signed(struct printed *p, const struct conversion *c, va_list *args) {
    if (!strcmp(c->length, "l"))
        PUT(p, c, va_arg(*args, long));
    else if (!strcmp(c->length, "ll"))
        PUT(p, c, va_arg(*args, long long));
    else if (!strcmp(c->length, "j"))
        PUT(p, c, va_arg(*args, intmax_t));
    else if (!strcmp(c->length, "z") || !strcmp(c->length, "t"))
        PUT(p, c, va_arg(*args, ptrdiff_t));
    else
        PUT(p, c, va_arg(*args, int));
}

static void put_unsigned(struct printed *p, const struct conversion *c, va_list *args) {
    if (!strcmp(c->length, "l"))
        PUT(p, c, va_arg(*args, unsigned long));
    else if (!strcmp(c->length, "ll"))
        PUT(p, c, va_arg(*args, unsigned long long));
    else if (!strcmp(c->length, "j"))
        PUT(p, c, va_arg(*args, uintmax_t));
    else if (!strcmp(c->length, "z") || !strcmp(c->length, "t"))
        PUT(p, c, va_arg(*args, size_t));
    else
        PUT(p, c, va_arg(*args, unsigned));
}

static void put_conversion(struct printed *p, const struct conversion *c, va_list *args) {
    switch (c->type) {
    case 'd':
    case 'i':
        put_signed(p, c, args);
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_unsigned(p, c, args);
        break;
    case 'c':
        PUT(p, c, va_arg(*args, int));
        break;
    case 's':
        PUT(p, c, va_arg(*args, const char *));
        break;
    case 'p':
        PUT(p, c, va_arg(*args, void *));
        break;
    case '%':
        put(p, "%", 1);
        break;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        if (!strcmp(c->length, "L"))
            PUT(p, c, va_arg(*args, long double));
        else
            put_double(p, c, va_arg(*args, double));
        break;
    default:
        p->failed = 1;
    }
}

/* A width or a precision: digits, or a star for an argument; -1 where there is neither. */
static int read_number(const char **format, va_list *args) {
    int value = -1;
    if (**format == '*') {
        (*format)++;
        return va_arg(*args, int);
    }
    for (; **format >= '0' && **format <= '9'; (*format)++)
        value = (value < 0 ? 0 : value) * 10 + (**format - '0');
    return value;
}

/* Behind the %; returns what follows. */
static const char *read_conversion(struct conversion *c, const char *format, va_list *args) {
    char flags[8] = "", precision[16] = "", width[16] = "";
    size_t n = strspn(format, "-+ #0");
    memset(c, 0, sizeof *c);
    memcpy(flags, format, n < sizeof flags - 1 ? n : sizeof flags - 1);
    format += n;
    int star = *format == '*', given = read_number(&format, args);
    c->left = strchr(flags, '-') != NULL || (star && given < 0);
    c->width = given < 0 ? star ? -given : 0 : given;
    if (c->width)
        snprintf(width, sizeof width, "%d", c->width);
    if (*format == '.') {
        format++;
        star = *format == '*';
        given = read_number(&format, args);
        if (given >= 0 || !star) /* a negative one counts as none */
            snprintf(precision, sizeof precision, ".%d", given < 0 ? 0 : given);
    }
    n = strspn(format, "hlLjzt");
    memcpy(c->length, format, n < sizeof c->length - 1 ? n : sizeof c->length - 1);
    format += n;
    c->type = *format;
    snprintf(c->text, sizeof c->text, "%%%s%s%s%s%s%c", flags, c->left && !strchr(flags, '-') ? "-" : "", width,
             precision, c->length, c->type);
    return *format ? format + 1 : format;
}

int print_to_v(char *out, size_t size, const char *format, va_list given) {
    struct printed p = {.out = out, .size = size};
    struct conversion c;
    va_list args;
    va_copy(args, given);
    while (*format && !p.failed) {
        size_t plain = strcspn(format, "%");
        put(&p, format, plain);
        format += plain;
        if (*format) {
            format = read_conversion(&c, format + 1, &args);
            put_conversion(&p, &c, &args);
        }
    }
    va_end(args);
    if (size)
        out[p.length < size ? p.length : size - 1] = 0;
    return p.failed ? -1 : (int)p.length;
}

int print_to(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = print_to_v(out, size, format, args);
    va_end(args);
    return length;
}

char *print_new_v(const char *format, va_list args) {
    int length = print_to_v(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text)
        print_to_v(text, (size_t)length + 1, format, args);
    return text;
}

void print_file(FILE *stream, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = print_new_v(format, args);
    va_end(args);
    if (text)
        fputs(text, stream);
    free(text);
}
