/* From a gradient to new weights. */
#ifndef FETTLE_TRAIN_RUN_UPDATE_H
#define FETTLE_TRAIN_RUN_UPDATE_H

#include <stdint.h>
#include "train/core/state.h"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/param_groups.h"

struct trainer;

/* Neighbours in a slab that take the same step. */
struct stretch {
    size_t begin, end;
    int entry; /* the first parameter's, of the state dict */
    int group, steps;
    int64_t step;
};

/* The optimizer with what it holds. */
struct optimizer {
    struct param_groups groups;
    const struct optimizer_kind *kind;
    void *options;
    int slots;
    struct variable *slot[OPTIMIZER_MAX_SLOTS][DTYPE_COUNT];
    struct variable *lr;      /* [groups][2]: now, initial */
    struct variable *step;    /* [1] */
    struct variable *skipped; /* [entries of the state dict]: steps in which a parameter had no gradient */
    struct variable *scalars; /* [kind->scalars], of each entry or of all; NULL without any */
    struct stretch *stretches[DTYPE_COUNT]; /* of the step under way */
    int nstretches[DTYPE_COUNT];
    enum dtype leading[MAX_GROUPS];
    char *scratch; /* [threads][scratch_size] */
    size_t scratch_size;
    void *own; /* of a kind that makes its steps itself */
};

int optimizer_open(struct trainer *trainer, const struct config_node *config, struct error *error);
double update_norm(const struct trainer *trainer);                     /* of the gradient */
void update_clip(struct trainer *trainer, double limit, int by_value); /* sets grad_scale, grad_limit */
void update_accumulate(struct trainer *trainer);
int update_step(struct trainer *trainer, struct error *error);
/* The next step is the first of this entry of the state dict, in what is counted and kept for it alone. */
void optimizer_forget(struct optimizer *optimizer, int entry);

#endif
