#include "lines.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "base/text.h"

const char *lines_at(const struct lines *lines, size_t k) {
    return lines->list[(lines->first + k) % LINES_MOST];
}

static void append(struct lines *lines, const char *text, size_t size) {
    if (lines->open && lines->count) {
        size_t at = (lines->first + lines->count - 1) % LINES_MOST, length = strlen(lines->list[at]);
        char *longer = realloc(lines->list[at], length + size + 1);
        if (!longer)
            return;
        memcpy(longer + length, text, size);
        longer[length + size] = 0;
        lines->list[at] = longer;
        return;
    }
    char *copy = strndup(text, size);
    if (!copy)
        return;
    if (lines->count == LINES_MOST) {
        free(lines->list[lines->first]);
        lines->first = (lines->first + 1) % LINES_MOST;
        lines->count--;
    }
    lines->list[(lines->first + lines->count++) % LINES_MOST] = copy;
}

void lines_add(struct lines *lines, const char *added) {
    struct text shown = {0};
    text_add_shown(&shown, added, strlen(added));
    for (const char *text = shown.data; text && *text;) {
        size_t size = strcspn(text, "\n");
        append(lines, text, size);
        lines->open = text[size] != '\n';
        text += size + !lines->open;
    }
    text_free(&shown);
}

void lines_free(struct lines *lines) {
    for (size_t k = 0; k < lines->count; k++)
        free(lines->list[(lines->first + k) % LINES_MOST]);
    memset(lines, 0, sizeof *lines);
}

size_t text_fit(const char *text, int width, int *columns) {
    mbstate_t state = {0};
    size_t size = 0;
    *columns = 0;
    while (text[size]) {
        wchar_t c;
        size_t length = mbrtowc(&c, text + size, strnlen(text + size, MB_LEN_MAX), &state);
        int wide = 1;
        if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
            memset(&state, 0, sizeof state);
            length = 1;
        } else {
            wide = text_is_plain((uint32_t)c) ? wcwidth(c) : 1;
            wide = wide < 0 ? 1 : wide;
        }
        if (*columns + wide > width)
            break;
        *columns += wide;
        size += length;
    }
    return size;
}

size_t text_row(const char *text, int width) {
    int columns;
    size_t size = text_fit(text, width, &columns);
    if (!text[size])
        return size;
    for (size_t k = size; k > size / 2; k--)
        if (text[k] == ' ')
            return k + 1;
    return size ? size : 1;
}
