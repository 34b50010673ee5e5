/* The config as given, and models that others like it ask for. */
#ifndef FETTLE_TRAIN_RUN_TRAINER_DRAFT_H
#define FETTLE_TRAIN_RUN_TRAINER_DRAFT_H

#include "train/run/trainer.h"

/* The config as it was given, with the changes of `strategy` and `optimizer` made since. */
const struct config *trainer_given(const struct trainer *trainer);
/* The model that such a config asks for, with the statistics of this run's data; the config is checked as at a start.
 * The caller frees it. */
int trainer_draft(const struct trainer *trainer, const struct config *config, struct model **out, struct error *error);

#endif
