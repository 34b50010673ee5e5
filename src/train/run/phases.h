/* What the phases of a batch have brought. */
#ifndef FETTLE_TRAIN_RUN_PHASES_H
#define FETTLE_TRAIN_RUN_PHASES_H

#include "train/run/trainer.h"

/* What there is to see right after a phase, in lines: sizes of the batch, predictions, terms, norms of gradients. */
void trainer_brought(const struct trainer *trainer, enum phase done, struct text *out);
/* A value of the batch under way by the name under which it will be logged ("train_loss_step/forces_mae"); 0 where
 * there is none yet. */
int trainer_under_way(const struct trainer *trainer, const char *name, double *value);

#endif
