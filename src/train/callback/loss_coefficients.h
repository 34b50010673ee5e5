/* Inside src/train: what the callbacks that change the loss coefficients share. */
#ifndef FETTLE_TRAIN_LOSS_COEFFICIENTS_H
#define FETTLE_TRAIN_LOSS_COEFFICIENTS_H

#include "train/metric/metrics.h"
#include "train/run/callback.h"

/* {term: coefficient} into values[terms of the loss], NaN where a term is left out or (if nullable) null.  A term that
 * the loss does not have, and coefficients that do not add up to more than 0, are errors at their place. */
int loss_coefficients_read(const struct config_node *map, const struct metrics *loss, int nullable, double *values,
                           struct error *error);

/* The option's own place where it was given. */
static inline const struct config_node *loss_option_place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

#endif
