/* Points to go back to. */
#ifndef FETTLE_TRAIN_RUN_POINT_H
#define FETTLE_TRAIN_RUN_POINT_H

#include "train/run/trainer.h"

struct trainer;

int point_go_to(struct trainer *trainer, const struct trainer_point *point, struct error *error); /* files apart */
const void *point_weights(const struct trainer_point *point, enum dtype dtype);                   /* the slab */

#endif
