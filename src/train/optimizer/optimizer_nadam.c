/* NAdam (Dozat, ICLR workshop 2016): Adam with Nesterov's momentum, operation by operation in the order of
 * torch.optim.NAdam. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct nadam_options {
    struct optimizer_averages averages;
    double eps, weight_decay, momentum_decay;
    int decoupled, maximize;
};

/* Of each parameter: the product of the momenta of all its steps. */
enum { MU_PRODUCT, SCALARS };

struct nadam_step {
    struct optimizer_gradient gradient;
    double shrink; /* p is multiplied by this first: decoupled decay */
    double weight1, beta2, correction2, eps;
    double by_gradient, by_average;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_nadam.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static double mu(const struct nadam_options *how, double t) {
    return how->averages.betas.values[0] * (1.0 - 0.5 * pow(0.96, t * how->momentum_decay));
}

static void advance(const void *options, double lr, int64_t step, double *scalars) {
    (void)lr;
    scalars[MU_PRODUCT] = (step == 1 ? 1 : scalars[MU_PRODUCT]) * mu(options, (double)step);
}

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct nadam_options *how = options;
    double beta2 = how->averages.betas.values[1], t = (double)span->step, product = span->scalars[MU_PRODUCT];
    double next = mu(how, t + 1);
    struct nadam_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->decoupled ? 0 : how->weight_decay),
        .shrink = how->decoupled ? 1 - span->lr * how->weight_decay : 1,
        .weight1 = 1 - how->averages.betas.values[0],
        .beta2 = beta2,
        .correction2 = 1 - pow(beta2, t),
        .eps = how->eps,
        .by_gradient = -span->lr * (1.0 - mu(how, t)) / (1.0 - product),
        .by_average = -span->lr * next / (1.0 - product * next),
    };
    if (dtype == F32)
        nadam_f32(&step, span);
    else
        nadam_f64(&step, span);
}

#define AT(member) offsetof(struct nadam_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.002", AT(averages.lr)),
    {"betas", OPTION_FLOAT_LIST, 0, "[0.9, 0.999]", AT(averages.betas), NULL, "decay of the two running averages"},
    OPTIMIZER_EPS("1.0e-8", AT(eps)),
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    {"momentum_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.004", AT(momentum_decay), NULL,
     "how soon the momentum is at its full value"},
    OPTIMIZER_DECOUPLED(AT(decoupled)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"exp_avg", "exp_avg_sq"};

const struct optimizer_kind optimizer_nadam = {
    .target = {"torch.optim.NAdam", "nadam"},
    .help = "Adam with Nesterov's momentum",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct nadam_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = optimizer_check_averages,
    .update = update,
    .momentum = optimizer_beta1,
    .scalars = SCALARS,
    .per_parameter = 1,
    .advance = advance,
};
