/* A branch: what would come of the next batches. */
#ifndef FETTLE_TRAIN_RUN_BRANCH_H
#define FETTLE_TRAIN_RUN_BRANCH_H

#include "train/run/point.h"
#include "train/run/trainer.h"

/* A branch: what the next batches bring, as things are or after a change.  It is run aside: nothing is written or told,
 * and in the end, or on an error, the run is where it was, to the bit. */
struct trainer_branch;
struct trainer_branch_options {
    int64_t batches; /* fewer where training ends before, or a batch makes what is not finite */
    int count;       /* of the words of a change, as trainer_change takes them; 0: none */
    const char *const *words;
    int validate; /* the validation sets are evaluated at its end */
    /* Asked between phases with the batches so far; where it says so all is given up, ERROR_INTERRUPT.  May be NULL. */
    int (*give_up)(void *context, int64_t batches);
    void *context;
};
/* report: what the change made of the state; may be NULL. */
int trainer_branch_new(struct trainer_branch **out, struct trainer *trainer,
                       const struct trainer_branch_options *options, struct text *report, struct error *error);
void trainer_branch_free(struct trainer_branch *branch);
int64_t trainer_branch_batches(const struct trainer_branch *branch);
const char *trainer_branch_ended(const struct trainer_branch *branch); /* why before its time; "" if it did not */
const struct trainer_point *trainer_branch_end(const struct trainer_branch *branch);
/* The loss of its batches: terms and their weighted sum, by name. */
size_t trainer_branch_values(const struct trainer_branch *branch);
const char *trainer_branch_value_name(const struct trainer *trainer, size_t k);
double trainer_branch_value(const struct trainer_branch *branch, int64_t batch, size_t k);

/* Entry k of the state dict at points a and b, both seen from `from`; a point that is NULL is now. */
struct trainer_apart {
    double norm;             /* of its numbers at `from`: the square, as all of these are, so that they add up */
    double moved_a, moved_b; /* the way from there */
    double along;            /* the product of both ways */
    double apart;            /* the way from a to b */
};
void trainer_apart(const struct trainer *trainer, int k, const struct trainer_point *from,
                   const struct trainer_point *a, const struct trainer_point *b, struct trainer_apart *out);

#endif
