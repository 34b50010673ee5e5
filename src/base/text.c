#include "base/text.h"

#include <ctype.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/print.h"

const char *text_behind(const char *text, char c) {
    const char *last = strrchr(text, c);
    return last ? last + 1 : text;
}

int text_ends_with(const char *text, const char *end) {
    size_t size = strlen(text), length = strlen(end);
    return size > length && !strcmp(text + size - length, end);
}

void text_free(struct text *text) {
    free(text->data);
    memset(text, 0, sizeof *text);
}

void text_clear(struct text *text) {
    text->size = 0;
    if (text->data)
        text->data[0] = 0;
}

static int reserve(struct text *text, size_t more) {
    if (text->failed)
        return -1;
    if (text->size + more + 1 <= text->capacity)
        return 0;
    size_t capacity = text->capacity ? text->capacity : 128;
    while (capacity < text->size + more + 1)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = 1;
        return -1;
    }
    text->data = data;
    text->capacity = capacity;
    return 0;
}

void text_add_bytes(struct text *text, const void *bytes, size_t size) {
    if (reserve(text, size))
        return;
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
}

void text_add(struct text *text, const char *string) {
    text_add_bytes(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = print_to_v(NULL, 0, format, args);
    if (length >= 0 && !reserve(text, (size_t)length)) {
        print_to_v(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

/* ---------------------------------------------------------------- what may reach a terminal */

int text_is_plain(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } others[] = {{0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},          {0x61c, 0x61c},
                  {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},      {0xfeff, 0xfeff},
                  {0xfff9, 0xfffb}, {0xd800, 0xdfff}, {0xe0000, 0xe007f}, {0x110000, UINT32_MAX}};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (c >= others[k].first && c <= others[k].last)
            return 0;
    return 1;
}

size_t text_character(const char *text, size_t size, uint32_t *out) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80                    ? 1
                    : first >= 0xc2 && first < 0xe0 ? 2
                    : (first & 0xf0) == 0xe0        ? 3
                    : (first & 0xf8) == 0xf0        ? 4
                                                    : 0;
    if (!length || length > size)
        return 0;
    *out = length == 1 ? first : first & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; k++) {
        if ((text[k] & 0xc0) != 0x80)
            return 0;
        *out = *out << 6 | (text[k] & 0x3f);
    }
    return *out >= least[length] && *out <= 0x10ffff && (*out < 0xd800 || *out > 0xdfff) ? length : 0;
}

/* What stands for the first character of a text; returns how many of its bytes that is. */
static size_t show(const char *text, size_t size, char out[16]) {
    uint32_t c;
    size_t length = text_character(text, size, &c);
    if (length && text_is_plain(c))
        snprintf(out, 16, "%.*s", (int)length, text);
    else if (length > 1)
        snprintf(out, 16, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
    else
        snprintf(out, 16, "\\x%02x", (unsigned char)text[0]);
    return length ? length : 1;
}

void text_add_shown(struct text *out, const char *text, size_t size) {
    char shown[16];
    for (size_t k = 0, plain = 0; k < size; k += plain) {
        for (plain = 0; k + plain < size && text[k + plain] >= ' ' && text[k + plain] < 0x7f;)
            plain++;
        if (plain) {
            text_add_bytes(out, text + k, plain);
        } else {
            plain = show(text + k, size - k, shown);
            text_add(out, shown);
        }
    }
}

char *text_shown(char *out, size_t size, const char *text) {
    char shown[16];
    size_t used = 0, left = strlen(text);
    while (left && used < size) {
        size_t taken = show(text, left, shown), length = strlen(shown);
        if (used + length >= size)
            break;
        memcpy(out + used, shown, length);
        used += length;
        text += taken;
        left -= taken;
    }
    if (size)
        out[used] = 0;
    return out;
}

/* ---------------------------------------------------------------- names and numbers */

/* Edit distance (insert, delete, replace, swap neighbours), case aside but for a small cost. */
static int distance(const char *a, const char *b) {
    enum { MOST = 96 };
    size_t n = strlen(a), m = strlen(b);
    if (n >= MOST || m >= MOST)
        return 1000;
    int row[3][MOST + 1];
    for (size_t j = 0; j <= m; j++)
        row[0][j] = (int)(4 * j);
    for (size_t i = 1; i <= n; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (int)(4 * i);
        for (size_t j = 1; j <= m; j++) {
            char x = a[i - 1], y = b[j - 1];
            int same = x == y ? 0 : tolower((unsigned char)x) == tolower((unsigned char)y) ? 1 : 4;
            int best = last[j - 1] + same;
            best = last[j] + 4 < best ? last[j] + 4 : best;
            best = now[j - 1] + 4 < best ? now[j - 1] + 4 : best;
            if (i > 1 && j > 1 && x == b[j - 2] && a[i - 2] == y && before[j - 2] + 4 < best)
                best = before[j - 2] + 4;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *text_nearest(const char *name, const char *const *names, size_t count) {
    const char *best = NULL;
    /* one edit in three letters; of a single letter nothing would be left */
    int least = strlen(name) < 2 ? 4 : 4 * (int)(strlen(name) / 3 + 1) + 1;
    for (size_t k = 0; k < count; k++) {
        int d = distance(name, names[k]);
        /* a beginning or an end that agrees is near as well: "Adam" for "torch.optim.Adam" */
        size_t n = strlen(name), m = strlen(names[k]);
        if (n >= 3 && m > n && (!strncasecmp(name, names[k], n) || !strcasecmp(name, names[k] + m - n)) && d > 4)
            d = 4;
        if (d < least) {
            least = d;
            best = names[k];
        }
    }
    return best;
}

const char *text_did_you_mean(char out[TEXT_HINT], const char *nearest) {
    *out = 0;
    if (nearest)
        snprintf(out, TEXT_HINT, "; did you mean \"%.200s\"?", nearest);
    return out;
}

/* Numbers in files have a point, whatever the host program's locale says. */
static void set_point(char *text, char point) {
    for (; *text; text++)
        if (*text == '.' || *text == ',') {
            *text = point;
            return;
        }
}

double text_to_double(const char *text, size_t size) {
    char buffer[128], *copy = size < sizeof buffer ? buffer : malloc(size + 1);
    if (!copy)
        return NAN;
    memcpy(copy, text, size);
    copy[size] = 0;
    const char *radix = nl_langinfo(RADIXCHAR);
    if (radix[0] && !radix[1] && radix[0] != '.')
        set_point(copy, radix[0]);
    char *end;
    double value = strtod(copy, &end);
    if (end == copy || *end)
        value = NAN;
    if (copy != buffer)
        free(copy);
    return value;
}

const char *text_double(char out[32], double value) {
    if (isnan(value))
        return strcpy(out, "nan");
    if (isinf(value))
        return strcpy(out, value > 0 ? "inf" : "-inf");
    int digits = 1;
    for (; digits < 17; digits++) {
        snprintf(out, 32, "%.*e", digits - 1, value);
        if (strtod(out, NULL) == value)
            break;
    }
    snprintf(out, 32, "%.*e", digits - 1, value);
    set_point(out, '.');
    int exponent = atoi(strchr(out, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        /* mantissa, then an exponent of at least two digits, as Python writes it */
        char *e = strchr(out, 'e');
        snprintf(e, (size_t)(32 - (e - out)), "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return out;
    }
    int decimals = digits - 1 - exponent;
    snprintf(out, 32, "%.*f", decimals > 0 ? decimals : 1, value);
    set_point(out, '.');
    return out;
}
