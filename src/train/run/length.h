/* Limits of training, as settings. */
#ifndef FETTLE_TRAIN_RUN_LENGTH_H
#define FETTLE_TRAIN_RUN_LENGTH_H

#include "train/run/cursor.h"

struct trainer;

/* Limits of training, as settings */
const char *length_name(enum length which);
void length_open(struct trainer *trainer);                           /* as the config has them */
double length_get(const struct trainer *trainer, enum length which); /* NaN: no limit */
/* Where training was over and may go on now, it does: with its next epoch, or the next batch of one that was cut. */
int length_set(struct trainer *trainer, enum length which, double value, struct error *error);
/* The state was read from the checkpoint `resumed`. */
void length_resumed(struct trainer *trainer);

#endif
