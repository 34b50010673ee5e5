#include "session/view/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 10, AXES = 1 }; /* columns left of the field, lines below it */

/* The points of a curve that share a column of dots. */
struct column {
    double first, last, low, high; /* of those that can be drawn */
    int drawn;                     /* there are such */
    int opens, closes;             /* the line is interrupted before the first, after the last of them */
};

struct cell {
    unsigned char dots; /* braille */
    char mark;          /* in place of them; 0: none */
    char style;
};

struct field {
    int columns, rows; /* dots */
    int cell_columns, cell_rows;
    int across, down; /* dots of a cell */
    double low, high;
    struct cell *cells;     /* [cell rows][cell columns] */
    unsigned char *odd;     /* [cell columns] a NaN or an infinity */
    struct column *reduced; /* [curves][columns] */
};

static double scaled(const struct chart *chart, double value) {
    return chart->logarithmic ? log10(value) : value;
}

static int is_drawn(const struct chart *chart, double value) {
    return isfinite(value) && (!chart->logarithmic || value > 0);
}

static int column_of(const struct chart *chart, int columns, int64_t step) {
    if (chart->last <= chart->first)
        return 0;
    return (int)((double)(step - chart->first) / (double)(chart->last - chart->first) * (columns - 1) + 0.5);
}

/* The first point from `from` on that lies beyond a column. */
static size_t find_end(const struct chart *chart, const struct chart_curve *curve, int columns, size_t from,
                       int column) {
    size_t low = from, high = curve->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (column_of(chart, columns, curve->steps[middle]) <= column)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void reduce(const struct chart *chart, const struct chart_curve *curve, struct field *field,
                   struct column *out) {
    for (size_t k = 0; k < curve->count;) {
        int column = column_of(chart, field->columns, curve->steps[k]);
        size_t end = find_end(chart, curve, field->columns, k, column);
        if (column < 0 || column >= field->columns) {
            k = end;
            continue;
        }
        struct column *into = &out[column];
        for (; k < end; k++) {
            double value = curve->values[k];
            if (!is_drawn(chart, value)) {
                if (!isfinite(value))
                    field->odd[column / field->across] = 1;
                into->opens |= !into->drawn;
                into->closes = 1;
                continue;
            }
            if (!into->drawn) {
                into->drawn = 1;
                into->first = into->low = into->high = value;
            }
            into->low = value < into->low ? value : into->low;
            into->high = value > into->high ? value : into->high;
            into->last = value;
            into->closes = 0;
        }
    }
}

static void find_range(const struct chart *chart, struct field *field) {
    field->low = INFINITY;
    field->high = -INFINITY;
    for (size_t k = 0; k < (size_t)chart->ncurves * (size_t)field->columns; k++)
        if (field->reduced[k].drawn) {
            field->low = fmin(field->low, scaled(chart, field->reduced[k].low));
            field->high = fmax(field->high, scaled(chart, field->reduced[k].high));
        }
    if (field->low > field->high)
        field->low = field->high = 0;
    if (field->high - field->low < 1e-12 * fmax(1, fabs(field->high))) { /* a flat line lies in the middle */
        double half = fmax(0.5 * fabs(field->high) * 0.01, 1e-300);
        field->low -= half;
        field->high += half;
    }
}

static int row_of(const struct field *field, double y) {
    int row = (int)lround((field->high - y) / (field->high - field->low) * (field->rows - 1));
    return row < 0 ? 0 : row >= field->rows ? field->rows - 1 : row;
}

static struct cell *cell_at(const struct field *field, int column, int row) {
    return &field->cells[row / field->down * field->cell_columns + column / field->across];
}

/* The cell becomes this curve's: what lies below it is not seen, so that a character is of one curve. */
static void dot(const struct field *field, const struct chart_curve *curve, int column, int row) {
    static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    struct cell *cell = cell_at(field, column, row);
    if (cell->style != curve->style)
        *cell = (struct cell){0, 0, curve->style};
    if (field->down == 4)
        cell->dots |= bits[row % 4][column % 2];
    else
        cell->mark = curve->mark;
}

static void stroke(const struct field *field, const struct chart_curve *curve, int column, int from, int to) {
    int low = from < to ? from : to, high = from < to ? to : from;
    for (int row = low; row <= high; row++)
        dot(field, curve, column, row);
}

/* A stroke over what shares a column; from the last point of a column to the first of the next a line. */
static void draw_curve(const struct chart *chart, const struct chart_curve *curve, const struct field *field,
                       const struct column *columns) {
    int before = -1, before_row = 0, few = curve->count * 4 < (size_t)field->cell_columns;
    for (int x = 0; x < field->columns; x++) {
        const struct column *column = &columns[x];
        if (column->opens || (!column->drawn && column->closes))
            before = -1;
        if (!column->drawn)
            continue;
        int row = row_of(field, scaled(chart, column->first));
        for (int c = before + 1; before >= 0 && c <= x; c++) {
            double share = (double)(c - before) / (x - before), last = (double)(c - 1 - before) / (x - before);
            stroke(field, curve, c, (int)lround(before_row + last * (row - before_row)),
                   (int)lround(before_row + share * (row - before_row)));
        }
        stroke(field, curve, x, row_of(field, scaled(chart, column->low)), row_of(field, scaled(chart, column->high)));
        before = column->closes ? -1 : x;
        before_row = row_of(field, scaled(chart, column->last));
    }
    for (int x = 0; few && curve->mark != '*' && x < field->columns; x++)
        if (columns[x].drawn) {
            struct cell *cell = cell_at(field, x, row_of(field, scaled(chart, columns[x].last)));
            *cell = (struct cell){0, curve->mark, curve->style};
        }
}

static void add_cell(const struct cell *cell, int styled, struct text *out) {
    char text[] = {cell->style, 0};
    int dots = cell->dots;
    if (styled && cell->style != STYLE_PLAIN)
        text_add(out, text);
    if (cell->mark)
        text_add_bytes(out, &cell->mark, 1);
    else
        text_add_bytes(out, (char[]){(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f))}, 3);
    if (styled && cell->style != STYLE_PLAIN)
        text_add(out, (char[]){STYLE_PLAIN, 0});
}

static void add_label(const struct chart *chart, const struct field *field, int y, struct text *out) {
    int middle = field->cell_rows / 2;
    double value = y == 0 ? field->high : y == field->cell_rows - 1 ? field->low : 0.5 * (field->low + field->high);
    if (y && y != middle && y != field->cell_rows - 1)
        text_format(out, "%*s|", LABEL - 1, "");
    else
        text_format(out, "%*.3g|", LABEL - 1, chart->logarithmic ? pow(10, value) : value);
}

/* The last line: first and last step, and between them the marks. */
static void add_steps(const struct chart *chart, const struct field *field, struct text *out) {
    char line[1024], number[32];
    int width = field->cell_columns < (int)sizeof line ? field->cell_columns : (int)sizeof line - 1;
    memset(line, ' ', sizeof line);
    for (int k = 0; k < chart->nmarks; k++)
        if (chart->last > chart->first && chart->marks[k].step >= chart->first && chart->marks[k].step <= chart->last) {
            int column = column_of(chart, width, chart->marks[k].step);
            while (line[column] != ' ' && line[column] != chart->marks[k].what && column < width - 1)
                column++;
            line[column] = chart->marks[k].what;
        }
    int size = snprintf(number, sizeof number, "%" PRId64, chart->last);
    memcpy(line + width - size, number, (size_t)size);
    size = snprintf(number, sizeof number, "%" PRId64, chart->first);
    memcpy(line, number, (size_t)size);
    text_format(out, "%*s%.*s\n", LABEL, "", width, line);
}

static void add_field(const struct chart *chart, const struct field *field, struct text *out) {
    int cursor = chart->cursor >= chart->first && chart->cursor <= chart->last
                     ? column_of(chart, field->cell_columns, chart->cursor)
                     : -1;
    for (int y = 0; y < field->cell_rows; y++) {
        add_label(chart, field, y, out);
        for (int x = 0; x < field->cell_columns; x++) {
            const struct cell *cell = &field->cells[y * field->cell_columns + x];
            if (y == field->cell_rows - 1 && field->odd[x])
                text_add(out, "!");
            else if (cell->dots || cell->mark)
                add_cell(cell, chart->styled, out);
            else
                text_add(out, x == cursor ? "|" : " ");
        }
        text_add(out, "\n");
    }
}

void chart_draw(const struct chart *chart, struct text *out) {
    struct field field = {.cell_columns = chart->width - LABEL, .cell_rows = chart->height - AXES};
    if (chart->width < 24 || chart->height < 4 || !chart->ncurves)
        return;
    field.across = chart->braille ? 2 : 1;
    field.down = chart->braille ? 4 : 1;
    field.columns = field.across * field.cell_columns;
    field.rows = field.down * field.cell_rows;
    field.cells = calloc((size_t)field.cell_columns * (size_t)field.cell_rows, sizeof *field.cells);
    field.odd = calloc((size_t)field.cell_columns, 1);
    field.reduced = calloc((size_t)chart->ncurves * (size_t)field.columns, sizeof *field.reduced);
    if (!field.cells || !field.odd || !field.reduced)
        goto out;
    for (int k = 0; k < chart->ncurves; k++)
        reduce(chart, &chart->curves[k], &field, field.reduced + k * field.columns);
    find_range(chart, &field);
    for (int k = 0; k < chart->ncurves; k++)
        draw_curve(chart, &chart->curves[k], &field, field.reduced + k * field.columns);
    add_field(chart, &field, out);
    add_steps(chart, &field, out);
out:
    free(field.cells);
    free(field.odd);
    free(field.reduced);
}
