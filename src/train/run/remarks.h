/* What the settings come to with the data. */
#ifndef FETTLE_TRAIN_RUN_REMARKS_H
#define FETTLE_TRAIN_RUN_REMARKS_H

#include "base/error.h"

struct trainer;

/* What the settings come to with these data: an error where Lightning refuses, notices where a person may
 * not expect it */
int remarks_make(struct trainer *trainer, struct error *error);

#endif
