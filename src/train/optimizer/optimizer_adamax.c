/* Adamax (arXiv 1412.6980, section 7): Adam by the largest gradient instead of the mean square, operation by operation
 * in the order of torch.optim.Adamax. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct adamax_options {
    struct optimizer_averages averages;
    double eps, weight_decay;
    int maximize;
};

struct adamax_step {
    struct optimizer_gradient gradient;
    double weight1, beta2, eps, step_size;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_adamax.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct adamax_options *how = options;
    double beta1 = how->averages.betas.values[0];
    struct adamax_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->weight_decay),
        .weight1 = 1 - beta1,
        .beta2 = how->averages.betas.values[1],
        .eps = how->eps,
        .step_size = span->lr / (1 - pow(beta1, (double)span->step)),
    };
    if (dtype == F32)
        adamax_f32(&step, span);
    else
        adamax_f64(&step, span);
}

#define AT(member) offsetof(struct adamax_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.002", AT(averages.lr)),
    {"betas", OPTION_FLOAT_LIST, 0, "[0.9, 0.999]", AT(averages.betas), NULL,
     "decay of the average and of the largest"},
    OPTIMIZER_EPS("1.0e-8", AT(eps)),
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"exp_avg", "exp_inf"};

const struct optimizer_kind optimizer_adamax = {
    .target = {"torch.optim.Adamax", "adamax"},
    .help = "Adam by the largest gradient instead of the mean square",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct adamax_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = optimizer_check_averages,
    .update = update,
    .momentum = optimizer_beta1,
};
