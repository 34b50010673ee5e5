/* Adafactor (arXiv 1804.04235) as torch.optim.Adafactor defines it: the second moment of a matrix is the product of two
 * vectors, of a vector it is kept whole; steps are relative to the size of the parameter.  It takes parameters whole.
 * row_var holds a number for each row of a matrix, or the variance of a vector; col_var one for each column. */
#include "train/optimizer/optimizer_kinds.h"

#include <float.h>
#include <stddef.h>

struct adafactor_options {
    double lr, beta2_decay;
    struct option_floats eps; /* the first may be NaN: the dtype's own */
    double d, weight_decay;
    int maximize;
};

/* A parameter as a stack of matrices; one row of numbers where it is no matrix. */
struct adafactor_step {
    struct optimizer_gradient gradient;
    double lr, rho, weight, eps1, eps2, threshold, shrink;
    size_t stack, rows, cols;
    int factored;
};

#define OPTIMIZER_KERNEL "train/optimizer/optimizer_adafactor.inc"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/optimizer_kernels.inc"

static void update(const void *options, enum dtype dtype, const struct optimizer_span *span) {
    const struct adafactor_options *how = options;
    const struct parameter *p = span->parameter;
    double t = (double)span->step, root = 1 / pow(t, 0.5), eps1 = how->eps.values[0];
    if (isnan(eps1))
        eps1 = span->leading == F32 ? FLT_EPSILON : DBL_EPSILON;
    struct adafactor_step step = {
        .gradient = optimizer_gradient(span, how->maximize, 0),
        .lr = span->lr,
        .rho = root < span->lr ? root : span->lr,
        .weight = pow(t, how->beta2_decay),
        .eps1 = eps1,
        .eps2 = how->eps.values[1],
        .threshold = how->d,
        .shrink = 1 - span->lr * how->weight_decay,
        .rows = p->ndim > 1 ? (size_t)p->shape[p->ndim - 2] : 1,
        .cols = p->ndim > 1 ? (size_t)p->shape[p->ndim - 1] : span->count,
        .factored = p->ndim > 1,
    };
    step.stack = span->count / (step.rows * step.cols);
    if (dtype == F32)
        adafactor_f32(&step, span);
    else
        adafactor_f64(&step, span);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct adafactor_options *how = options;
    if (how->eps.count != 2 || how->eps.values[0] < 0 || !(how->eps.values[1] >= 0) ||
        (config_get(config, "eps") && config_kind(config_get(config, "eps")) == CONFIG_NULL))
        return config_error(optimizer_place(config, "eps"), error, ERROR_VALUE,
                            "eps are two numbers of 0 or more; the first may be null");
    if (!(how->beta2_decay <= 0))
        return config_error(optimizer_place(config, "beta2_decay"), error, ERROR_VALUE,
                            "beta2_decay must be 0 or below, here is %g", how->beta2_decay);
    if (!(how->d >= 1))
        return config_error(optimizer_place(config, "d"), error, ERROR_VALUE, "d must be at least 1, here is %g",
                            how->d);
    return 0;
}

#define AT(member) offsetof(struct adafactor_options, member)

static const struct option rows[] = {
    {"lr", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.01", AT(lr), NULL, "the largest step, relative to the parameter"},
    {"beta2_decay", OPTION_FLOAT, 0, "-0.8", AT(beta2_decay), NULL, "step k has the weight k to this power"},
    {"eps", OPTION_FLOAT_LIST, OPTION_NULLABLE, "[null, 0.001]", AT(eps), NULL,
     "least root of a second moment (null: the dtype's), least size of a parameter"},
    {"d", OPTION_FLOAT, 0, "1.0", AT(d), NULL, "largest root mean square of a step over its rate"},
    OPTIMIZER_DECAY("0.0", AT(weight_decay)),
    OPTIMIZER_MAXIMIZE(AT(maximize)),
    OPTIMIZER_FOREACH,
};

static const char *const slot_names[] = {"row_var", "col_var"};

const struct optimizer_kind optimizer_adafactor = {
    .target = {"torch.optim.Adafactor", "adafactor"},
    .help = "steps relative to each parameter, the second moment of a matrix from its rows and columns",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct adafactor_options),
    .slots = optimizer_two_slots,
    .slot_names = slot_names,
    .check = check,
    .update = update,
    .whole = 1,
};
