/* Rprop (Riedmiller and Braun, ICNN 1993): steps whose size follows the signs of the gradient alone, operation by
 * operation in the order of torch.optim.Rprop. */
#include "train/optimizer/optimizer_kinds.h"

#include <stddef.h>

struct rprop_options {
    double lr;
    struct option_floats etas, step_sizes;
    int maximize;
};

struct rprop_step {
    struct optimizer_gradient gradient;
    double shorter, longer, least, most, initial;
    int first; /* the step sizes begin at `initial` */
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_rprop.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct rprop_options *how = options;
    struct rprop_step step = {
        .gradient = optimizer_gradient(span, how->maximize, 0),
        .shorter = how->etas.values[0],
        .longer = how->etas.values[1],
        .least = how->step_sizes.values[0],
        .most = how->step_sizes.values[1],
        .initial = span->lr,
        .first = span->step == 1,
    };
    if (dtype == F32)
        rprop_f32(&step, span);
    else
        rprop_f64(&step, span);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct rprop_options *how = options;
    if (how->etas.count != 2 || !(how->etas.values[0] > 0 && how->etas.values[0] < 1 && how->etas.values[1] > 1))
        return config_error(optimizer_place(config, "etas"), error, ERROR_VALUE,
                            "etas are two numbers: one between 0 and 1, and one above 1");
    if (how->step_sizes.count != 2)
        return config_error(optimizer_place(config, "step_sizes"), error, ERROR_VALUE,
                            "step_sizes are two numbers, here are %d", how->step_sizes.count);
    return 0;
}

#define AT(member) offsetof(struct rprop_options, member)

static const struct option rows[] = {
    {"lr", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.01", AT(lr), NULL, "the first step"},
    {"etas", OPTION_FLOAT_LIST, 0, "[0.5, 1.2]", AT(etas), NULL, "by what a step gets shorter, and longer"},
    {"step_sizes", OPTION_FLOAT_LIST, 0, "[1.0e-6, 50.0]", AT(step_sizes), NULL, "the shortest step and the longest"},
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
    OPTIMIZER_CAPTURABLE,
    OPTIMIZER_DIFFERENTIABLE,
};

static const char *const slot_names[] = {"prev", "step_size"};

const struct optimizer_kind optimizer_rprop = {
    .target = {"torch.optim.Rprop", "rprop"},
    .help = "steps whose size follows the signs of the gradient (for whole sets as batches)",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct rprop_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = check,
    .update = update,
};
