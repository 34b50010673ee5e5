/* What is logged, and where. */
#ifndef FETTLE_TRAIN_RUN_LOGGING_H
#define FETTLE_TRAIN_RUN_LOGGING_H

#include <stdint.h>
#include <stdio.h>
#include "base/error.h"
#include "train/run/trainer.h"
#include "train/run/whys.h"

struct trainer;

struct csv_log;
struct tensorboard_log;
struct metrics;

/* Values by name; of what was logged last each name stands once. */
struct history {
    size_t count, capacity;
    char **names;
    double *values;
};

/* What is logged, and where. */
struct run_log {
    struct csv_log *csv;
    struct tensorboard_log *tensorboard; /* NULL where no logger asks for it */
    FILE *file;                          /* run.log */
    struct history history;
    struct whys whys;       /* of what was logged and is no number */
    struct history pending; /* values that are collected until the row is written */
    struct trainer_row row;
};

/* Reports an event to the front end. */
void trainer_tell(struct trainer *trainer, enum trainer_event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int log_row(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values,
            struct error *error); /* remembers values for the next log_flush */
/* Whether the batch under way gets a row: every log_every_n_steps, and the last ones of a run that is to stop. */
int log_is_due(const struct trainer *trainer);
int log_value(struct trainer *trainer, const char *name, double value, struct error *error);
int log_flush(struct trainer *trainer, int64_t epoch, int64_t step, struct error *error);
void history_set(struct trainer *trainer, const char *name, double value);
void log_drop(struct trainer *trainer);
void history_free(struct history *history);

#endif
