/* Names of kept checkpoints: {epoch}, {step}, {val0_epoch/weighted_sum}, with a format as Python has them for numbers,
 * as in {epoch:02d} or {loss:.3f}. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "train/callback/kept.h"

int kept_name_is_below(const char *name) {
    if (!*name || *name == '/')
        return 0;
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
            return 0;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            return 0;
    return 1;
}

/* ---------------------------------------------------------------- formats */

/* [[fill]align][sign][0][width][.precision][type] */
struct format {
    char fill, align, sign, type; /* align, sign, type: 0 where they are not given */
    int width, precision;         /* -1: not given */
};

static const char *digits(const char *spec, int *out) {
    *out = isdigit((unsigned char)*spec) ? 0 : -1;
    for (; isdigit((unsigned char)*spec); spec++)
        if (*out < 100)
            *out = 10 * *out + (*spec - '0');
    return spec;
}

static int is_align(char c) {
    return c && strchr("<>=^", c);
}

/* -1 where it is none of a number, or one that file names have no use for. */
static int read_format(const char *spec, struct format *out) {
    *out = (struct format){.fill = ' ', .width = -1, .precision = -1};
    if (*spec && is_align(spec[1]))
        out->fill = *spec++;
    if (is_align(*spec))
        out->align = *spec++;
    if (*spec && strchr("+- ", *spec))
        out->sign = *spec++;
    if (*spec == '0') {
        spec++;
        if (!out->align) {
            out->fill = '0';
            out->align = '=';
        }
    }
    spec = digits(spec, &out->width);
    if (*spec == '.') {
        spec = digits(spec + 1, &out->precision);
        if (out->precision < 0)
            return -1;
    }
    if (*spec && strchr("defg%", *spec))
        out->type = *spec++;
    return *spec || out->width > 99 || out->precision > 50 || (out->type == 'd' && out->precision >= 0) ? -1 : 0;
}

/* Without a type, but with a precision: as g, but that a whole number shows its point. */
static void write_short(char *out, size_t size, double value, int precision) {
    int most = precision ? precision : 1;
    char exponent[16], *e;
    print_to(out, size, "%.*e", most - 1, value);
    snprintf(exponent, sizeof exponent, "%s", e = strchr(out, 'e'));
    if (atoi(exponent + 1) >= -4 && atoi(exponent + 1) < most - 1) {
        print_to(out, size, "%.*g", most, value);
        if (!strchr(out, '.'))
            snprintf(out + strlen(out), size - strlen(out), ".0");
        return;
    }
    if (memchr(out, '.', (size_t)(e - out))) {
        while (e[-1] == '0')
            e--;
        e -= e[-1] == '.';
    }
    snprintf(e, size - (size_t)(e - out), "%s", exponent);
}

/* The number without its sign. */
static void write_size(const struct format *format, double value, int whole, char *out, size_t size) {
    int precision = format->precision < 0 ? 6 : format->precision;
    char number[32];
    if (!isfinite(value))
        snprintf(out, size, "%s", isnan(value) ? "nan" : "inf");
    else if (format->type == '%')
        print_to(out, size, "%.*f%%", precision, 100 * value);
    else if (format->type == 'e')
        print_to(out, size, "%.*e", precision, value);
    else if (format->type == 'f')
        print_to(out, size, "%.*f", precision, value);
    else if (format->type == 'g')
        print_to(out, size, "%.*g", precision, value);
    else if (whole)
        print_to(out, size, "%.0f", value);
    else if (format->precision >= 0)
        write_short(out, size, value, format->precision);
    else
        snprintf(out, size, "%s", text_double(number, value));
}

static void add_number(const struct format *format, double value, int whole, struct text *out) {
    char body[512];
    int negative = signbit(value) && !isnan(value);
    const char *sign = negative ? "-" : format->sign == '+' ? "+" : format->sign == ' ' ? " " : "";
    write_size(format, fabs(value), whole, body, sizeof body);
    int size = (int)(strlen(body) + strlen(sign)), room = format->width > size ? format->width - size : 0;
    char align = format->align ? format->align : '>';
    int left = align == '<' || align == '=' ? 0 : align == '^' ? room / 2 : room;
    int middle = align == '=' ? room : 0, right = room - left - middle;
    const char fill[2] = {format->fill, 0};
    while (left-- > 0)
        text_add(out, fill);
    text_add(out, sign);
    while (middle-- > 0)
        text_add(out, fill);
    text_add(out, body);
    while (right-- > 0)
        text_add(out, fill);
}

/* ---------------------------------------------------------------- places */

/* A place in braces: its name and format. */
struct name_place {
    char name[256];
    struct format format;
};

/* The place that begins here, *end behind it; 0: there is none; -1: its format is none. */
static int read_place(const char *at, struct name_place *out, const char **end) {
    const char *close = *at == '{' ? strchr(at, '}') : NULL;
    if (!close)
        return 0;
    const char *colon = memchr(at, ':', (size_t)(close - at));
    char spec[64] = "";
    snprintf(out->name, sizeof out->name, "%.*s", (int)((colon ? colon : close) - at) - 1, at + 1);
    if (colon && close - colon > (ptrdiff_t)sizeof spec)
        return -1;
    if (colon)
        snprintf(spec, sizeof spec, "%.*s", (int)(close - colon) - 1, colon + 1);
    *end = close + 1;
    return read_format(spec, &out->format) ? -1 : 1;
}

static int is_count(const char *name) {
    return !strcmp(name, "epoch") || !strcmp(name, "step");
}

int kept_name_check(const char *filename, const struct config_node *where, struct error *error) {
    struct name_place place;
    const char *end;
    for (const char *at = filename ? filename : ""; *at; at = at + 1) {
        int is_place = read_place(at, &place, &end);
        if (is_place < 0 || (is_place && place.format.type == 'd' && !is_count(place.name)))
            return config_error(where, error, ERROR_VALUE,
                                "'%.60s': a format of a number is expected behind the colon, as in {epoch:02d} or "
                                "{val0_epoch/weighted_sum:.4f}; d is for epoch and step",
                                at);
    }
    return 0;
}

int kept_name(const struct trainer *trainer, const char *filename, int auto_insert, struct text *out,
              struct error *error) {
    const char *at = filename && *filename ? filename : "{epoch}-{step}";
    while (*at) {
        struct name_place place;
        const char *end;
        double value = 0;
        if (read_place(at, &place, &end) <= 0) {
            text_add_bytes(out, at++, 1);
            continue;
        }
        int is_epoch = !strcmp(place.name, "epoch"), whole = is_count(place.name);
        if (whole)
            value = (double)(is_epoch ? run_cursor(trainer)->epoch : run_cursor(trainer)->step);
        else if (!trainer_metric(trainer, place.name, &value))
            whole = 1; /* what is not known yet is 0 */
        if (auto_insert)
            text_format(out, "%s=", place.name);
        add_number(&place.format, value, whole, out);
        at = end;
    }
    if (out->failed)
        return error_memory(error);
    return kept_name_is_below(out->data ? out->data : "")
               ? 0
               : error_set(error, ERROR_VALUE, "ModelCheckpoint: '%.200s' is no name of a file below dirpath",
                           out->data ? out->data : "");
}
