/* Times of steps and evaluations. */
#ifndef FETTLE_TRAIN_RUN_BENCH_H
#define FETTLE_TRAIN_RUN_BENCH_H

#include "train/run/trainer.h"

/* Times of training steps and evaluations on the batches of an epoch, joined before the clock starts, after some that
 * are not counted; the state is put back.  Instructions are timed as well: see trainer_time_program. */
struct trainer_bench {
    int repeats;
    double *step, *eval; /* [repeats] seconds; the caller's */
    double atoms, edges; /* of a batch, mean */
};
int trainer_bench(struct trainer *trainer, struct trainer_bench *bench, struct error *error);

#endif
