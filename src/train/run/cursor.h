/* Where the run stands, and how far it goes. */
#ifndef FETTLE_TRAIN_RUN_CURSOR_H
#define FETTLE_TRAIN_RUN_CURSOR_H

#include <stdint.h>
#include "base/error.h"
#include "train/core/state.h"

struct trainer;

/* Where the loop stands; a state variable of integers, whose names and ranges stand in cursor.c. */
struct cursor {
    int64_t phase;   /* the next */
    int64_t run;     /* entry of `run` */
    int64_t epoch;   /* the one under way, or the last */
    int64_t epochs;  /* that are over */
    int64_t batch;   /* of this epoch: the one under way */
    int64_t step;    /* optimizer steps */
    int64_t stepped; /* batches that stepped, as Lightning counts for its loggers */
    int64_t window;  /* batches whose gradients are summed since the last step */
    int64_t should_stop;
    int64_t trained;    /* a training run is over */
    int64_t run_stage;  /* entries of `run` that are done */
    int64_t validated;  /* the last validation was in this epoch */
    int64_t epoch_open; /* an epoch's batches are under way */
    int64_t rows;       /* of metrics.csv */
    int64_t accepted;   /* batches, of all epochs */
};

enum length { LENGTH_EPOCHS, LENGTH_STEPS, LENGTH_TIME, LENGTHS };

/* Where the run stands, and how far it goes. */
struct run_position {
    struct variable *cursor;
    const char **runs;
    size_t nruns;
    double length[LENGTHS];  /* limits of training, in force; negative: none */
    double started, seconds; /* of training: since the last start, and before it */
    int timed;               /* a callback counts these seconds: checkpoints have them */
    double validated;        /* the clock at the last validation, or when training started */
    int open;                /* a transaction is open */
    int aside;               /* what is done now will be taken back: nothing is written or told */
    int catches;             /* a batch that makes what is not finite is given up */
};

int cursor_open(struct trainer *trainer, struct error *error);
int cursor_read_phase(struct trainer *trainer, const char *name, struct error *error);
int cursor_check_state(const struct trainer *trainer, struct error *error); /* once the phase is read */

#endif
