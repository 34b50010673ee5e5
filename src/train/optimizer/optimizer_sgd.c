/* Stochastic gradient descent with momentum, as torch.optim.SGD defines it (Nesterov's form as in Sutskever et al.,
 * ICML 2013; the learning rate multiplies the velocity). */
#include "train/optimizer/optimizer_kinds.h"

#include <math.h>
#include <stddef.h>

struct sgd_options {
    double lr, momentum, dampening, weight_decay;
    int nesterov, maximize;
    int ignored;
};

struct sgd_step {
    double scale, limit, sign, decay, lr;
    double momentum, fresh; /* velocity = momentum * velocity + fresh * gradient */
    int moving, nesterov;
};

#define REAL float
#define KERNEL(name) name##_f32
#include "train/optimizer/optimizer_sgd.inc"
#undef REAL
#undef KERNEL
#define REAL double
#define KERNEL(name) name##_f64
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_sgd.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct sgd_options *sgd = options;
    /* The first step takes the gradient as the velocity, undampened. */
    struct sgd_step step = {
        .scale = span->grad_scale,
        .limit = span->grad_limit > 0 ? span->grad_limit : INFINITY,
        .sign = sgd->maximize ? -1 : 1,
        .decay = sgd->weight_decay,
        .lr = span->lr,
        .momentum = sgd->momentum,
        .fresh = span->step == 1 ? 1 : 1 - sgd->dampening,
        .moving = sgd->momentum != 0,
        .nesterov = sgd->nesterov,
    };
    if (dtype == F32)
        sgd_f32(&step, span);
    else
        sgd_f64(&step, span);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct sgd_options *sgd = options;
    if (sgd->nesterov && !(sgd->momentum > 0 && sgd->dampening == 0))
        return config_error(optimizer_place(config, "nesterov"), error, ERROR_VALUE,
                            "nesterov needs a momentum above 0 and no dampening, here momentum is %g and dampening %g",
                            sgd->momentum, sgd->dampening);
    return 0;
}

static double *momentum(void *options) {
    return &((struct sgd_options *)options)->momentum;
}

#define AT(member) offsetof(struct sgd_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.001", AT(lr)),
    {"momentum", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(momentum), NULL, "share of the velocity that is kept"},
    {"dampening", OPTION_FLOAT, 0, "0.0", AT(dampening), NULL, "share of the gradient that the velocity leaves out"},
    {"weight_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(weight_decay), NULL, "weight decay"},
    {"nesterov", OPTION_BOOL, 0, "false", AT(nesterov), NULL, "look ahead along the velocity"},
    {"maximize", OPTION_BOOL, 0, "false", AT(maximize), NULL, "climb instead of descend"},
    {"foreach", OPTION_BOOL, OPTION_IGNORED | OPTION_NULLABLE, NULL, AT(ignored), NULL, "the numbers are the same"},
    {"fused", OPTION_BOOL, OPTION_IGNORED | OPTION_NULLABLE, NULL, AT(ignored), NULL, "the numbers are the same"},
    {"differentiable", OPTION_BOOL, OPTION_IGNORED, "false", AT(ignored), NULL, "nothing differentiates a step"},
};

static const char *const slot_names[] = {"momentum_buffer"};

const struct optimizer_kind optimizer_sgd = {
    .target = {"torch.optim.SGD", "sgd"},
    .help = "gradient descent, with momentum on demand",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct sgd_options),
    .slots = optimizer_one_slot, /* always: a scheduler or a person may turn momentum on during the run */
    .slot_names = slot_names,
    .check = check,
    .update = update,
    .momentum = momentum,
};
