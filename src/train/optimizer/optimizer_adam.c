/* Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101), with the maximum of AMSGrad on demand; operation by operation
 * in the order of torch.optim.Adam, so that float64 runs agree to rounding. */
#include "train/optimizer/optimizer_kinds.h"

#include <math.h>
#include <stddef.h>

struct adam_options {
    struct optimizer_averages averages;
    double eps, weight_decay;
    int amsgrad, maximize, decoupled_weight_decay;
    int ignored;
};

/* One step's numbers, in double; a float kernel rounds each of them once. */
struct adam_step {
    double scale, limit, sign;
    double shrink;         /* p is multiplied by this first: decoupled decay */
    double decay;          /* and this times p added to the gradient: coupled decay */
    double weight1, beta2; /* 1 - beta1 */
    double correction2;    /* square root of the second moment's bias correction */
    double eps, step_size;
};

#define REAL float
#define SQRT sqrtf
#define KERNEL(name) name##_f32
#include "train/optimizer/optimizer_adam.inc"
#undef REAL
#undef SQRT
#undef KERNEL
#define REAL double
#define SQRT sqrt
#define KERNEL(name) name##_f64
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_adam.inc"

static void update(const struct adam_options *options, enum dtype dtype, const struct optimizer_span *span,
                   int decoupled) {
    double beta1 = options->averages.betas.values[0], beta2 = options->averages.betas.values[1];
    double decay = options->weight_decay, t = (double)span->step;
    struct adam_step step = {
        .scale = span->grad_scale,
        .limit = span->grad_limit > 0 ? span->grad_limit : INFINITY,
        .sign = options->maximize ? -1 : 1,
        .shrink = decoupled ? 1 - span->lr * decay : 1,
        .decay = decoupled ? 0 : decay,
        .weight1 = 1 - beta1,
        .beta2 = beta2,
        .correction2 = pow(1 - pow(beta2, t), 0.5),
        .eps = options->eps,
        .step_size = span->lr / (1 - pow(beta1, t)),
    };
    if (dtype == F32)
        adam_f32(&step, span, options->amsgrad);
    else
        adam_f64(&step, span, options->amsgrad);
}

static void update_adam(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct adam_options *adam = options;
    update(adam, dtype, span, adam->decoupled_weight_decay);
}

static void update_adamw(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    update(options, dtype, span, 1);
}

static int slots(const void *options) {
    return ((const struct adam_options *)options)->amsgrad ? 3 : 2;
}

#define AT(member) offsetof(struct adam_options, member)
#define ADAM_OPTIONS(decay)                                                                                            \
    OPTIMIZER_LR("0.001", AT(averages.lr)), {"betas",                                                                  \
                                             OPTION_FLOAT_LIST,                                                        \
                                             0,                                                                        \
                                             "[0.9, 0.999]",                                                           \
                                             AT(averages.betas),                                                       \
                                             NULL,                                                                     \
                                             "decay of the two running averages"},                                     \
        {"eps", OPTION_FLOAT, OPTION_NONNEGATIVE, "1.0e-8", AT(eps), NULL, "added to the root of the second moment"},  \
        {"weight_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, decay, AT(weight_decay), NULL, "weight decay"},             \
        {"amsgrad", OPTION_BOOL, 0, "false", AT(amsgrad), NULL, "keep the largest second moment"},                     \
        OPTIMIZER_MAXIMIZE(AT(maximize)), OPTIMIZER_FOREACH, OPTIMIZER_FUSED, OPTIMIZER_CAPTURABLE,                    \
        OPTIMIZER_DIFFERENTIABLE

static const struct option adam_rows[] = {
    ADAM_OPTIONS("0.0"),
    OPTIMIZER_DECOUPLED(AT(decoupled_weight_decay)),
};

static const struct option adamw_rows[] = {ADAM_OPTIONS("0.01")};

static const char *const slot_names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};

const struct optimizer_kind optimizer_adam = {
    .target = {"torch.optim.Adam", "adam"},
    .help = "Adam: a step per parameter from running averages of the gradient and its square",
    .options = adam_rows,
    .noptions = sizeof adam_rows / sizeof *adam_rows,
    .options_size = sizeof(struct adam_options),
    .slots = slots,
    .slot_names = slot_names,
    .check = optimizer_check_averages,
    .update = update_adam,
    .momentum = optimizer_beta1,
};

const struct optimizer_kind optimizer_adamw = {
    .target = {"torch.optim.AdamW", "adamw"},
    .help = "AdamW: Adam with weight decay apart from the gradient",
    .options = adamw_rows,
    .noptions = sizeof adamw_rows / sizeof *adamw_rows,
    .options_size = sizeof(struct adam_options),
    .slots = slots,
    .slot_names = slot_names,
    .check = optimizer_check_averages,
    .update = update_adamw,
    .momentum = optimizer_beta1,
};
