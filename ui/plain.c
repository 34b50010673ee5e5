#include "plain.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <readline/readline.h>
#include "base/file.h"
#include "base/text.h"
#include "lines.h"

static struct {
    int on;
    int rows, row;     /* that are drawn, and which of them the cursor stands in */
    struct text shown; /* in them */
    size_t cursor;
    int height, width; /* of the terminal then */
} plain;

static void get_size(int *rows, int *columns) {
    struct winsize size;

    *rows = 24;
    *columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        return;
    if (size.ws_row > 0)
        *rows = size.ws_row;
    if (size.ws_col > 0)
        *columns = size.ws_col;
}

/* Without what the terminal may wait for: none that is so slow is left. */
static void add_code(struct text *out, const char *name) {
    const char *code = rl_get_termcap(name);

    while (code && *code)
        if (code[0] == '$' && code[1] == '<' && strchr(code, '>'))
            code = strchr(code, '>') + 1;
        else
            text_add_bytes(out, code++, 1);
}

static void add_printable(struct text *out, const char *text, size_t size) {
    mbstate_t state = {0};

    while (size) {
        wchar_t c = 0;
        size_t used = mbrtowc(&c, text, size, &state);
        int good = used && used <= size && text_is_plain((uint32_t)c) && wcwidth(c) >= 0;
        if (!used || used > size) {
            memset(&state, 0, sizeof state);
            used = 1;
        }
        text_add_bytes(out, good ? text : "?", good ? used : 1);
        text += used;
        size -= used;
    }
}

/* Where the terminal cannot clear the rest of a row, blanks do. */
static void add_row(struct text *out, const char *text, size_t size, int width) {
    const char *clear = rl_get_termcap("ce");
    char row[4096];
    int used;

    add_printable(out, text, size);
    if (clear && *clear) {
        add_code(out, "ce");
        return;
    }
    snprintf(row, sizeof row, "%.*s", (int)size, text);
    for (text_fit(row, width, &used); used < width; used++)
        text_add(out, " ");
}

/* The bytes of a row: one character at least, however narrow the terminal is. */
static size_t fit(const char *text, int width) {
    mbstate_t state = {0};
    int columns;
    size_t size = text_fit(text, width, &columns);

    if (size || !*text)
        return size;
    size = mbrlen(text, strnlen(text, MB_LEN_MAX), &state);
    return size && size <= MB_LEN_MAX ? size : 1;
}

static void write_out(struct text *out) {
    fflush(stdout);
    if (out->data)
        file_write_all(STDOUT_FILENO, out->data, out->size);
    text_free(out);
}

static void go_to_top(struct text *out) {
    text_add(out, "\r");
    for (int k = 0; k < plain.row; k++)
        add_code(out, "up");
}

/* The last column stays free: terminals differ in what they do behind it.  One that cannot go up, or has a single row,
 * shows the row that the cursor is in. */
static void draw(const char *text, size_t cursor, struct text *out) {
    size_t first = 0, row_begin = 0, total = strlen(text);
    int rows = plain.height, columns = plain.width > 1 ? plain.width - 1 : 1, most, cursor_row = 0, last = 0;

    const char *up = rl_get_termcap("up");
    most = up && *up ? rows : 1;
    for (size_t at = 0, size; (size = fit(text + at, columns)) && at + size <= cursor; at += size) {
        if (at + size == total && cursor == total)
            break; /* it stands behind the last one */
        row_begin = at + size;
        cursor_row++;
    }
    for (int k = 0; k < cursor_row - most + 1; k++)
        first += fit(text + first, columns);
    cursor_row = cursor_row < most ? cursor_row : most - 1;
    go_to_top(out);
    for (size_t at = first; last < most; last++) {
        size_t size = fit(text + at, columns);
        if (last)
            text_add(out, "\r\n");
        add_row(out, text + at, size, columns);
        at += size;
        if (!text[at])
            break;
    }
    last = last < most ? last : most - 1;
    int shown = last + 1;
    for (; last + 1 < plain.rows && last + 1 < rows; last++) { /* left from before */
        text_add(out, "\r\n");
        add_row(out, "", 0, columns);
    }
    if (last > cursor_row || cursor < total || !rl_get_termcap("ce")) {
        for (int k = last; k > cursor_row; k--)
            add_code(out, "up");
        text_add(out, "\r");
        add_printable(out, text + row_begin, cursor - row_begin);
    }
    plain.rows = shown;
    plain.row = cursor_row;
}

int plain_width(void) {
    int rows, columns;

    get_size(&rows, &columns);
    return columns;
}

void plain_begin(void) {
    plain.on = 1;
    plain.rows = plain.row = 0;
    text_clear(&plain.shown);
}

void plain_draw(void) {
    struct text text = {0}, out = {0};
    const char *prompt = rl_display_prompt ? rl_display_prompt : "";
    int rows, columns;

    if (!plain.on)
        return;
    get_size(&rows, &columns);
    text_add(&text, prompt);
    text_add(&text, rl_line_buffer);
    size_t cursor = strlen(prompt) + (size_t)rl_point;
    if (!text.data || text.failed ||
        (plain.shown.size && !strcmp(text.data, plain.shown.data) && cursor == plain.cursor && rows == plain.height &&
         columns == plain.width)) {
        text_free(&text);
        return;
    }
    plain.height = rows;
    plain.width = columns;
    plain.cursor = cursor;
    draw(text.data, cursor < text.size ? cursor : text.size, &out);
    text_free(&plain.shown);
    plain.shown = text;
    write_out(&out);
}

void plain_end(void) {
    struct text out = {0};

    if (!plain.on)
        return;
    for (int k = plain.row; k < plain.rows; k++)
        text_add(&out, "\r\n");
    plain.on = 0;
    write_out(&out);
}

void plain_clear(void) {
    struct text out = {0};

    add_code(&out, "cl");
    write_out(&out);
    plain_begin();
}

void plain_close(void) {
    text_free(&plain.shown);
}
