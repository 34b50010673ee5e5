/* Characters that look like others and mean nothing to YAML: they come with text that went through a word processor,
 * a web page or a PDF. */
#include "config/config_internal.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned code;
    const char *name;
    char means; /* 0: nothing */
} characters[] = {
    {0xa0, "a no-break space", ' '},
    {0x2002, "an en space", ' '},
    {0x2003, "an em space", ' '},
    {0x2007, "a figure space", ' '},
    {0x2009, "a thin space", ' '},
    {0x202f, "a narrow no-break space", ' '},
    {0x3000, "an ideographic space", ' '},
    {0xad, "a soft hyphen", 0},
    {0x200b, "a zero-width space", 0},
    {0x200e, "a left-to-right mark", 0},
    {0x2060, "a word joiner", 0},
    {0xfeff, "a byte order mark", 0},
    {0x2018, "a curly quote", '\''},
    {0x2019, "a curly quote", '\''},
    {0x201c, "a curly quote", '"'},
    {0x201d, "a curly quote", '"'},
    {0x2010, "a typographic hyphen", '-'},
    {0x2011, "a no-break hyphen", '-'},
    {0x2013, "an en dash", '-'},
    {0x2014, "an em dash", '-'},
    {0x2212, "a minus sign", '-'},
    {0xff0d, "a full-width hyphen", '-'},
    {0xff1a, "a full-width colon", ':'},
    {0x2236, "a ratio sign", ':'},
    {0xff0c, "a full-width comma", ','},
    {0x3001, "an ideographic comma", ','},
    {0xff3b, "a full-width bracket", '['},
    {0xff3d, "a full-width bracket", ']'},
    {0xff5b, "a full-width brace", '{'},
    {0xff5d, "a full-width brace", '}'},
    {0xff03, "a full-width number sign", '#'},
    {0xff04, "a full-width dollar sign", '$'},
    {0xff0e, "a full-width full stop", '.'},
};
enum { CHARACTERS = sizeof characters / sizeof *characters };

/* The length of the character at s, at least 1; its row in *row, or -1. */
static size_t character(const char *s, size_t left, int *row) {
    const unsigned char *u = (const unsigned char *)s;
    unsigned code = 0;
    size_t size = 1;
    *row = -1;
    if (left >= 2 && (u[0] & 0xe0) == 0xc0) {
        code = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
        size = 2;
    } else if (left >= 3 && (u[0] & 0xf0) == 0xe0) {
        code = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
        size = 3;
    }
    for (int k = 0; code && k < CHARACTERS; k++)
        if (characters[k].code == code)
            *row = k;
    return size;
}

static void describe(int row, char *out, size_t size) {
    char instead[24] = "";
    if (characters[row].means == ' ')
        snprintf(instead, sizeof instead, " instead of a space");
    else if (characters[row].means)
        snprintf(instead, sizeof instead, " instead of %c", characters[row].means);
    snprintf(out, size, "U+%04X, %s%s", characters[row].code, characters[row].name, instead);
}

int lookalike_find(const char *text, size_t size, int column, char *out, size_t room) {
    *out = 0;
    for (size_t k = 0; k < size; column++) {
        int row;
        k += character(text + k, size - k, &row);
        if (row < 0)
            continue;
        describe(row, out, room);
        return column;
    }
    return 0;
}

int lookalike_misleads(const char *text, char *out, size_t room) {
    char plain[256];
    size_t size = strlen(text), used = 0;
    int first = -1, edge = 0;
    *out = 0;
    for (size_t k = 0; k < size && used + 1 < sizeof plain;) {
        int row;
        size_t length = character(text + k, size - k, &row);
        if (row >= 0) {
            first = first < 0 ? row : first;
            int quote = characters[row].means == '\'' || characters[row].means == '"';
            edge |= (quote || characters[row].means == ' ' || !characters[row].means) && (k == 0 || k + length == size);
            edge |= characters[row].means == ':' && k + length < size;
            if (characters[row].means)
                plain[used++] = characters[row].means;
        } else if (length == 1) {
            plain[used++] = text[k];
        } else {
            plain[used++] = '?';
        }
        k += length;
    }
    if (first < 0)
        return 0;
    plain[used] = 0;
    /* a number, true, null: in what looks the same */
    struct config_node probe = {.kind = CONFIG_STRING, .text = plain};
    scalar_type(&probe);
    if (!edge && probe.kind == CONFIG_STRING)
        return 0;
    describe(first, out, room);
    return 1;
}
