/* Inside src/train: what a scheduler's entry says, and what its functions work on. */
#ifndef FETTLE_TRAIN_SCHEDULER_KIND_H
#define FETTLE_TRAIN_SCHEDULER_KIND_H

#include "config/options.h"
#include "train/scheduler/scheduler.h"

enum { SCHEDULER_MAX_VARIABLES = 4 };

/* The optimizer's parameter group as the schedulers of one nest share it: of what torch keeps there as well, the last
 * one that was made has the say. */
struct scheduler_group {
    double *lr, *momentum;
    double initial_lr;
    int begun; /* initial_lr counts: a scheduler has been made */
    int index;
    double max_lr, min_lr, swa_lr, base_momentum, max_momentum;
    struct variable *steered; /* the momentum as a scheduler has set it; NULL where none does */
};

/* A number that a scheduler remembers, and what it can be. */
struct scheduler_number {
    const char *name;
    const struct state_range *range; /* NULL: anything */
};

struct scheduler_kind {
    struct option_target target;
    const char *help;
    const struct option *options;
    size_t noptions, options_size;
    /* Numbers it remembers besides last_epoch and step_count; a name that is NULL ends, at most
     * SCHEDULER_MAX_VARIABLES. */
    const struct scheduler_number *integers, *reals;
    int nested;                                                                               /* has `schedulers` */
    int (*check)(const void *options, const struct config_node *config, struct error *error); /* may be NULL */
    /* Before the initial step; may be NULL (then that step is all). */
    int (*start)(struct scheduler *self, struct error *error);
    double (*lr)(const struct scheduler *self);                     /* the new rate, last_epoch having been advanced */
    int (*ends)(const struct scheduler *self, struct error *error); /* an error where there is none; may be NULL */
    /* The rate at last_epoch, for a restart at a milestone; NULL: lr serves. */
    double (*closed)(const struct scheduler *self);
    int (*step)(struct scheduler *self, double metric, struct error *error); /* NULL: advance, then lr */
    void (*sync)(struct scheduler *self);                                    /* may be NULL */
    int (*steers)(const void *options); /* whether it cycles the momentum; NULL: it never does */
    /* Its numbers were read from a checkpoint, each within its range: whether they can stand together; may be NULL. */
    int (*check_state)(const struct scheduler *self, struct error *error);
};

struct scheduler {
    const struct scheduler_kind *kind;
    const void *options;
    struct scheduler_group *group;
    double base_lr; /* the group's initial rate when this one was made */
    int initial;    /* within the initial step */
    struct variable *last_epoch, *step_count;
    struct variable *integer[SCHEDULER_MAX_VARIABLES], *real[SCHEDULER_MAX_VARIABLES];
    struct scheduler **children;
    size_t nchildren;
    struct arena *arena; /* of the outermost, which owns everything; NULL in the others */
};

static inline int64_t *scheduler_integer(const struct variable *variable) {
    return variable->data;
}

static inline double *scheduler_real(const struct variable *variable) {
    return variable->data;
}

static inline int64_t scheduler_epoch(const struct scheduler *self) {
    return *scheduler_integer(self->last_epoch);
}

/* Where an option was given, for messages. */
static inline const struct config_node *scheduler_place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

/* Of an option that is a number, or a list with one for each parameter group: this group's. */
static inline double scheduler_own(const struct scheduler *self, const struct option_floats *list) {
    return list->values[list->scalar ? 0 : self->group->index];
}

/* Sets the momentum, so that going back in time finds it again. */
void scheduler_steer(const struct scheduler *self, double momentum);

/* torch's own moves: the step that a constructor makes; a restart at epoch 0; taking one step's count back. */
int scheduler_start(struct scheduler *self, struct error *error);
int scheduler_restart(struct scheduler *self, struct error *error);
void scheduler_undo(struct scheduler *self);

/* The row that all but the nested ones share: resuming is done by checkpoints, so only -1 makes sense. */
#define SCHEDULER_LAST_EPOCH(offset)                                                                                   \
    { "last_epoch", OPTION_INT, 0, "-1", offset, NULL, "resuming is done by checkpoints: -1" }
int scheduler_check_last_epoch(int64_t last_epoch, const struct config_node *config, struct error *error);
int scheduler_check_milestones(const struct option_ints *milestones, const struct config_node *config,
                               struct error *error); /* a list, as in torch */

/* SWALR's rate after its step number step_count, the one at its beginning being the first. */
double scheduler_swa_rate(double rate, double target, int64_t step_count, int64_t anneal_epochs, int is_cos);

extern const struct scheduler_kind scheduler_step_lr, scheduler_multi_step_lr, scheduler_exponential_lr;
extern const struct scheduler_kind scheduler_constant_lr, scheduler_linear_lr, scheduler_polynomial_lr;
extern const struct scheduler_kind scheduler_cosine_lr, scheduler_cosine_restarts;
extern const struct scheduler_kind scheduler_one_cycle, scheduler_cyclic, scheduler_swa, scheduler_plateau;
extern const struct scheduler_kind scheduler_sequential, scheduler_chained;

extern const struct scheduler_kind *const scheduler_kinds[];
extern const size_t scheduler_kind_count;

#endif
