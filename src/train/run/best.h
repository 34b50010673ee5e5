/* The checkpoint that what follows `train` in `run` evaluates. */
#ifndef FETTLE_TRAIN_RUN_BEST_H
#define FETTLE_TRAIN_RUN_BEST_H

#include "train/run/callback.h"
#include "train/run/trainer_options.h"

struct trainer;

/* Where no callback writes checkpoints, Lightning's own ModelCheckpoint keeps the newest; place: the trainer section.
 */
int best_add_keeper(struct trainer *trainer, const struct config_node *place, struct error *error);
/* Refuses a run that cannot have one: by its settings, and once the data are known, by its length. */
int best_check(const struct callbacks *callbacks, const struct trainer_settings *settings, const char *const *runs,
               size_t nruns, const struct config_node *place, struct error *error);
int best_check_reached(const struct trainer *trainer, struct error *error);
/* What to evaluate now; "": the weights as they are, where nothing was trained or no folder could keep anything.  An
 * error where none was kept. */
int best_find(const struct trainer *trainer, const char **path, struct error *error);

#endif
