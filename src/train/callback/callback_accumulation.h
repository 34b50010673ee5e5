/* Batches that are summed to a step. */
#ifndef FETTLE_TRAIN_CALLBACK_CALLBACK_ACCUMULATION_H
#define FETTLE_TRAIN_CALLBACK_CALLBACK_ACCUMULATION_H

#include <stdint.h>

struct trainer;

/* In this epoch, and at most. */
int64_t accumulation_now(const struct trainer *trainer);
int64_t accumulation_most(const struct trainer *trainer);
int accumulation_changes(const struct trainer *trainer); /* with the epochs */

#endif
