#include "session/stops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void stop_free(struct stop *stop) {
    expression_free(stop->expression);
    expression_free(stop->condition);
    for (size_t k = 0; k < stop->ncommands; k++)
        free(stop->commands[k]);
    free(stop->commands);
    free(stop->origin);
}

void stops_free(struct stops *stops) {
    for (size_t k = 0; k < stops->count; k++)
        stop_free(&stops->list[k]);
    for (size_t k = 0; k < stops->ndisplays; k++)
        expression_free(stops->displays[k].expression);
    free(stops->list);
    free(stops->displays);
    memset(stops, 0, sizeof *stops);
}

struct stop *stops_find(struct stops *stops, int number) {
    for (size_t k = 0; k < stops->count; k++)
        if (stops->list[k].number == number)
            return &stops->list[k];
    return NULL;
}

void stops_remove(struct stops *stops, int number) {
    struct stop *stop = stops_find(stops, number);
    if (!stop)
        return;
    stop_free(stop);
    size_t k = (size_t)(stop - stops->list);
    memmove(stop, stop + 1, (stops->count - k - 1) * sizeof *stop);
    stops->count--;
}

static int is_true(double value) {
    return value != 0 && !isnan(value);
}

static int same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

void phases_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (int k = 0; k < PHASE_DONE; k++)
        add(context, phase_name((enum phase)k));
}

int stops_find_phase(const char *text, enum phase *out) {
    for (int k = 0; k < PHASE_DONE; k++)
        if (!strcmp(text, phase_name((enum phase)k))) {
            *out = (enum phase)k;
            return 1;
        }
    return 0;
}

const char *stops_text(const struct stop *stop) {
    return stop->kind == STOP_PHASE ? phase_name(stop->phase) : expression_text(stop->expression);
}

void stops_arm(struct stop *stop) {
    if (stop->kind == STOP_PHASE)
        return;
    double value = expression_value(stop->expression);
    stop->last = value;
    stop->was_true = is_true(value);
}

/* Whether it is hit now; what it saw goes into report. */
static int is_hit(struct stop *stop, struct text *report) {
    double value = expression_value(stop->expression), before = stop->last;
    char number[2][32];
    if (stop->kind == STOP_WATCH) {
        if (same(value, before))
            return 0;
        text_format(report, "watch %d: %s\n  old %s\n  new %s\n", stop->number, expression_text(stop->expression),
                    text_double(number[0], before), text_double(number[1], value));
        stop->last = value;
        return 1;
    }
    int was_true = stop->was_true;
    stop->was_true = is_true(value);
    if (!stop->was_true || was_true)
        return 0;
    text_format(report, "break %d: %s\n", stop->number, expression_text(stop->expression));
    return 1;
}

/* Whether it ends the run, now that it is hit. */
static int counts(struct stop *stop) {
    if (stop->condition && !is_true(expression_value(stop->condition)))
        return 0;
    stop->hits++;
    if (stop->ignore > 0) {
        stop->ignore--;
        return 0;
    }
    return 1;
}

int stops_check(struct stops *stops, struct text *report) {
    int first = 0;
    for (size_t k = 0; k < stops->count; k++) {
        struct stop *stop = &stops->list[k];
        struct text said = {0};
        if (stop->kind != STOP_PHASE && stop->enabled && is_hit(stop, &said) && counts(stop)) {
            text_add(report, said.data ? said.data : "");
            first = first ? first : stop->number;
        }
        text_free(&said);
    }
    return first;
}

int stops_check_phase(struct stops *stops, enum phase next, struct text *report) {
    int first = 0;
    for (size_t k = 0; k < stops->count; k++) {
        struct stop *stop = &stops->list[k];
        if (stop->kind != STOP_PHASE || stop->phase != next || !stop->enabled || !counts(stop))
            continue;
        text_format(report, "break %d: before %s\n", stop->number, phase_name(next));
        first = first ? first : stop->number;
    }
    return first;
}

void stops_histories(const struct stops *stops, void (*call)(void *context, const char *name), void *context) {
    for (size_t k = 0; k < stops->count; k++) {
        if (stops->list[k].expression)
            expression_histories(stops->list[k].expression, call, context);
        if (stops->list[k].condition)
            expression_histories(stops->list[k].condition, call, context);
    }
    for (size_t k = 0; k < stops->ndisplays; k++)
        expression_histories(stops->displays[k].expression, call, context);
    if (stops->until)
        expression_histories(stops->until, call, context);
}

void stops_bind(struct stops *stops, const struct expression_scope *scope) {
    for (size_t k = 0; k < stops->count; k++) {
        struct stop *stop = &stops->list[k];
        if (stop->expression)
            expression_bind(stop->expression, scope);
        if (stop->condition)
            expression_bind(stop->condition, scope);
        if (stop->kind == STOP_WATCH)
            stops_arm(stop);
    }
    for (size_t k = 0; k < stops->ndisplays; k++)
        expression_bind(stops->displays[k].expression, scope);
}
