#include "model/file/tensor_text.h"

#include <math.h>
#include <string.h>

#include "base/print.h"

enum { LINE = 80, EDGE = 3, THRESHOLD = 1000, PRECISION = 4 };

struct style {
    int integers, scientific, width;
};

static void print_number(char out[64], const struct style *style, double value) {
    if (!isfinite(value))
        snprintf(out, 64, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    else if (style->scientific)
        print_to(out, 64, "%.*e", PRECISION, value);
    else if (style->integers)
        print_to(out, 64, "%.0f.", value);
    else
        print_to(out, 64, "%.*f", PRECISION, value);
}

/* Which rows or columns of a long dimension are shown. */
static int shown(int k, int count, int summarised) {
    return !summarised || count <= 2 * EDGE || k < EDGE || k >= count - EDGE;
}

static struct style choose_style(const double *values, int rows, int cols, int summarised) {
    struct style style = {1, 0, 1};
    double largest = 0, smallest = INFINITY;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            double value = fabs(values[(size_t)i * (size_t)cols + (size_t)j]);
            if (!shown(i, rows, summarised) || !shown(j, cols, summarised) || !isfinite(value) || value == 0)
                continue;
            style.integers = style.integers && value == ceil(value);
            largest = value > largest ? value : largest;
            smallest = value < smallest ? value : smallest;
        }
    if (largest > 0)
        style.scientific = largest / smallest > 1000 || largest > 1e8 || (!style.integers && smallest < 1e-4);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            char number[64];
            if (!shown(i, rows, summarised) || !shown(j, cols, summarised))
                continue;
            print_number(number, &style, values[(size_t)i * (size_t)cols + (size_t)j]);
            if ((int)strlen(number) > style.width)
                style.width = (int)strlen(number);
        }
    return style;
}

void tensor_print(const double *values, int rows, int cols, enum dtype dtype, struct text *out) {
    static const int indent = 7; /* of "tensor(" */
    int summarised = (long)rows * cols > THRESHOLD;
    struct style style = choose_style(values, rows, cols, summarised);
    int per_line = (LINE - indent - 1) / (style.width + 2);
    if (per_line < 1)
        per_line = 1;
    text_add(out, "tensor([");
    for (int i = 0; i < rows; i++) {
        if (!shown(i, rows, summarised)) {
            if (i == EDGE)
                text_format(out, ",\n%*s...", indent + 1, "");
            continue;
        }
        if (i)
            text_format(out, ",\n%*s", indent + 1, "");
        text_add(out, "[");
        for (int j = 0, n = 0; j < cols; j++) {
            int gap = !shown(j, cols, summarised);
            if (gap && j != EDGE)
                continue;
            char number[64] = "...";
            if (!gap)
                print_number(number, &style, values[(size_t)i * (size_t)cols + (size_t)j]);
            if (n > 0 && n % per_line == 0)
                text_format(out, ",\n%*s", indent + 2, "");
            else if (n > 0)
                text_add(out, ", ");
            text_format(out, "%*s", gap ? 0 : style.width, number);
            n++;
        }
        text_add(out, "]");
    }
    text_add(out, dtype == F32 ? "], dtype=torch.float32)" : "])");
}
