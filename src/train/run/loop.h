/* The loop, phase by phase. */
#ifndef FETTLE_TRAIN_RUN_LOOP_H
#define FETTLE_TRAIN_RUN_LOOP_H

#include "base/error.h"

struct trainer;

const char *loop_ends(const struct trainer *trainer); /* what ends training before the next epoch, or NULL */

/* The phases of one batch, for measuring as well */
int loop_gradients(struct trainer *trainer, struct error *error); /* forward, loss, backward */
int loop_combine(struct trainer *trainer, struct error *error);
int loop_update(struct trainer *trainer, struct error *error); /* clip, optimizer, average */
/* For an optimizer, within its step: the loss of the batch under way; the same, with the gradient as clipped, at the
 * weights that stand in the parameters' next.  What is logged of the batch is what was evaluated last. */
double loop_loss(const struct trainer *trainer);
int loop_evaluate(struct trainer *trainer, double *loss, struct error *error);

#endif
