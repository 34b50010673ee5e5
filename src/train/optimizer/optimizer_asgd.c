/* ASGD (Polyak and Juditsky, SIAM J. Control Optim. 30, 838 (1992)), operation by operation in the order of
 * torch.optim.ASGD.  As there, the average is kept and nobody looks at it but the person: validation sees the weights.
 */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct asgd_options {
    double lr, lambd, alpha, t0, weight_decay;
    int maximize;
};

/* Of each parameter: the rate and the share in the average of this step, and those of the next one, which follow from
 * this one's learning rate. */
enum { ETA, MU, NEXT_ETA, NEXT_MU, SCALARS };

struct asgd_step {
    struct optimizer_gradient gradient;
    double shrink, eta, mu;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_asgd.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void advance(const void *options, double lr, int64_t step, double *scalars) {
    const struct asgd_options *how = options;
    double t = (double)step;
    scalars[ETA] = step == 1 ? lr : scalars[NEXT_ETA];
    scalars[MU] = step == 1 ? 1 : scalars[NEXT_MU];
    scalars[NEXT_ETA] = lr / pow(1 + how->lambd * lr * t, how->alpha);
    scalars[NEXT_MU] = 1 / (t - how->t0 > 1 ? t - how->t0 : 1);
}

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct asgd_options *how = options;
    struct asgd_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->weight_decay),
        .shrink = 1 - how->lambd * span->scalars[ETA],
        .eta = span->scalars[ETA],
        .mu = span->scalars[MU],
    };
    if (dtype == F32)
        asgd_f32(&step, span);
    else
        asgd_f64(&step, span);
}

#define AT(member) offsetof(struct asgd_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.01", AT(lr)),
    {"lambd", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.0001", AT(lambd), NULL, "decay of the weights and of the rate"},
    {"alpha", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.75", AT(alpha), NULL, "exponent of the rate's decay"},
    {"t0", OPTION_FLOAT, 0, "1000000.0", AT(t0), NULL, "step from which the weights are averaged"},
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"ax"};

const struct optimizer_kind optimizer_asgd = {
    .target = {"torch.optim.ASGD", "asgd"},
    .help = "gradient descent at a falling rate, with an average of the weights",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct asgd_options),
    .slots = optimizer_one_slot,
    .slot_names = slot_names,
    .check = optimizer_no_check,
    .update = update,
    .scalars = SCALARS,
    .per_parameter = 1,
    .advance = advance,
};
