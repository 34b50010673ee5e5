/* Commands of what is to be seen: the curve of the chart, the panes beside it. */
#include "session/view.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/chart.h"
#include "session/session_internal.h"

static const char first_curve[] = "train_loss_step/weighted_sum";

void view_begin(struct view_options *view) {
    memset(view, 0, sizeof *view);
    view->curve.logarithmic = 1;
    snprintf(view->panes[view->npanes++], PANE_NAME, "values");
}

void view_mark(struct session *session, char what) {
    struct view_options *view = &session->view;
    int64_t now = trainer_global_step(session->trainer);
    while (view->nmarks && view->marks[view->nmarks - 1].step > now) /* the run has gone back */
        view->nmarks--;
    if (view->nmarks == MARKS_MOST)
        memmove(view->marks, view->marks + 1, (size_t)--view->nmarks * sizeof *view->marks);
    view->marks[view->nmarks++] = (struct view_mark){now, what};
}

/* ---------------------------------------------------------------- curves */

static int64_t newest(struct session *session, const struct curve_view *view) {
    const struct series *series = series_find(&session->series, view->name[0] ? view->name : first_curve);
    return series && series->count ? series->steps[series->count - 1] : 0;
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
        view->end = all;
    } else if (!strcmp(word, "all")) {
        view->last = view->end = 0;
    } else {
        return 0;
    }
    return 1;
}

int curve_read(struct curve_view *view, struct session *session, const struct command_line *line, int first,
               struct error *error) {
    struct curve_view read = *view;
    const struct series *series;
    int code = 0;
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
        } else if (!read_motion(&read, session, word)) {
            if (k != first)
                code =
                    error_set(error, ERROR_USAGE,
                              "log, linear, smooth S, last N, all, in, out, left, right, freeze or live is expected, "
                              "not \"%s\"",
                              word);
            else if (!(code = session_find_series(session, word, &series, error)))
                snprintf(read.name, sizeof read.name, "%s", series->name);
        }
    }
    if (!code)
        *view = read;
    return code;
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

int curve_draw(const struct curve_view *view, struct session *session, int width, int height, struct text *out,
               struct error *error) {
    const struct series *series;
    int code = session_find_series(session, view->name[0] ? view->name : first_curve, &series, error);
    if (code || !series->count)
        return code;
    int64_t end = view->end ? view->end : series->steps[series->count - 1];
    size_t to = beyond(series, end), from = view->last ? beyond(series, end - view->last) : 0, run_up = from;
    if (to == from)
        return 0;
    double *smooth = NULL;
    if (view->keep > 0) { /* what is further back than this weighs nothing */
        double reach = 40 / (1 - view->keep);
        run_up = (double)from > reach ? from - (size_t)reach : 0;
        struct series part = {.count = to - run_up, .values = series->values + run_up};
        if (!(smooth = malloc(part.count * sizeof *smooth)))
            return error_set(error, ERROR_MEMORY, "out of memory");
        series_smooth(&part, view->keep, smooth);
    }
    struct chart chart = {.count = to - from,
                          .steps = series->steps + from,
                          .values = smooth ? smooth + (from - run_up) : series->values + from,
                          .width = width,
                          .height = height - 1,
                          .logarithmic = view->logarithmic,
                          .braille = !strcmp(nl_langinfo(CODESET), "UTF-8"),
                          .marks = session->view.marks,
                          .nmarks = session->view.nmarks};
    text_format(out, "%s%s%s%s, last %.6g\n", series->name, view->logarithmic ? ", logarithmic" : "",
                smooth ? ", smoothed" : "", view->end ? ", frozen" : "", series->values[to - 1]);
    chart_draw(&chart, out);
    free(smooth);
    return 0;
}

static int exec_plot(struct session *session, const struct command_line *line, struct error *error) {
    struct curve_view view = {.logarithmic = 0};
    struct command_line words = *line;
    struct text text = {0};
    long width = 78, height = 16;
    int code = 0;
    if (line->count > 3 && !strcmp(line->words[line->count - 3], "size")) {
        words.count -= 3;
        if ((code = command_integer(line->words[words.count + 1], "the width", 24, 1000, &width, error)) ||
            (code = command_integer(line->words[words.count + 2], "the height", 4, 300, &height, error)))
            return code;
    }
    if ((code = curve_read(&view, session, &words, 1, error)) ||
        (code = curve_draw(&view, session, (int)width, (int)height + 1, &text, error)))
        return code;
    session_print(session, "%s", text.data ? text.data : "");
    text_free(&text);
    return 0;
}

static int exec_chart(struct session *session, const struct command_line *line, struct error *error) {
    struct curve_view *view = &session->view.curve;
    int code = curve_read(view, session, line, 1, error);
    if (!code && line->count == 1)
        session_print(session, "%s, %s, smooth %.6g, last %" PRId64 "%s\n", view->name[0] ? view->name : first_curve,
                      view->logarithmic ? "log" : "linear", view->keep, view->last, view->end ? ", frozen" : "");
    return code;
}

/* ---------------------------------------------------------------- panes */

static void draw_values(struct session *session, struct text *out) {
    const struct trainer *trainer = session->trainer;
    char name[256];
    double value;
    for (size_t k = 0; k < trainer_settings(trainer); k++) {
        snprintf(name, sizeof name, "%s", trainer_setting_name(trainer, k));
        if (!strncmp(name, "optimizer.", 10) || !strncmp(name, "scheduler.", 10)) /* these have panes of their own */
            continue;
        if (!trainer_get(trainer, name, &value, NULL) && !isnan(value))
            text_format(out, "%s %.4g\n", name, value);
    }
    for (size_t k = 0; k < trainer_metrics(trainer); k++) {
        const char *metric = trainer_metric_name(trainer, k);
        if (!strncmp(metric, "val", 3) && trainer_metric(trainer, metric, &value))
            text_format(out, "%s %.4g\n", metric, value);
    }
}

void pane_draw(struct session *session, const char *name, struct text *out) {
    struct error error = {0};
    if (!session->trainer)
        return;
    if (!strcmp(name, "values"))
        draw_values(session, out);
    else if (session_look(session, name, out, &error))
        text_format(out, "%s\n", error.message);
}

/* "values", a command that only looks, or what `info` knows ("ema"). */
static int read_pane(struct session *session, const char *word, char name[PANE_NAME], struct error *error) {
    struct text text = {0};
    struct error first = {0};
    int code = 0;
    if (strlen(word) + 6 > PANE_NAME)
        return error_set(error, ERROR_VALUE, "a pane's name has %d characters at most", PANE_NAME - 6);
    snprintf(name, PANE_NAME, "%s", word);
    if (strcmp(word, "values"))
        code = session_look(session, name, &text, &first);
    if (code == ERROR_NAME || code == ERROR_USAGE) {
        snprintf(name, PANE_NAME, "info %s", word);
        struct error why = {0};
        int second = session_look(session, name, &text, &why);
        if (second == 0 || second == ERROR_STATE || (second == ERROR_USAGE && code == ERROR_NAME)) {
            code = second;
            first = why;
        }
    }
    if (code == ERROR_NAME)
        error_set(error, ERROR_NAME,
                  "no pane \"%s\": values, a command that only looks (tree, audit, \"module PATH\"), or a topic of "
                  "`info` (ema, config, optimizer, scheduler, break, run)",
                  word);
    else if (code && code != ERROR_STATE && error)
        *error = first;
    text_free(&text);
    return code == ERROR_STATE ? 0 : code; /* there is nothing to see yet */
}

static int exec_layout(struct session *session, const struct command_line *line, struct error *error) {
    struct view_options view = session->view;
    int code = 0;
    if (line->count == 1)
        for (int k = 0; k < view.npanes; k++)
            session_print(session, "%s\n", view.panes[k]);
    if (line->count == 1)
        return 0;
    view.npanes = 0;
    for (int k = 1; !code && k < line->count; k++)
        code = read_pane(session, line->words[k], view.panes[view.npanes++], error);
    if (!code)
        session->view = view;
    return code;
}

static const struct command commands[] = {
    {"plot", NULL, "plot [CURVE] [log] [smooth S] [last N] [size WIDTH HEIGHT]", 0, 12,
     COMMAND_OPEN | COMMAND_LIVE | COMMAND_LOOK, COMPLETE_METRIC, "draw a curve in characters",
     "    A curve is a metric by its full name, or by its end where that is enough; without one, the loss of each "
     "batch.\n"
     "    Every batch is kept, however seldom rows are logged.  smooth 0.9 shows a running mean.  Letters under it "
     "are\n"
     "    what was done on the way: S strategy or optimizer, c another change, R a way back, k a checkpoint.",
     exec_plot},
    {"chart", NULL, "chart [CURVE] [log|linear] [smooth S] [last N|all] [in|out|left|right] [freeze|live]", 0, 12,
     COMMAND_OPEN | COMMAND_LIVE, COMPLETE_METRIC, "what the chart of the screen shows",
     "    in and out zoom, left and right move along, freeze and live stop and follow what comes.", exec_chart},
    {"layout", NULL, "layout [PANE...]", 0, PANES_MOST, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_TOPIC,
     "the panes beside the chart; without one, those there are",
     "    A pane is `values` (settings and validation), a topic of `info` (ema, config, optimizer, scheduler, break) "
     "or a\n"
     "    command that only looks: layout values config \"tree *layer0*\".",
     exec_layout},
};

const struct command_group commands_view = {"view", commands, sizeof commands / sizeof *commands};
