#include "session/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 10, AXES = 1 }; /* columns left of the field, lines below it */

struct field {
    int columns, rows; /* dots */
    int cell_columns, cell_rows;
    double low, high;
    unsigned char *dots; /* [rows][columns] */
    unsigned char *odd;  /* [cell columns] */
};

static double scaled(const struct chart *chart, double value) {
    return chart->logarithmic ? log10(value) : value;
}

static int is_drawn(const struct chart *chart, double value) {
    return isfinite(value) && (!chart->logarithmic || value > 0);
}

static void find_range(const struct chart *chart, struct field *field) {
    field->low = INFINITY;
    field->high = -INFINITY;
    for (size_t k = 0; k < chart->count; k++)
        if (is_drawn(chart, chart->values[k])) {
            double y = scaled(chart, chart->values[k]);
            field->low = fmin(field->low, y);
            field->high = fmax(field->high, y);
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

static int column_of(const struct chart *chart, const struct field *field, size_t k) {
    int64_t first = chart->steps[0], last = chart->steps[chart->count - 1];
    if (last <= first)
        return 0;
    return (int)((double)(chart->steps[k] - first) / (double)(last - first) * (field->columns - 1) + 0.5);
}

static void mark(struct field *field, int column, int from, int to) {
    if (from > to) {
        int other = from;
        from = to;
        to = other;
    }
    for (int row = from; row <= to; row++)
        field->dots[row * field->columns + column] = 1;
}

/* Each point is joined to the one before it: by a stroke in its own column, up to half of the way in the other's. */
static void draw_points(const struct chart *chart, struct field *field) {
    int before_row = -1, before_column = -1;
    for (size_t k = 0; k < chart->count; k++) {
        int column = column_of(chart, field, k);
        if (!is_drawn(chart, chart->values[k])) {
            if (!isfinite(chart->values[k]))
                field->odd[column * field->cell_columns / field->columns] = 1;
            before_row = -1;
            continue;
        }
        int row = row_of(field, scaled(chart, chart->values[k]));
        if (before_row < 0 || column == before_column) {
            mark(field, column, before_row < 0 ? row : before_row, row);
        } else {
            for (int c = before_column + 1; c <= column; c++) {
                double share = (double)(c - before_column) / (column - before_column);
                double last = (double)(c - 1 - before_column) / (column - before_column);
                mark(field, c, (int)lround(before_row + last * (row - before_row)),
                     (int)lround(before_row + share * (row - before_row)));
            }
        }
        before_row = row;
        before_column = column;
    }
}

static void add_braille(const struct field *field, int x, int y, struct text *out) {
    static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned dots = 0;
    for (int dy = 0; dy < 4; dy++)
        for (int dx = 0; dx < 2; dx++)
            if (field->dots[(4 * y + dy) * field->columns + 2 * x + dx])
                dots |= bits[dy][dx];
    if (!dots) {
        text_add(out, " ");
        return;
    }
    char encoded[4] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f)), 0};
    text_add(out, encoded);
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
    int64_t first = chart->steps[0], last = chart->steps[chart->count - 1];
    char line[1024], number[32];
    int width = field->cell_columns < (int)sizeof line ? field->cell_columns : (int)sizeof line - 1;
    memset(line, ' ', sizeof line);
    for (int k = 0; k < chart->nmarks; k++)
        if (last > first && chart->marks[k].step >= first && chart->marks[k].step <= last)
            line[(int)((double)(chart->marks[k].step - first) / (double)(last - first) * (width - 1) + 0.5)] =
                chart->marks[k].what;
    int size = snprintf(number, sizeof number, "%" PRId64, last);
    memcpy(line + width - size, number, (size_t)size);
    size = snprintf(number, sizeof number, "%" PRId64, first);
    memcpy(line, number, (size_t)size);
    text_format(out, "%*s%.*s\n", LABEL, "", width, line);
}

void chart_draw(const struct chart *chart, struct text *out) {
    struct field field = {.cell_columns = chart->width - LABEL, .cell_rows = chart->height - AXES};
    if (chart->width < 24 || chart->height < 4 || !chart->count)
        return;
    field.columns = chart->braille ? 2 * field.cell_columns : field.cell_columns;
    field.rows = chart->braille ? 4 * field.cell_rows : field.cell_rows;
    field.dots = calloc((size_t)field.columns * (size_t)field.rows, 1);
    field.odd = calloc((size_t)field.cell_columns, 1);
    if (!field.dots || !field.odd)
        goto out;
    find_range(chart, &field);
    draw_points(chart, &field);
    for (int y = 0; y < field.cell_rows; y++) {
        add_label(chart, &field, y, out);
        for (int x = 0; x < field.cell_columns; x++)
            if (y == field.cell_rows - 1 && field.odd[x])
                text_add(out, "!");
            else if (chart->braille)
                add_braille(&field, x, y, out);
            else
                text_add(out, field.dots[y * field.columns + x] ? "*" : " ");
        text_add(out, "\n");
    }
    add_steps(chart, &field, out);
out:
    free(field.dots);
    free(field.odd);
}
