/* Metrics that somebody watches. */
#ifndef FETTLE_TRAIN_RUN_MONITORS_H
#define FETTLE_TRAIN_RUN_MONITORS_H

#include "config/node.h"

struct trainer;

/* The same once the data are known, of everything that watches a metric */
int monitors_check(struct trainer *trainer, const struct config_node *schedule, struct error *error);

#endif
