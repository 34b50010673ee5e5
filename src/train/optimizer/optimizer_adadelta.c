/* Adadelta (arXiv 1212.5701), operation by operation in the order of torch.optim.Adadelta. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct adadelta_options {
    double lr, rho, eps, weight_decay;
    int maximize;
};

struct adadelta_step {
    struct optimizer_gradient gradient;
    double rho, eps, lr;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_adadelta.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct adadelta_options *how = options;
    struct adadelta_step step = {
        .gradient = optimizer_gradient(span, how->maximize, how->weight_decay),
        .rho = how->rho,
        .eps = how->eps,
        .lr = span->lr,
    };
    if (dtype == F32)
        adadelta_f32(&step, span);
    else
        adadelta_f64(&step, span);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    double rho = ((const struct adadelta_options *)options)->rho;
    if (rho >= 0 && rho <= 1)
        return 0;
    return config_error(optimizer_place(config, "rho"), error, ERROR_VALUE, "rho must be between 0 and 1, here is %g",
                        rho);
}

#define AT(member) offsetof(struct adadelta_options, member)

static const struct option rows[] = {
    OPTIMIZER_LR("1.0", AT(lr)),
    {"rho", OPTION_FLOAT, 0, "0.9", AT(rho), NULL, "decay of the two running averages of squares"},
    OPTIMIZER_EPS("1.0e-6", AT(eps)),
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"square_avg", "acc_delta"};

const struct optimizer_kind optimizer_adadelta = {
    .target = {"torch.optim.Adadelta", "adadelta"},
    .help = "steps of the size of the last ones, by running averages of squares",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct adadelta_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = check,
    .update = update,
};
