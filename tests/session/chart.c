/* Curves: kept, drawn in characters, written as figures. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "session/view/chart.h"
#include "session/view/figure.h"
#include "session/series.h"

Test(series, points_are_kept_in_order_and_cut_at_the_end) {
    struct series_store store = {0};
    for (int64_t k = 0; k < 1000; k++) {
        cr_assert_eq(series_add(&store, "a", k, (double)(k * k)), 0);
        if (k % 10 == 0)
            cr_assert_eq(series_add(&store, "b", k, (double)k), 0);
    }
    cr_expect_eq(store.count, 2);
    cr_expect_eq(series_find(&store, "a")->count, 1000);
    cr_expect_eq(series_find(&store, "b")->values[99], 990);
    series_cut(&store, 500);
    cr_expect_eq(series_find(&store, "a")->count, 501);
    cr_expect_eq(series_find(&store, "b")->steps[series_find(&store, "b")->count - 1], 500);
    cr_expect_null(series_find(&store, "c"));
    series_free(&store);
    cr_expect_eq(store.count, 0);
}

Test(series, a_long_one_is_thinned_out_and_no_spike_is_lost) {
    struct series_store store = {0};
    const int64_t count = 3 * (int64_t)SERIES_MOST;
    for (int64_t k = 0; k < count; k++) {
        double value = k % 1000003 == 77 ? 1e6 : k % 700001 == 1234 ? -1e6 : k == 5555 ? NAN : sin((double)k);
        cr_assert_eq(series_add(&store, "a", k, value), 0);
    }
    const struct series *a = series_find(&store, "a");
    int high = 0, low = 0, nan = 0;
    cr_expect_leq(a->count, SERIES_MOST);
    cr_expect_leq(a->capacity, SERIES_MOST);
    for (size_t k = 0; k < a->count; k++) {
        cr_assert(!k || a->steps[k] > a->steps[k - 1], "%zu", k);
        high += a->values[k] == 1e6;
        low += a->values[k] == -1e6;
        nan += isnan(a->values[k]);
    }
    cr_expect_eq(high, 2);
    cr_expect_eq(low, 3);
    cr_expect_eq(nan, 1);
    for (size_t k = 1; k <= SERIES_MOST / 4; k++) { /* of late nothing is missing */
        int64_t step = count - (int64_t)k;
        cr_assert_eq(a->steps[a->count - k], step);
    }
    series_free(&store);
}

Test(series, smoothing_begins_without_a_bias_and_passes_nan_over) {
    double values[] = {4, 4, NAN, 4, 8}, out[5];
    int64_t steps[] = {0, 1, 2, 3, 4};
    struct series series = {"a", 5, 5, steps, values};
    series_smooth(&series, 0.5, out);
    for (int k = 0; k < 4; k++)
        cr_expect(fabs(out[k] - 4) < 1e-14, "%d: %g", k, out[k]);
    cr_expect(fabs(out[4] - (0.5 * 8 + 0.25 * 4 + 0.125 * 4 + 0.0625 * 4) / 0.9375) < 1e-14, "%g", out[4]);
}

static struct text draw(const double *values, size_t count, int width, int height, int logarithmic, int braille) {
    struct text out = {0};
    int64_t *steps = malloc(count * sizeof *steps);
    for (size_t k = 0; k < count; k++)
        steps[k] = (int64_t)k;
    chart_draw(&(struct chart){.ncurves = 1,
                               .curves = {{count, steps, values, '*', STYLE_CURVE}},
                               .last = (int64_t)count - 1,
                               .width = width,
                               .height = height,
                               .logarithmic = logarithmic,
                               .braille = braille,
                               .cursor = -1},
               &out);
    free(steps);
    return out;
}

static void expect_text(struct text *got, const char *want) {
    cr_expect_str_eq(got->data, want, "%s\nwanted\n%s", got->data, want);
    text_free(got);
}

Test(chart, a_line) {
    double values[16];
    for (int k = 0; k < 16; k++)
        values[k] = k;
    struct text got = draw(values, 16, 26, 5, 0, 0);
    expect_text(&got, "       15|             ***\n"
                      "         |        ******  \n"
                      "      7.5|   ******       \n"
                      "        0|****            \n"
                      "          0             15\n");
}

Test(chart, no_spike_is_lost_and_what_is_no_number_is_marked) {
    size_t count = 100000;
    double *values = calloc(count, sizeof *values);
    values[31234] = 7;
    values[70000] = NAN;
    for (int braille = 0; braille < 2; braille++) {
        struct text got = draw(values, count, 60, 8, 0, braille);
        const char *first_line = got.data, *end = strchr(first_line, '\n');
        int marks = 0;
        for (const char *at = first_line + 10; at < end; at++)
            marks += *at != ' ';
        cr_expect(marks > 0, "the spike is on the first line");
        cr_expect(strchr(got.data, '!') != NULL, "the NaN is marked");
        cr_expect(!strncmp(got.data, "        7|", 10), "%s", got.data);
        text_free(&got);
    }
    free(values);
}

Test(chart, hostile_values) {
    double cases[][4] = {{NAN, NAN, NAN, NAN},  {INFINITY, -INFINITY, 0, 0}, {1, 1, 1, 1},     {0, 0, 0, 0},
                         {1e308, -1e308, 1, 0}, {1e-320, 2e-320, 0, 0},      {-1, -2, -3, -4}, {1e300, 1e-300, 1, 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int mode = 0; mode < 4; mode++) {
            struct text got = draw(cases[k], 4, 30, 6, mode & 1, mode >> 1);
            int lines = 0;
            for (const char *at = got.data; at && *at; at++)
                lines += *at == '\n';
            cr_expect_eq(lines, 6, "case %zu: %d lines", k, lines);
            text_free(&got);
        }
}

Test(chart, logarithmic) {
    double values[] = {1, 10, 100, 1000};
    struct text got = draw(values, 4, 40, 8, 1, 0);
    cr_expect(!strncmp(got.data, "    1e+03|", 10), "%s", got.data);
    cr_expect(strstr(got.data, "        1|"), "%s", got.data);
    text_free(&got);
}

Test(figure, svg_and_png_are_what_they_say) {
    double x[] = {1, 2, 3, NAN, 5}, y[] = {1, 0.1, -3, 4, 1e-4};
    struct figure_set sets[] = {{"one", 5, x, y}, {"two", 0, x, y}, {"three", 3, y, x}};
    struct error error = {0};
    char folder[] = "/tmp/fettle-figure-XXXXXX", *data;
    size_t size;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    for (int mode = 0; mode < 8; mode++) {
        struct figure figure = {"title", "x", "y", mode & 1, mode >> 1 & 1, mode >> 2, mode >> 2, 3, sets};
        cr_assert_eq(figure_write(&figure, "a.svg", &error), 0, "%s", error.message);
        cr_assert_eq(file_read("a.svg", &data, &size, &error), 0);
        cr_expect(strstr(data, "<svg") && strstr(data, "</svg>"));
        free(data);
        cr_assert_eq(figure_write(&figure, "a.png", &error), 0, "%s", error.message);
        cr_assert_eq(file_read("a.png", &data, &size, &error), 0);
        cr_expect(size > 1000 && !memcmp(data, "\x89PNG", 4));
        free(data);
    }
    struct figure figure = {"", "", "", 0, 0, 0, 0, 1, sets};
    cr_expect_eq(figure_write(&figure, "nowhere/a.svg", &error), ERROR_IO);
    unlink("a.svg");
    unlink("a.png");
    cr_assert_eq(chdir("/"), 0);
    rmdir(folder);
}
