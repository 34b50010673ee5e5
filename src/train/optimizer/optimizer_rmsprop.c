/* RMSprop (Hinton's lecture 6 of 2012; centered as in arXiv 1308.0850), operation by operation in the order of
 * torch.optim.RMSprop. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct rmsprop_options {
    double lr, alpha, eps, weight_decay, momentum;
    int centered, maximize;
};

struct rmsprop_step {
    struct optimizer_gradient gradient;
    double alpha, eps, lr, momentum;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_rmsprop.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct rmsprop_options *how = options;
    struct rmsprop_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->weight_decay),
        .alpha = how->alpha,
        .eps = how->eps,
        .lr = span->lr,
        .momentum = how->momentum,
    };
    if (dtype == F32)
        rmsprop_f32(&step, span, how->centered);
    else
        rmsprop_f64(&step, span, how->centered);
}

/* The velocity is there always: a scheduler or a person may turn momentum on during the run. */
static int slots(const void *options) {
    return ((const struct rmsprop_options *)options)->centered ? 3 : 2;
}

static double *momentum(void *options) {
    return &((struct rmsprop_options *)options)->momentum;
}

#define AT(member) offsetof(struct rmsprop_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.01", AT(lr)),
    {"alpha", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.99", AT(alpha), NULL, "decay of the running average of squares"},
    OPTIMIZER_EPS("1.0e-8", AT(eps)),
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    {"momentum", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(momentum), NULL, "share of the velocity that is kept"},
    {"centered", OPTION_BOOL, 0, "false", AT(centered), NULL, "divide by the variance instead of the mean square"},
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"square_avg", "momentum_buffer", "grad_avg"};

const struct optimizer_kind optimizer_rmsprop = {
    .target = {"torch.optim.RMSprop", "rmsprop"},
    .help = "gradients over the root of their mean square, with momentum on demand",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct rmsprop_options),
    .slots = slots,
    .slot_names = slot_names,
    .check = optimizer_no_check,
    .update = update,
    .momentum = momentum,
};
