/* What is told of the parts of a run. */
#ifndef FETTLE_TRAIN_RUN_DESCRIBE_H
#define FETTLE_TRAIN_RUN_DESCRIBE_H

#include "train/run/trainer.h"

/* What `optimizer`, `scheduler` or a layer of the training module ("ema", "config") is at, in lines. */
int trainer_describe(const struct trainer *trainer, const char *what, struct text *out, struct error *error);
/* Names that trainer_describe takes now; NULL behind the last. */
const char *trainer_described(const struct trainer *trainer, size_t k);

/* The norm of what the optimizer keeps in a slot, over all parameters */
double optimizer_norm(const struct trainer *trainer, int slot);

#endif
