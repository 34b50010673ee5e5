/* Frames of training as they come. */
#ifndef FETTLE_TRAIN_RUN_BATCHES_H
#define FETTLE_TRAIN_RUN_BATCHES_H

#include <stdint.h>
#include "data/frame/batch.h"
#include "data/frame/prefetch.h"
#include "data/set/loader.h"
#include "train/run/streams.h"

struct trainer;

/* Frames of training as they come: in which order, how many at a time. */
struct run_batches {
    struct batch *now;
    struct prefetch *ahead; /* the next */
    struct variable *order; /* of this epoch's frames */
    struct variable *size;  /* from the next epoch on; NULL without training data */
    struct variable *epoch_size;
    /* What orders of frames are drawn from (streams.c); the last two only where something is. */
    struct kept_stream random, random_evaluation, random_process;
    struct variable *workers;    /* [nval + ntest] persistent ones are there; NULL: it is all the same */
    const struct frame **frames; /* scratch */
    size_t nframes;
};

int batches_open(struct trainer *trainer, struct error *error);
int batches_check_state(const struct trainer *trainer, struct error *error);
struct loader batches_loader(const struct trainer *trainer);                      /* of this epoch */
int batches_set_size(struct trainer *trainer, double value, struct error *error); /* from the next epoch on */
void batches_begin_epoch(struct trainer *trainer);
int batches_load(struct trainer *trainer, int64_t k, struct error *error); /* batch k of the epoch */
int batches_join(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error);
/* Some batch to look at: the one under way, or the last; before any, the first frames of the training data. */
int batches_any(struct trainer *trainer, struct error *error);

#endif
