#include "picture.h"

#include <stdlib.h>
#include <string.h>
#include <vterm.h>

enum { CELL_BYTES = 4 * VTERM_MAX_CHARS_PER_CELL };

struct picture {
    VTerm *terminal;
    VTermScreen *screen;
    char *row;
    int *columns; /* of each byte of the row */
    enum { TEXT, ESCAPE, DESIGNATION, NUMBER, SEQUENCE } state;
    char last[8], number[16]; /* the last character; what may be a repetition of it, so far */
    size_t nlast, nnumber;
};

static int make_room(struct picture *picture, int columns) {
    char *row = realloc(picture->row, (size_t)columns * CELL_BYTES + 1);
    if (row)
        picture->row = row;
    int *at = realloc(picture->columns, ((size_t)columns * CELL_BYTES + 1) * sizeof *at);
    if (at)
        picture->columns = at;
    return row && at ? 0 : -1;
}

struct picture *picture_new(int rows, int columns, int utf8) {
    struct picture *picture = calloc(1, sizeof *picture);
    if (!picture || !(picture->terminal = vterm_new(rows, columns)) || make_room(picture, columns)) {
        picture_free(picture);
        return NULL;
    }
    vterm_set_utf8(picture->terminal, utf8);
    picture->screen = vterm_obtain_screen(picture->terminal);
    vterm_screen_enable_altscreen(picture->screen, 1);
    vterm_screen_reset(picture->screen, 1);
    return picture;
}

void picture_free(struct picture *picture) {
    if (!picture)
        return;
    if (picture->terminal)
        vterm_free(picture->terminal);
    free(picture->row);
    free(picture->columns);
    free(picture);
}

/* Whether a byte is to be passed on.  A repetition (CSI n b) is written out: after one that ends before the last column
 * libvterm goes to the next row, and what stands there is lost or not, as the program's drawing falls. */
static int take(struct picture *picture, unsigned char byte) {
    int final = byte >= 0x40 && byte < 0x7f;
    switch (picture->state) {
    case TEXT:
        picture->state = byte == 033 ? ESCAPE : TEXT;
        picture->nnumber = 0;
        if (byte < ' ')
            return byte != 033;
        if ((byte & 0xc0) != 0x80 || picture->nlast == sizeof picture->last)
            picture->nlast = 0;
        picture->last[picture->nlast++] = (char)byte;
        return 1;
    case ESCAPE:
        picture->state = byte == '[' ? NUMBER : byte >= ' ' && byte < '0' ? DESIGNATION : TEXT;
        if (picture->state == NUMBER)
            return 0;
        vterm_input_write(picture->terminal, "\033", 1);
        return 1;
    case NUMBER:
        if (byte >= '0' && byte <= '9' && picture->nnumber + 1 < sizeof picture->number) {
            picture->number[picture->nnumber++] = (char)byte;
            return 0;
        }
        picture->state = final ? TEXT : SEQUENCE;
        picture->number[picture->nnumber] = 0;
        if (byte == 'b') {
            for (int k = picture->nnumber ? atoi(picture->number) : 1; k > 0; k--)
                vterm_input_write(picture->terminal, picture->last, picture->nlast);
            return 0;
        }
        vterm_input_write(picture->terminal, "\033[", 2);
        vterm_input_write(picture->terminal, picture->number, picture->nnumber);
        return 1;
    case DESIGNATION:
        picture->state = byte >= '0' ? TEXT : DESIGNATION;
        return 1;
    case SEQUENCE:
        picture->state = final ? TEXT : SEQUENCE;
        return 1;
    }
    return 1;
}

void picture_feed(struct picture *picture, const char *bytes, size_t size) {
    size_t begin = 0;
    for (size_t k = 0; k < size; k++) {
        int plain = picture->state == TEXT && bytes[k] != 033;
        if (!plain && k > begin)
            vterm_input_write(picture->terminal, bytes + begin, k - begin);
        if (take(picture, (unsigned char)bytes[k]) && !plain)
            vterm_input_write(picture->terminal, bytes + k, 1);
        begin = plain ? begin : k + 1;
    }
    if (size > begin)
        vterm_input_write(picture->terminal, bytes + begin, size - begin);
}

void picture_resize(struct picture *picture, int rows, int columns) {
    if (!make_room(picture, columns))
        vterm_set_size(picture->terminal, rows, columns);
}

size_t picture_answer(struct picture *picture, char *bytes, size_t size) {
    return vterm_output_read(picture->terminal, bytes, size);
}

int picture_rows(const struct picture *picture) {
    int rows, columns;
    vterm_get_size(picture->terminal, &rows, &columns);
    return rows;
}

static int encode(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | c >> 6 * more);
    for (int k = 1; k <= more; k++)
        out[k] = (char)(0x80 | (c >> 6 * (more - k) & 0x3f));
    return more + 1;
}

const char *picture_row(struct picture *picture, int row) {
    int rows, columns;
    size_t size = 0, end = 0;
    vterm_get_size(picture->terminal, &rows, &columns);
    for (int column = 0; row >= 0 && row < rows && column < columns;) {
        VTermScreenCell cell;
        int count = 0;
        vterm_screen_get_cell(picture->screen, (VTermPos){row, column}, &cell);
        for (; count < VTERM_MAX_CHARS_PER_CELL && cell.chars[count] && cell.chars[count] <= 0x10ffff; count++) {
            int bytes = encode(cell.chars[count], picture->row + size);
            for (int k = 0; k < bytes; k++)
                picture->columns[size + (size_t)k] = column;
            size += (size_t)bytes;
        }
        if (!count) {
            picture->row[size] = ' ';
            picture->columns[size++] = column;
        } else if (cell.chars[0] != ' ') {
            end = size;
        }
        column += cell.width > 0 ? cell.width : 1;
    }
    picture->row[end] = 0;
    return picture->row;
}

void picture_cursor(const struct picture *picture, int *row, int *column) {
    VTermPos at;
    vterm_state_get_cursorpos(vterm_obtain_state(picture->terminal), &at);
    *row = at.row;
    *column = at.col;
}

static int is_colored(const VTermScreenCell *cell) {
    return !VTERM_COLOR_IS_DEFAULT_FG(&cell->fg) || !VTERM_COLOR_IS_DEFAULT_BG(&cell->bg);
}

int picture_look(struct picture *picture, int row, const char *text) {
    const char *found = strstr(picture_row(picture, row), text);
    int looks = LOOK_BOLD | LOOK_UNDERLINE | LOOK_REVERSE | LOOK_COLOR;
    for (size_t k = 0; found && k < strlen(text); k++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(picture->screen, (VTermPos){row, picture->columns[found - picture->row + (long)k]},
                              &cell);
        looks &= (cell.attrs.bold ? LOOK_BOLD : 0) | (cell.attrs.underline ? LOOK_UNDERLINE : 0) |
                 (cell.attrs.reverse ? LOOK_REVERSE : 0) | (is_colored(&cell) ? LOOK_COLOR : 0);
    }
    return found ? looks : -1;
}

int picture_is_colored(const struct picture *picture) {
    int rows, columns;
    vterm_get_size(picture->terminal, &rows, &columns);
    for (int k = 0; k < rows * columns; k++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(picture->screen, (VTermPos){k / columns, k % columns}, &cell);
        if (is_colored(&cell))
            return 1;
    }
    return 0;
}
