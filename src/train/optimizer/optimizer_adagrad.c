/* Adagrad (Duchi et al., JMLR 12, 2121 (2011)), operation by operation in the order of torch.optim.Adagrad. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct adagrad_options {
    double lr, lr_decay, weight_decay, initial, eps;
    int maximize;
};

struct adagrad_step {
    struct optimizer_gradient gradient;
    double eps, step_size, initial;
    int first; /* the sums begin at `initial` */
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_adagrad.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct adagrad_options *how = options;
    struct adagrad_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->weight_decay),
        .eps = how->eps,
        .step_size = span->lr / (1 + (double)(span->step - 1) * how->lr_decay),
        .initial = how->initial,
        .first = span->step == 1,
    };
    if (dtype == F32)
        adagrad_f32(&step, span);
    else
        adagrad_f64(&step, span);
}

#define AT(member) offsetof(struct adagrad_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.01", AT(lr)),
    {"lr_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(lr_decay), NULL, "the rate is over 1 + step * this"},
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    {"initial_accumulator_value", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0", AT(initial), NULL,
     "what the sums of squares begin at"},
    OPTIMIZER_EPS("1.0e-10", AT(eps)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_FUSED,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"sum"};

const struct optimizer_kind optimizer_adagrad = {
    .target = {"torch.optim.Adagrad", "adagrad"},
    .help = "a step per parameter from the sum of all its squared gradients",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct adagrad_options),
    .slots = optimizer_one_slot,
    .slot_names = slot_names,
    .check = optimizer_no_check,
    .update = update,
};
