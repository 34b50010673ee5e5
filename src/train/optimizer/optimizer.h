/* Optimizers, by torch.optim's definitions.  An entry is a const struct in a file of its own, listed in
 * optimizer_table.c; the core allocates its slots (moments, one number per parameter each). */
#ifndef FETTLE_TRAIN_OPTIMIZER_H
#define FETTLE_TRAIN_OPTIMIZER_H

#include "base/dtype.h"
#include "config/options.h"
#include "model/model.h"

enum { OPTIMIZER_MAX_SLOTS = 4 };

/* What an optimizer works on that makes its steps itself. */
struct trainer;
struct optimizer_problem {
    struct arena *arena;
    struct state *state;
    const struct model *model;
    struct variable *const *parameters;    /* [DTYPE_COUNT] */
    void *const *grads;                    /* [DTYPE_COUNT] */
    const double *grad_scale, *grad_limit; /* what clipping has made of the gradient; limit 0: none */
    const double *lr;
    void *options, *own; /* own: set by open, kept */
    /* The loss of the batch under way; the same, with its gradient, at the weights that stand in the parameters' next.
     */
    struct trainer *run;
    double (*loss)(const struct trainer *run);
    int (*evaluate)(struct trainer *run, double *loss, struct error *error);
};

/* A stretch of parameters to update: reads p, g and slots, writes p_next and slot_next (all of count numbers, none
 * overlapping another).  step counts from 1: the steps in which these parameters had a gradient, as in torch. Stretches
 * are independent: a team may share one slab. */
struct optimizer_span {
    size_t count;
    const void *p, *g;
    void *p_next;
    const void *slot[OPTIMIZER_MAX_SLOTS];
    void *slot_next[OPTIMIZER_MAX_SLOTS];
    double lr; /* of the parameter group, as the scheduler has set it */
    int64_t step;
    const double *scalars; /* the kind's own; NULL where it has none */
    /* For kinds that take parameters whole: */
    const struct parameter *parameter;
    enum dtype leading; /* of the first parameter of the group that has a gradient */
    void *scratch;      /* as much as the kind asks for, this thread's own */
    double grad_scale;  /* multiply g by this first (clipping by norm, mean over accumulated batches) */
    double grad_limit;  /* then clip each component to +- this, if > 0 (clipping by value) */
};

struct optimizer_kind {
    struct option_target target; /* "torch.optim.Adam", "adam" */
    const char *help;
    const struct option *options; /* lr, betas, eps, weight_decay, ... with torch's defaults; lr, a double, is first */
    size_t noptions, options_size;
    int (*slots)(const void *options); /* how many slots these options need; it does not change during a run */
    const char *const *slot_names;     /* "exp_avg", "exp_avg_sq", ... */
    int (*check)(const void *options, const struct config_node *config, struct error *error); /* ranges */
    void (*update)(const void *options, enum dtype dtype, const struct optimizer_span *span);
    /* Momentum or beta1, for a scheduler to cycle (OneCycleLR). */
    double *(*momentum)(void *options);
    /* Numbers that go on from step to step (state, zero at the start), and what is done to them once before each step
     * (counted from 1).  They are of each parameter, or of the whole optimizer, whose steps then count for all. */
    int scalars, per_parameter;
    void (*advance)(const void *options, double lr, int64_t step, double *scalars);
    int whole;                                    /* each stretch is one parameter, whole */
    size_t (*scratch)(const struct parameter *p); /* bytes for a stretch; NULL: none */
    int absent_is_zero; /* a parameter that no term of the loss reaches has a gradient of 0, not none */
    /* An error for a parameter of the model that it cannot take; NULL: it takes all. */
    int (*fits)(const struct parameter *p, const struct config_node *config, struct error *error);
    /* The maker of parameter groups without which it does not work, what it reads into the options of its two groups,
     * and which parameters are in the first.  Such a kind has no options of its own. */
    struct option_target groups;
    int (*read_groups)(const struct config_node *config, void **options, struct arena *arena, struct error *error);
    int (*in_first_group)(const struct parameter *p);
    size_t group_decay, group_momentum; /* where these stand in the options of a group; no scheduler steers them */
    /* For one that looks at the loss at several points in a step: adds its state, and makes the step.  It has no
     * update, writes the parameters' next itself, and gets gradients by loop_evaluate.  It works only where the base
     * runs backward and clips, once a step. */
    int (*open)(struct optimizer_problem *problem, struct error *error);
    int (*solve)(struct optimizer_problem *problem, struct error *error);
    const char *technique; /* it works under the technique of this name only; NULL: under any */
};

extern const struct optimizer_kind *const optimizer_kinds[];
extern const size_t optimizer_kind_count;

/* The kind that a config's _target_ names, or an error with the nearest name. */
int optimizer_find(const struct optimizer_kind **out, const struct config_node *config, struct error *error);
/* optimizer_find, then the options into *options (options_size bytes from the arena) and their check. */
int optimizer_read(const struct optimizer_kind **out, void **options, const struct config_node *config,
                   struct arena *arena, struct error *error);
/* Whether the optimizer of this name or alias has such an option. */
int optimizer_has_option(const char *name, const char *option);
double optimizer_lr(const void *options); /* the initial learning rate */
/* The weight decay among a group's options; NULL: such an optimizer has none. */
const double *optimizer_decay(const struct optimizer_kind *kind, const void *options);
/* The momentum or beta1 of a group, as a log shows it; NULL: such an optimizer has none. */
const double *optimizer_momentum(const struct optimizer_kind *kind, void *options);
/* "Adam": the last part of the target, as it stands in the column "lr-Adam". */
const char *optimizer_name(const struct optimizer_kind *kind);

#endif
