/* Losses, metrics and predictions; validation and test. */
#ifndef FETTLE_TRAIN_RUN_EVALUATE_H
#define FETTLE_TRAIN_RUN_EVALUATE_H

#include <stdint.h>
#include "data/frame/prefetch.h"
#include "data/module/datamodule.h"
#include "train/metric/metrics.h"
#include "train/run/programs.h"

struct trainer;

enum { MAX_SETS = 32 };

/* What one batch gave, until it is logged: [metrics_max_count] of the loss and of the train_metrics. */
struct batch_values {
    double *loss, *metrics;
};

/* Losses, metrics and predictions, and the programs that give them. */
struct run_evaluation {
    struct metrics *loss, *train_metrics;
    struct metrics *val_metrics[MAX_SETS], *test_metrics[MAX_SETS];
    size_t nval, ntest;
    struct train_program train;
    struct evaluator *evaluator; /* of validation and looks; NULL: not made yet */
    struct batch *batch;         /* of a validation or a test */
    struct prefetch *ahead;      /* the next of them */
    struct prediction prediction;
    double coefficients[MAX_TERMS]; /* of the weighted sum, as the program gets them */
    struct batch_values values;
    double *computed; /* scratch: the values of whichever metrics are computed */
    int gradients;    /* that the batch under way has */
    int at_next;      /* they are those at the parameters' next */
    int look_raw;     /* looks use the raw weights, whatever evaluation sees */
};

/* The parameters that a validation or a test sees */
void evaluation_params(const struct trainer *trainer, enum data_role role, const void *params[DTYPE_COUNT]);
/* Those that looks use: these, or the raw ones where that was asked for. */
void look_params(const struct trainer *trainer, const void *params[DTYPE_COUNT]);
/* Batches of a set in a validation or a test: as many as the settings say. */
int64_t evaluate_batches_of(const struct trainer *trainer, enum data_role role, size_t set);
int64_t evaluate_all_batches(const struct trainer *trainer, enum data_role role, size_t set); /* without a limit */
/* The sets are loaded anew: workers that persist are not there any more. */
void evaluate_begin(struct trainer *trainer);
int evaluate_has_batches(const struct trainer *trainer); /* there is anything to validate */
/* All sets of validation or test, at most `limit` batches of each (-1: as many as the settings say).  Logged under
 * "val0_epoch/..." (log: to metrics.csv as well). */
int evaluate_role(struct trainer *trainer, enum data_role role, int64_t limit, int log, struct error *error);

#endif
