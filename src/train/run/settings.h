/* Numbers that may be changed while training. */
#ifndef FETTLE_TRAIN_RUN_SETTINGS_H
#define FETTLE_TRAIN_RUN_SETTINGS_H

#include "train/core/state.h"

/* Gives a limit of the gradient a new value: 0 or more. */
int clip_value_set(struct variable *limit, double value, struct error *error);
extern const struct state_range gradient_limits;

#endif
