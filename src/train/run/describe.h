/* What is told of the parts of a run. */
#ifndef FETTLE_TRAIN_RUN_DESCRIBE_H
#define FETTLE_TRAIN_RUN_DESCRIBE_H

struct trainer;

/* The norm of what the optimizer keeps in a slot, over all parameters */
double optimizer_norm(const struct trainer *trainer, int slot);

#endif
