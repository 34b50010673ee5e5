/* Inside src/train: the optimizers' entries, and what their files share. */
#ifndef FETTLE_TRAIN_OPTIMIZER_KINDS_H
#define FETTLE_TRAIN_OPTIMIZER_KINDS_H

#include "train/core/clones.h"
#include "train/optimizer/optimizer.h"

#include <math.h>

extern const struct optimizer_kind optimizer_adam, optimizer_adamw, optimizer_sgd, optimizer_free_adamw,
    optimizer_free_radam, optimizer_free_sgd, optimizer_radam, optimizer_nadam, optimizer_adamax, optimizer_adagrad,
    optimizer_adadelta, optimizer_rmsprop, optimizer_rprop, optimizer_asgd, optimizer_adafactor, optimizer_muon,
    optimizer_muon_adam, optimizer_lbfgs;

/* How a kernel takes its gradients (optimizer_gradient.inc). */
struct optimizer_gradient {
    double scale, limit, sign, decay;
};

static inline struct optimizer_gradient optimizer_gradient(const struct optimizer_span *span, int maximize,
                                                           double decay) {
    return (struct optimizer_gradient){span->grad_scale, span->grad_limit > 0 ? span->grad_limit : INFINITY,
                                       maximize ? -1 : 1, decay};
}

/* Rows that most have. */
#define OPTIMIZER_LR(rate, offset)                                                                                     \
    { "lr", OPTION_FLOAT, OPTION_NONNEGATIVE, rate, offset, NULL, "learning rate" }
#define OPTIMIZER_DECAY(decay, offset)                                                                                 \
    { "weight_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, decay, offset, NULL, "weight decay" }
#define OPTIMIZER_EPS(eps, offset)                                                                                     \
    { "eps", OPTION_FLOAT, OPTION_NONNEGATIVE, eps, offset, NULL, "keeps what is divided by from 0" }
#define OPTIMIZER_MAXIMIZE(offset)                                                                                     \
    { "maximize", OPTION_BOOL, 0, "false", offset, NULL, "climb instead of descend" }
#define OPTIMIZER_DECOUPLED(offset)                                                                                    \
    { "decoupled_weight_decay", OPTION_BOOL, 0, "false", offset, NULL, "decay as AdamW does" }
/* torch's ways to compute the same numbers on its devices. */
#define OPTIMIZER_FOREACH                                                                                              \
    { "foreach", OPTION_BOOL, OPTION_IGNORED | OPTION_NULLABLE, NULL, 0, NULL, "the numbers are the same" }
#define OPTIMIZER_FUSED                                                                                                \
    { "fused", OPTION_BOOL, OPTION_IGNORED | OPTION_NULLABLE, NULL, 0, NULL, "the numbers are the same" }
#define OPTIMIZER_CAPTURABLE                                                                                           \
    { "capturable", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "there are no CUDA graphs" }
#define OPTIMIZER_DIFFERENTIABLE                                                                                       \
    { "differentiable", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "nothing differentiates a step" }

/* An error at the option's own place, where it was given. */
static inline const struct config_node *optimizer_place(const struct config_node *config, const char *option) {
    const struct config_node *node = config_get(config, option);
    return node ? node : config;
}

/* What the options of a kind with two running averages begin with; betas: two numbers, at least 0 and below 1. */
struct optimizer_averages {
    double lr;
    struct option_floats betas;
};

/* Functions of kinds that need none of their own. */
int optimizer_check_averages(const void *options, const struct config_node *config, struct error *error);
double *optimizer_beta1(void *options);                                                             /* of averages */
int optimizer_no_check(const void *options, const struct config_node *config, struct error *error); /* its rows do */
int optimizer_one_slot(const void *options);
int optimizer_two_slots(const void *options);

#endif
