/* What a run says: rows of metrics.csv, the last value of everything, events. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/csv_log.h"
#include "train/run/loggers.h"
#include "train/run/logging.h"
#include "train/run/run_folder.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

void trainer_tell(struct trainer *trainer, enum trainer_event event, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    print_to_v(text, sizeof text, format, args);
    va_end(args);
    if (trainer->position.aside)
        return;
    if (event == EVENT_STOP || event == EVENT_NOTICE || event == EVENT_CHECKPOINT)
        run_folder_note(trainer, text);
    if (trainer->how.event)
        trainer->how.event(trainer->how.context, event, text);
}

static void history_clear(struct log_history *history) {
    for (size_t k = 0; k < history->count; k++)
        free(history->names[k]);
    history->count = 0;
}

void history_free(struct log_history *history) {
    history_clear(history);
    free(history->names);
    free(history->values);
    memset(history, 0, sizeof *history);
}

static int history_add(struct log_history *history, const char *name, double value) {
    if (history->count == history->capacity) {
        size_t more = history->capacity ? 2 * history->capacity : 64;
        char **names = realloc(history->names, more * sizeof *names);
        if (names)
            history->names = names;
        double *values = realloc(history->values, more * sizeof *values);
        if (values)
            history->values = values;
        if (!names || !values)
            return -1;
        history->capacity = more;
    }
    char *copy = strdup(name);
    if (!copy)
        return -1;
    history->names[history->count] = copy;
    history->values[history->count++] = value;
    return 0;
}

static long history_find(const struct log_history *history, const char *name) {
    for (size_t k = 0; k < history->count; k++)
        if (!strcmp(history->names[k], name))
            return (long)k;
    return -1;
}

void history_set(struct trainer *trainer, const char *name, double value) {
    struct log_history *history = &trainer->log.history;
    long k = history_find(history, name);
    if (k >= 0)
        history->values[k] = value;
    else
        history_add(history, name, value);
}

size_t trainer_metrics(const struct trainer *trainer) {
    return trainer->log.history.count;
}

const char *trainer_metric_name(const struct trainer *trainer, size_t k) {
    return k < trainer->log.history.count ? trainer->log.history.names[k] : "";
}

int trainer_metric(const struct trainer *trainer, const char *name, double *value) {
    long k = history_find(&trainer->log.history, name);
    if (k >= 0)
        *value = trainer->log.history.values[k];
    return k >= 0;
}

/* ---------------------------------------------------------------- rows */

int log_value(struct trainer *trainer, const char *name, double value, struct error *error) {
    history_set(trainer, name, value);
    return history_add(&trainer->log.pending, name, value) ? error_memory(error) : 0;
}

int log_is_due(const struct trainer *trainer) {
    int64_t every = trainer->options.log_every_n_steps;
    return every && ((cursor_of(trainer)->stepped + 1) % every == 0 || cursor_of(trainer)->should_stop);
}

int log_row(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values,
            struct error *error) {
    int code = 0;
    for (size_t k = 0; !code && k < metrics_count(metrics); k++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, metrics_name(metrics, k));
        code = log_value(trainer, name, values[k], error);
    }
    return code;
}

void log_drop(struct trainer *trainer) {
    history_clear(&trainer->log.pending);
}

int log_flush(struct trainer *trainer, int64_t epoch, int64_t step, struct error *error) {
    const struct log_history *row = &trainer->log.pending;
    int code = 0;
    if (!row->count)
        return 0;
    loggers_row(trainer, epoch, step, row->count, (const char *const *)row->names, row->values);
    if (trainer->log.csv && !trainer->position.aside) {
        struct error why = {0};
        int waited = csv_log_waits(trainer->log.csv);
        code =
            csv_log_row(trainer->log.csv, epoch, step, row->count, (const char *const *)row->names, row->values, &why);
        cursor_of(trainer)->rows = csv_log_rows(trainer->log.csv);
        /* no reason to stop a training, but one to tell, once */
        int waits = code == ERROR_IO || code == ERROR_DATA;
        if (waits && !waited)
            trainer_tell(trainer, EVENT_NOTICE, "%s; its rows wait until it can be written", why.message);
        else if (!code && waited)
            trainer_tell(trainer, EVENT_NOTICE, "metrics.csv is written again, with the rows that waited");
        code = waits ? 0 : code ? error_set(error, why.code, "%s", why.message) : 0;
    }
    trainer->log.row = (struct trainer_row){row->count, (const char *const *)row->names, row->values, epoch, step};
    trainer_tell(trainer, EVENT_ROW, "%s", row->names[0]);
    trainer->log.row.count = 0;
    log_drop(trainer);
    return code;
}

const struct trainer_row *trainer_row(const struct trainer *trainer) {
    return &trainer->log.row;
}
