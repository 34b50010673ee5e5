/* Spans of time in a config. */
#ifndef FETTLE_TRAIN_CORE_DURATION_H
#define FETTLE_TRAIN_CORE_DURATION_H

#include "config/node.h"

/* Seconds: of datetime.timedelta, as a map with or without its _target_, or of a text DD:HH:MM:SS.  Not negative, and
 * finite. */
int duration_read(const struct config_node *node, const char *name, double *out, struct error *error);

#endif
