/* When the scheduler steps. */
#ifndef FETTLE_TRAIN_RUN_SCHEDULE_H
#define FETTLE_TRAIN_RUN_SCHEDULE_H

#include <stdint.h>
#include "train/optimizer/param_groups.h"
#include "train/scheduler/scheduler.h"

struct trainer;

struct schedule { /* the scheduler and when it steps */
    struct scheduler *scheduler;
    struct scheduler *more[MAX_GROUPS]; /* of groups 1 and on: each steers its own rate */
    const char *monitor, *name;         /* name: of the rate's column; NULL: the optimizer's */
    int64_t frequency;
    int by_step, strict, told; /* told: that the metric is missing */
};

int schedule_open(struct trainer *trainer, const struct config_node *config, struct error *error);
/* Before training: an error if the scheduler ends before the run does, where the run's length is known. */
int schedule_lasts(struct trainer *trainer, const struct config_node *config, struct error *error);
int schedule_step(struct schedule *schedule, double metric, struct error *error); /* of all groups */
/* Whether the technique that runs backward steps the scheduler itself: at the end of every validation, the one before
 * training included, whatever its frequency says. */
int schedule_is_by_hand(struct trainer *trainer);
int schedule_by_hand(struct trainer *trainer, struct error *error); /* by what its metric was last */
/* The loop has come to a step or the end of an epoch.  plateau: those that judge by a metric; else the others. */
int schedule_advance(struct trainer *trainer, int by_step, int plateau, struct error *error);
void schedule_sync(struct schedule *schedule);
void schedule_free(struct schedule *schedule);

#endif
