/* What is no number among what was logged, and why. */
#ifndef FETTLE_TRAIN_RUN_WHYS_H
#define FETTLE_TRAIN_RUN_WHYS_H

#include <stddef.h>

struct trainer;
struct metrics;

struct whys {
    size_t count;
    struct why *list;
};

/* Among the values that metrics_compute has just given; told where it is new. */
void whys_look(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values);
void whys_free(struct whys *whys);

#endif
