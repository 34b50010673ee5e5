/* What a million logged points take: the memory that is resident for them, and the time that a chart of them takes to
 * be drawn as text, the only part of a redraw that depends on their number.
 *
 *     bench_points [POINTS]
 */
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "session/session_internal.h"
#include "session/view/curve.h"

enum { DRAWS = 50 };

/* MB */
static double resident(void) {
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return 1e-6 * (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* A loss that falls, with noise on it and a spike now and then. */
static double loss(unsigned long *seed, long step) {
    *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
    double noise = (double)(*seed >> 40) / (double)(1 << 24);
    return (1 + noise) / (1 + 1e-4 * (double)step) + (*seed >> 33 & 0xffff ? 0 : 100);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int draw(struct session *session, int width, int height) {
    double times[DRAWS];
    struct text text = {0};
    struct error error = {0};
    for (int k = 0; k < DRAWS; k++) {
        double begin = clock_seconds();
        text_clear(&text);
        if (curve_draw(&session->view.curve, session, width, height, 1, &text, &error)) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        times[k] = clock_seconds() - begin;
    }
    text_free(&text);
    qsort(times, DRAWS, sizeof *times, compare);
    printf("  %3d x %-3d median %6.2f ms, most %6.2f ms\n", width, height, 1e3 * times[DRAWS / 2],
           1e3 * times[DRAWS - 1]);
    return 0;
}

/* points in all, over so many series; the first of them are shown. */
static int measure(long points, int nseries, int logarithmic, double keep) {
    struct session session = {.path = NULL};
    unsigned long seed = 7;
    int code = 0;
    malloc_trim(0);
    double before = resident(), begin = clock_seconds();
    view_begin(&session.view);
    session.view.curve.ncurves = nseries < CURVES_MOST ? nseries : CURVES_MOST;
    session.view.curve.logarithmic = logarithmic;
    session.view.curve.keep = keep;
    for (int k = 0; k < session.view.curve.ncurves; k++)
        snprintf(session.view.curve.names[k], PANE_NAME, "train_loss_step/%d", k);
    for (long step = 0; step < points / nseries; step++)
        for (int k = 0; k < nseries; k++) {
            char name[64];
            snprintf(name, sizeof name, "train_loss_step/%d", k);
            if (series_add(&session.series, name, step, loss(&seed, step)))
                code = 1;
        }
    printf("%ld points in %d series, %s, smooth %g: %.1f MB, added in %.2f s\n", points, nseries,
           logarithmic ? "logarithmic" : "linear", keep, resident() - before, clock_seconds() - begin);
    code = code || draw(&session, 80, 24) || draw(&session, 200, 60);
    series_free(&session.series);
    return code;
}

int main(int argc, char **argv) {
    long points = argc > 1 ? atol(argv[1]) : 1000000;
    setlocale(LC_CTYPE, "C.UTF-8");
    return points < 40 || measure(points, 1, 0, 0) || measure(points, 1, 1, 0.99) || measure(points, 4, 1, 0.99) ||
           measure(points, 40, 1, 0.99);
}
