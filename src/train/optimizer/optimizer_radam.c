/* RAdam (arXiv 1908.03265), operation by operation in the order of torch.optim.RAdam: Adam whose rate is rectified by
 * how much the second moment can be trusted; without it while it cannot. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct radam_options {
    struct optimizer_averages averages;
    double eps, weight_decay;
    int decoupled, maximize;
};

struct radam_step {
    struct optimizer_gradient gradient;
    double shrink; /* p is multiplied by this first: decoupled decay */
    double weight1, beta2, correction1, correction2, eps, lr, rectified;
    int adaptive;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_radam.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct radam_options *how = options;
    double beta1 = how->averages.betas.values[0], beta2 = how->averages.betas.values[1], t = (double)span->step;
    double power = pow(beta2, t), most = 2 / (1 - beta2) - 1, now = most - 2 * t * power / (1 - power);
    struct radam_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->decoupled ? 0 : how->weight_decay),
        .shrink = how->decoupled ? 1 - span->lr * how->weight_decay : 1,
        .weight1 = 1 - beta1,
        .beta2 = beta2,
        .correction1 = 1 - pow(beta1, t),
        .correction2 = pow(1 - power, 0.5),
        .eps = how->eps,
        .lr = span->lr,
        .adaptive = now > 5,
    };
    if (step.adaptive)
        step.rectified = pow((now - 4) * (now - 2) * most / ((most - 4) * (most - 2) * now), 0.5);
    if (dtype == F32)
        radam_f32(&step, span);
    else
        radam_f64(&step, span);
}

#define AT(member) offsetof(struct radam_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("0.001", AT(averages.lr)),
    {"betas", OPTION_FLOAT_LIST, 0, "[0.9, 0.999]", AT(averages.betas), NULL, "decay of the two running averages"},
    OPTIMIZER_EPS("1.0e-8", AT(eps)),
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    OPTIMIZER_DECOUPLED(AT(decoupled)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"exp_avg", "exp_avg_sq"};

const struct optimizer_kind optimizer_radam = {
    .target = {"torch.optim.RAdam", "radam"},
    .help = "Adam that warms up by itself: rectified while the second moment is young",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct radam_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = optimizer_check_averages,
    .update = update,
    .momentum = optimizer_beta1,
};
