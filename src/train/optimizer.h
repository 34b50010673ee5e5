/* Optimizers, by torch.optim's definitions.  An entry is a const struct in a file of its own, listed in
 * optimizer_table.c; the core allocates its slots (moments, one number per parameter each). */
#ifndef FETTLE_TRAIN_OPTIMIZER_H
#define FETTLE_TRAIN_OPTIMIZER_H

#include "base/dtype.h"
#include "config/options.h"

enum { OPTIMIZER_MAX_SLOTS = 4 };

/* A stretch of parameters to update: reads p, g and slots, writes p_next and slot_next.  step counts from 1. */
struct optimizer_span {
    size_t count;
    const void *p, *g;
    void *p_next;
    const void *slot[OPTIMIZER_MAX_SLOTS];
    void *slot_next[OPTIMIZER_MAX_SLOTS];
    double lr;     /* of the parameter group, as the scheduler has set it */
    int64_t step;
    double grad_scale; /* multiply g by this first (clipping by norm, mean over accumulated batches) */
    double grad_limit; /* then clip each component to +- this, if > 0 (clipping by value) */
};

struct optimizer_kind {
    struct option_target target; /* "torch.optim.Adam", "adam" */
    const char *help;
    const struct option *options; /* lr, betas, eps, weight_decay, ... with torch's defaults */
    size_t noptions, options_size;
    int (*slots)(const void *options); /* how many slots these options need */
    const char *const *slot_names;     /* "exp_avg", "exp_avg_sq", ... */
    int (*check)(const void *options, const struct config_node *config, struct error *error); /* ranges; may be NULL */
    void (*update)(const void *options, enum dtype dtype, const struct optimizer_span *span);
    double (*lr)(const void *options); /* initial learning rate */
    /* Momentum or beta1 as a scheduler cycles it (OneCycleLR); NULL where there is none. */
    double *(*momentum)(void *options);
};

extern const struct optimizer_kind *const optimizer_kinds[];
extern const size_t optimizer_kind_count;

#endif
