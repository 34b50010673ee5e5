/* Learning rate schedulers, by torch.optim.lr_scheduler's definitions in their chainable (recursive) form, chained and
 * sequential ones included. */
#ifndef FETTLE_TRAIN_SCHEDULER_H
#define FETTLE_TRAIN_SCHEDULER_H

#include "config/node.h"
#include "train/core/state.h"

struct scheduler;

/* What a scheduler steers: the learning rate (and momentum or beta1, for OneCycleLR and CyclicLR) of one of the
 * optimizer's parameter groups. */
struct scheduler_subject {
    double *lr;        /* now; in the run's state (a small variable's data) */
    double initial_lr; /* what the optimizer was given */
    double *momentum;  /* where the optimizer reads it; NULL where the optimizer has none */
    int group, groups; /* which of how many: options that are lists have a number for each */
};

/* config: the map with the scheduler's own _target_ (what stands under lr_scheduler.scheduler).  State goes into
 * `state` under names that begin with prefix ("scheduler.").  Creation makes torch's initial step, which may change
 * *lr.  If it fails, state, *lr and *momentum are as before. config may go once this returns. */
int scheduler_new(struct scheduler **out, const struct config_node *config, const struct scheduler_subject *subject,
                  struct state *state, const char *prefix, struct error *error);
/* Names, types and ranges only, for an optimizer of so many parameter groups, with a momentum or without. */
int scheduler_check(const struct config_node *config, int groups, int has_momentum, struct error *error);
void scheduler_free(struct scheduler *scheduler); /* its variables stay in the state until state_remove(prefix) */
int scheduler_is_plateau(const struct scheduler *scheduler);       /* wants a metric */
int scheduler_config_is_plateau(const struct config_node *config); /* the same, before there is one */
/* One step; metric is used by ReduceLROnPlateau only.  An error where there is no further step: OneCycleLR beyond its
 * total_steps, as in torch.  The state is then for the caller to put back. */
int scheduler_step(struct scheduler *scheduler, double metric, struct error *error);
/* 0 if a scheduler of this config can make that many steps; else the error that one of them brings. */
int scheduler_reaches(const struct config_node *config, const struct scheduler_subject *subject, int64_t steps,
                      struct error *error);
/* After its state was read from a checkpoint: whether it can be. */
int scheduler_check_state(const struct scheduler *scheduler, struct error *error);
/* After the state was put back (rollback, restore, load): brings what is steered outside the state, the optimizer's
 * momentum, in line with it. */
void scheduler_sync(struct scheduler *scheduler);
const char *scheduler_name(const struct scheduler *scheduler); /* "ReduceLROnPlateau" */
/* Its options and where it stands, one line for each of a nest. */
void scheduler_describe(const struct scheduler *scheduler, struct text *out);

#endif
