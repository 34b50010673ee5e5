/* Where a number that is not finite comes from. */
#ifndef FETTLE_TRAIN_RUN_FINITE_H
#define FETTLE_TRAIN_RUN_FINITE_H

#include "base/error.h"

struct trainer;

/* ERROR_NUMERIC, with the place, where the batch under way has made a NaN or an infinity */
int finite_check(struct trainer *trainer, struct error *error);

#endif
