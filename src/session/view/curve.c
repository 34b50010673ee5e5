#include "session/view/curve.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/record.h"
#include "session/session_internal.h"
#include "session/view/chart.h"

static const char *const default_curves[] = {"train_loss_step/weighted_sum", "val0_epoch/weighted_sum"};
static const char marks[CURVES_MOST] = "*ox+";
enum { DEFAULTS = sizeof default_curves / sizeof *default_curves };

/* Those that have points: [CURVES_MOST].  ERROR_NAME, ERROR_STATE: there is not one. */
static int find_curves(const struct curve_view *view, struct session *session, const struct series **out, int *count,
                       struct error *error) {
    int code = 0;
    *count = 0;
    for (int k = 0; k < view->ncurves; k++) /* some may have no point yet */
        if ((out[*count] = series_find(&session->series, view->names[k])))
            ++*count;
    if (!*count && view->ncurves)
        code = session_find_series(session, view->names[0], &out[(*count)++], error);
    if (!code && !view->ncurves)
        code = session_find_series(session, default_curves[0], &out[(*count)++], error);
    for (int k = 1; !code && !view->ncurves && k < DEFAULTS; k++)
        if ((out[*count] = series_find(&session->series, default_curves[k])))
            ++*count;
    return code;
}

static int64_t newest_of(const struct series *const *list, int count) {
    int64_t newest = 0;
    for (int k = 0; k < count; k++)
        if (list[k]->count && list[k]->steps[list[k]->count - 1] > newest)
            newest = list[k]->steps[list[k]->count - 1];
    return newest;
}

/* The first point of a step above. */
static size_t beyond(const struct series *series, int64_t step) {
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->steps[middle] <= step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---------------------------------------------------------------- words */

static int64_t newest(struct session *session, const struct curve_view *view) {
    const struct series *list[CURVES_MOST];
    int count;
    return find_curves(view, session, list, &count, NULL) ? 0 : newest_of(list, count);
}

/* Zooming and panning, around the end of what is seen. */
static int read_motion(struct curve_view *view, struct session *session, const char *word) {
    int64_t all = newest(session, view), seen = view->last ? view->last : all;
    if (!strcmp(word, "in")) {
        view->last = seen > 20 ? seen / 2 : seen;
    } else if (!strcmp(word, "out")) {
        view->last = 2 * seen >= all ? 0 : 2 * seen;
    } else if (!strcmp(word, "left")) {
        int64_t end = (view->end ? view->end : all) - (seen + 3) / 4;
        view->last = seen;
        view->end = end < seen ? seen : end;
    } else if (!strcmp(word, "right")) {
        view->end = view->end ? view->end + (seen + 3) / 4 : 0;
        view->end = view->end >= all ? 0 : view->end;
    } else if (!strcmp(word, "live")) {
        view->end = 0;
    } else if (!strcmp(word, "freeze")) {
        view->end = view->end ? view->end : all;
    } else if (!strcmp(word, "all")) {
        view->last = view->end = 0;
    } else {
        return 0;
    }
    return 1;
}

/* What follows `cursor`. */
static int read_cursor(struct curve_view *view, struct session *session, const char *word, struct error *error) {
    int64_t all = newest(session, view), end = view->end ? view->end : all, seen = view->last ? view->last : end;
    int64_t at = view->cursor >= 0 ? view->cursor : end, stride = seen / 64 > 1 ? seen / 64 : 1;
    long step;
    int code = 0;
    if (!strcmp(word, "left"))
        view->cursor = at - stride > end - seen ? at - stride : end - seen;
    else if (!strcmp(word, "right"))
        view->cursor = at + stride < end ? at + stride : end;
    else if (!strcmp(word, "off"))
        view->cursor = -1;
    else if (!(code = command_integer(word, "the step (or left, right, off)", 0, 1000000000, &step, error)))
        view->cursor = step;
    return code;
}

static int read_name(struct curve_view *view, struct session *session, const char *word, int *count,
                     struct error *error) {
    const struct series *series;
    struct error first = {0};
    int code = session_find_series(session, word, &series, &first);
    if (!code && *count == CURVES_MOST)
        return error_set(error, ERROR_USAGE, "a chart has %d curves at most", CURVES_MOST);
    if (!code && strlen(series->name) >= PANE_NAME)
        return error_set(error, ERROR_VALUE, "a curve's name has %d characters at most", PANE_NAME - 1);
    if (!code)
        snprintf(view->names[(*count)++], PANE_NAME, "%s", series->name);
    else if (code == ERROR_NAME && *count)
        return error_set(error, ERROR_USAGE,
                         "a curve, log, linear, smooth S, last N, all, in, out, left, right, freeze, live or cursor "
                         "STEP is expected, not \"%s\"",
                         word);
    else if (error)
        *error = first;
    return code;
}

int curve_read(struct curve_view *view, struct session *session, const struct command_line *line, int first,
               struct error *error) {
    struct curve_view read = *view;
    int code = 0, count = 0;
    for (int k = first; !code && k < line->count; k++) {
        const char *word = line->words[k], *next = k + 1 < line->count ? line->words[k + 1] : NULL;
        long number;
        if (!strcmp(word, "log") || !strcmp(word, "linear")) {
            read.logarithmic = !strcmp(word, "log");
        } else if (!strcmp(word, "smooth") && next) {
            read.keep = text_to_double(next, strlen(next));
            if (!(read.keep >= 0 && read.keep < 1))
                code =
                    error_set(error, ERROR_VALUE, "smooth is followed by a number from 0 to below 1, not \"%s\"", next);
            k++;
        } else if (!strcmp(word, "last") && next) {
            if (!(code = command_integer(next, "the number of steps", 1, 1000000000, &number, error)))
                read.last = number;
            k++;
        } else if (!strcmp(word, "cursor") && next) {
            code = read_cursor(&read, session, next, error);
            k++;
        } else if (!read_motion(&read, session, word)) {
            code = read_name(&read, session, word, &count, error);
            read.ncurves = count;
        }
    }
    if (!code)
        *view = read;
    return code;
}

void curve_tell(const struct curve_view *view, struct text *out) {
    for (int k = 0; k < (view->ncurves ? view->ncurves : DEFAULTS); k++)
        text_format(out, "%s ", view->ncurves ? view->names[k] : default_curves[k]);
    text_format(out, "%s smooth %.6g", view->logarithmic ? "log" : "linear", view->keep);
    if (view->last)
        text_format(out, " last %" PRId64, view->last);
    if (view->end)
        text_format(out, " (frozen at step %" PRId64 ")", view->end);
    if (view->cursor >= 0)
        text_format(out, " cursor %" PRId64, view->cursor);
}

/* ---------------------------------------------------------------- drawing */

/* The part of a series that is seen; *smooth: its smoothed values, to be freed, where that is asked for. */
static int cut(const struct curve_view *view, const struct series *series, int64_t end, struct chart_curve *out,
               double **smooth) {
    size_t to = beyond(series, end), from = view->last ? beyond(series, end - view->last) : 0;
    *out = (struct chart_curve){.count = to - from, .steps = series->steps + from, .values = series->values + from};
    *smooth = NULL;
    if (view->keep > 0 && to > from) { /* what is further back than this weighs nothing */
        double reach = 40 / (1 - view->keep);
        size_t run_up = (double)from > reach ? from - (size_t)reach : 0;
        struct series part = {.count = to - run_up, .values = series->values + run_up};
        if (!(*smooth = malloc(part.count * sizeof **smooth)))
            return -1;
        series_smooth(&part, view->keep, *smooth);
        memmove(*smooth, *smooth + (from - run_up), out->count * sizeof **smooth);
    }
    return 0;
}

static void add_curve(struct chart *chart, struct chart_curve curve, const double *smooth, int index) {
    curve.mark = smooth ? '.' : marks[index];
    curve.style = (char)(smooth ? STYLE_FAINT : STYLE_CURVE + index);
    chart->curves[chart->ncurves++] = curve;
    if (!smooth)
        return;
    curve.values = smooth;
    curve.mark = marks[index];
    curve.style = (char)(STYLE_CURVE + index);
    chart->curves[chart->ncurves++] = curve;
}

/* The value at the cursor, or the newest. */
static double value_at(const struct curve_view *view, const struct chart_curve *curve) {
    struct series part = {.count = curve->count, .steps = (int64_t *)curve->steps};
    size_t to = view->cursor >= 0 ? beyond(&part, view->cursor) : curve->count;
    return to ? curve->values[to - 1] : NAN;
}

/* "train/weighted_sum" for "train_loss_step/weighted_sum". */
static void add_name(const char *name, int shortly, struct text *out) {
    const char *slash = strchr(name, '/'), *word = strchr(name, '_');
    if (shortly && slash && word && word < slash)
        text_format(out, "%.*s%s", (int)(word - name), name, slash);
    else
        text_add(out, name);
}

/* The curves that are shown, in colours and with their values. */
static void add_legend(const struct curve_view *view, const struct series *const *shown, const struct chart *chart,
                       int shortly, struct text *out) {
    int step = view->keep > 0 ? 2 : 1;
    for (int k = 0; k < chart->ncurves; k += step) {
        const struct chart_curve *last = &chart->curves[k + step - 1];
        char style[] = {last->style, 0}, plain[] = {STYLE_PLAIN, 0};
        text_format(out, "%s%s", k ? "  " : "", chart->styled ? style : "");
        if (k || !chart->braille)
            text_format(out, "%c ", last->mark);
        add_name(shown[k / step]->name, shortly, out);
        text_format(out, " %.6g", value_at(view, &chart->curves[k]));
        if (step > 1)
            text_format(out, " (%.6g)", value_at(view, last));
        text_add(out, chart->styled ? plain : "");
    }
}

int curve_draw(const struct curve_view *view, struct session *session, int width, int height, int styled,
               struct text *out, struct error *error) {
    const struct series *list[CURVES_MOST], *shown[CURVES_MOST];
    double *smooth[CURVES_MOST] = {NULL};
    struct text legend = {0};
    int count, nshown = 0, code = find_curves(view, session, list, &count, error);
    struct chart chart = {.width = width,
                          .height = height - 1,
                          .logarithmic = view->logarithmic,
                          .braille = !strcmp(nl_langinfo(CODESET), "UTF-8"),
                          .styled = styled,
                          .marks = session->view.marks,
                          .nmarks = session->view.nmarks,
                          .cursor = view->cursor,
                          .first = INT64_MAX};
    if (code)
        return code;
    int64_t end = view->end ? view->end : newest_of(list, count);
    for (int k = 0; k < count; k++) {
        struct chart_curve curve;
        if (cut(view, list[k], end, &curve, &smooth[k])) {
            code = error_memory(error);
            goto out;
        }
        if (!curve.count)
            continue;
        chart.first = curve.steps[0] < chart.first ? curve.steps[0] : chart.first;
        chart.last = curve.steps[curve.count - 1] > chart.last ? curve.steps[curve.count - 1] : chart.last;
        add_curve(&chart, curve, smooth[k], k);
        shown[nshown++] = list[k];
    }
    if (!chart.ncurves)
        goto out;
    add_legend(view, shown, &chart, 0, &legend);
    if (legend.size > (size_t)width) {
        text_clear(&legend);
        add_legend(view, shown, &chart, 1, &legend);
    }
    if (view->cursor >= 0)
        text_format(out, "step %" PRId64 ": ", view->cursor);
    text_format(out, "%s%s%s\n", legend.data ? legend.data : "", view->logarithmic ? ", logarithmic" : "",
                view->end ? ", frozen" : "");
    chart_draw(&chart, out);
out:
    text_free(&legend);
    for (int k = 0; k < CURVES_MOST; k++)
        free(smooth[k]);
    return code;
}
