#include "draw.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "base/text.h"

enum { ROW_MOST = 1024 };

static int coloured;

void draw_open_colours(void) {
    /* Orange, sky blue, bluish green, vermilion (Okabe and Ito), or what comes near. */
    static const short many[CURVES_MOST] = {214, 75, 36, 166};
    static const short few[CURVES_MOST] = {COLOR_YELLOW, COLOR_CYAN, COLOR_GREEN, COLOR_MAGENTA};
    const char *none = getenv("NO_COLOR");
    coloured = !(none && none[0]) && has_colors() && start_color() == OK && use_default_colors() == OK;
    for (short k = 0; coloured && k < CURVES_MOST; k++)
        init_pair((short)(k + 1), COLORS >= 256 ? many[k] : few[k], -1);
}

static attr_t attributes_of(char style) {
    if (style == STYLE_FAINT)
        return A_DIM;
    if (style < STYLE_CURVE)
        return A_NORMAL;
    attr_t bold = style == STYLE_CURVE ? A_BOLD : A_NORMAL;
    return coloured ? bold | (attr_t)COLOR_PAIR(style - STYLE_CURVE + 1) : bold;
}

/* The next character of a text, as it is printed; returns its bytes. */
static size_t next_character(const char *text, mbstate_t *state, wchar_t *out, int *columns) {
    size_t size = mbrtowc(out, text, strnlen(text, MB_LEN_MAX), state);
    if (size == 0 || size > MB_LEN_MAX) { /* broken */
        memset(state, 0, sizeof *state);
        *out = L'?';
        size = 1;
    }
    *columns = text_is_plain((uint32_t)*out) ? wcwidth(*out) : -1;
    if (*columns < 0) { /* in one column, as the cursor counts */
        *out = L'?';
        *columns = 1;
    }
    return size;
}

static int is_style(char c) {
    return c >= STYLE_PLAIN && c <= STYLE_LAST;
}

void draw_row(int row, int column, const char *text, int width, attr_t attributes) {
    mbstate_t state = {0};
    wchar_t pending[ROW_MOST];
    int used = 0, npending = 0, columns;
    attr_t style = A_NORMAL;
    move(row, column);
    while (*text) {
        wchar_t c;
        if (!is_style(*text)) {
            text += next_character(text, &state, &c, &columns);
            if (used + columns > width)
                break;
            used += columns;
            if (npending < ROW_MOST)
                pending[npending++] = c;
            if (npending < ROW_MOST)
                continue;
        }
        attrset(attributes | style);
        addnwstr(pending, npending);
        npending = 0;
        if (is_style(*text))
            style = attributes_of(*text++);
    }
    attrset(attributes | style);
    addnwstr(pending, npending);
    attrset(attributes);
    for (; used < width; used++)
        addch(' ');
    attrset(A_NORMAL);
}

/* Names left, numbers right.  Of a name that is too long the end is kept: that is where names differ. */
static void spread(char *line, size_t size, int width) {
    char name[256] = "", value[64] = "";
    sscanf(line, "%255s %63s", name, value);
    int room = width - 1 - (int)strlen(value), length = (int)strlen(name);
    char *epoch = strstr(name, "_epoch/"), *shown = name;
    room = room > 0 ? room : 0;
    if (length > room && epoch)
        memmove(epoch, epoch + 6, strlen(epoch + 6) + 1);
    length = (int)strlen(name);
    if (length > room && room > 2) {
        shown = name + length - room;
        memcpy(shown, "..", 2);
    }
    snprintf(line, size, "%-*.*s %s", room, room, shown, value);
}

/* Columns that are held apart by blanks are cut, not wrapped. */
static int is_table(const char *row) {
    size_t indent = strspn(row, " ");
    return indent > 3 || strstr(row + indent, "  ") != NULL;
}

/* The next row of a text: returns where the one after it begins, NULL at the end. */
static const char *take_row(const char *text, int width, int wraps, char row[ROW_MOST]) {
    size_t size = strcspn(text, "\n"), fits = size;
    snprintf(row, ROW_MOST, "%.*s", (int)size, text);
    if (wraps && width > 0 && !is_table(row))
        fits = text_row(row, width);
    if (fits < size) {
        row[fits < ROW_MOST ? fits : ROW_MOST - 1] = 0;
        return text + fits;
    }
    return text[size] && text[size + 1] ? text + size + 1 : NULL;
}

static attr_t look_of(const char *row, const char *find) {
    return find && find[0] && strcasestr(row, find) ? A_BOLD | A_UNDERLINE : A_NORMAL;
}

size_t draw_pane(const struct rectangle *where, const struct draw_pane *pane) {
    const char *text = pane->text;
    int width = where->width - 1, row = 1;
    char line[ROW_MOST], title[256];
    size_t count = 0;
    for (int k = 0; k < where->height; k++)
        mvaddch(where->top + k, where->left, '|');
    for (; text; count++) {
        text = *text ? take_row(text, width, !pane->values, line) : NULL;
        if (count < pane->scroll || row >= where->height)
            continue;
        attr_t look = look_of(line, pane->find);
        if (pane->values)
            spread(line, sizeof line, width);
        draw_row(where->top + row++, where->left + 1, line, width, look);
    }
    for (; row < where->height; row++)
        draw_row(where->top + row, where->left + 1, "", width, A_NORMAL);
    int shown = where->height - 1;
    if (pane->scroll || (pane->focused && (int)count > shown))
        snprintf(title, sizeof title, "%c%s  %zu-%zu/%zu", pane->focused ? '>' : ' ', pane->title, pane->scroll + 1,
                 pane->scroll + (size_t)shown < count ? pane->scroll + (size_t)shown : count, count);
    else
        snprintf(title, sizeof title, "%c%s", pane->focused ? '>' : ' ', pane->title);
    draw_row(where->top, where->left + 1, title, width, A_BOLD | (pane->focused ? A_REVERSE : A_UNDERLINE));
    return count;
}

void draw_text(const struct rectangle *where, const char *text) {
    for (int row = 0; row < where->height; row++) {
        size_t size = text ? strcspn(text, "\n") : 0;
        char line[8 * ROW_MOST];
        snprintf(line, sizeof line, "%.*s", (int)size, text ? text : "");
        draw_row(where->top + row, where->left, line, where->width, A_NORMAL);
        if (text)
            text = text[size] ? text + size + 1 : NULL;
    }
}

void draw_log(const struct rectangle *where, const struct lines *lines, size_t scroll, const char *find) {
    int row = where->height - 1;
    for (size_t k = lines->count; k > 0 && row >= 0; k--) {
        const char *line = lines_at(lines, k - 1), *parts[1025];
        attr_t look = look_of(line, find);
        int count = 0;
        do {
            parts[count++] = line;
            line += text_row(line, where->width);
        } while (*line && count < 1024);
        parts[count] = line;
        while (count > 0 && row >= 0) {
            count--;
            if (scroll) {
                scroll--;
                continue;
            }
            char part[ROW_MOST];
            snprintf(part, sizeof part, "%.*s", (int)(parts[count + 1] - parts[count]), parts[count]);
            draw_row(where->top + row--, where->left, part, where->width, look);
        }
    }
    for (; row >= 0; row--)
        draw_row(where->top + row, where->left, "", where->width, A_NORMAL);
}
