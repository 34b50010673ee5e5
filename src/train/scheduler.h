/* Learning rate schedulers, by torch.optim.lr_scheduler's definitions, chained and sequential ones included. */
#ifndef FETTLE_TRAIN_SCHEDULER_H
#define FETTLE_TRAIN_SCHEDULER_H

#include "config/node.h"
#include "train/state.h"

struct scheduler;

/* What a scheduler steers: the learning rate (and momentum or beta1, for OneCycleLR) of the optimizer. */
struct scheduler_subject {
    double *lr;         /* now; in the run's state */
    double initial_lr;
    double *momentum;   /* NULL where the optimizer has none */
};

/* config: the map with the scheduler's own _target_ (what stands under lr_scheduler.scheduler).  State goes into
 * `state` under names that begin with prefix.  Creation makes torch's initial step. */
int scheduler_new(struct scheduler **out, const struct config_node *config, const struct scheduler_subject *subject,
                  struct state *state, const char *prefix, struct error *error);
int scheduler_check(const struct config_node *config, struct error *error); /* names and types only */
void scheduler_free(struct scheduler *scheduler);
int scheduler_is_plateau(const struct scheduler *scheduler); /* wants a metric */
/* One step; metric is used by ReduceLROnPlateau only. */
void scheduler_step(struct scheduler *scheduler, double metric);
const char *scheduler_name(const struct scheduler *scheduler); /* "ReduceLROnPlateau" */
void scheduler_describe(const struct scheduler *scheduler, struct text *out);

#endif
