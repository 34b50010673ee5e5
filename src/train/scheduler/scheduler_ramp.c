/* Rates that begin low or end low over total_iters steps: ConstantLR, LinearLR, PolynomialLR. */
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <stddef.h>

static double lesser(int64_t a, int64_t b) {
    return (double)(a < b ? a : b);
}

/* ---------------------------------------------------------------- ConstantLR */

struct constant_options {
    double factor;
    int64_t total_iters, last_epoch;
};

static double constant_lr(const struct scheduler *self) {
    const struct constant_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    if (epoch == 0)
        return *self->group->lr * options->factor;
    if (epoch != options->total_iters)
        return *self->group->lr;
    return *self->group->lr * (1.0 / options->factor);
}

static double constant_closed(const struct scheduler *self) {
    const struct constant_options *options = self->options;
    int over = scheduler_epoch(self) >= options->total_iters;
    return self->base_lr * (options->factor + over * (1 - options->factor));
}

static int constant_check(const void *options, const struct config_node *config, struct error *error) {
    const struct constant_options *constant = options;
    /* 0 is refused because the factor is divided out again at the end */
    if (!(constant->factor > 0 && constant->factor <= 1))
        return config_error(scheduler_place(config, "factor"), error, ERROR_VALUE,
                            "factor must be above 0 and at most 1, here is %g", constant->factor);
    return scheduler_check_last_epoch(constant->last_epoch, config, error);
}

#define CONSTANT(member) offsetof(struct constant_options, member)
static const struct option constant_rows[] = {
    {"factor", OPTION_FLOAT, 0, "0.3333333333333333", CONSTANT(factor), NULL, "share of the rate at first"},
    {"total_iters", OPTION_INT, 0, "5", CONSTANT(total_iters), NULL, "steps until the full rate"},
    SCHEDULER_LAST_EPOCH(CONSTANT(last_epoch)),
};

const struct scheduler_kind scheduler_constant_lr = {
    .target = {"torch.optim.lr_scheduler.ConstantLR", "constant"},
    .help = "a share of the rate for total_iters steps",
    .options = constant_rows,
    .noptions = sizeof constant_rows / sizeof *constant_rows,
    .options_size = sizeof(struct constant_options),
    .check = constant_check,
    .lr = constant_lr,
    .closed = constant_closed,
};

/* ---------------------------------------------------------------- LinearLR */

struct linear_options {
    double start_factor, end_factor;
    int64_t total_iters, last_epoch;
};

static double linear_lr(const struct scheduler *self) {
    const struct linear_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    double lr = *self->group->lr, rise = options->end_factor - options->start_factor;
    if (epoch == 0)
        return lr * options->start_factor;
    if (self->initial || epoch > options->total_iters)
        return lr;
    return lr * (1.0 + rise / ((double)options->total_iters * options->start_factor + (double)(epoch - 1) * rise));
}

static double linear_closed(const struct scheduler *self) {
    const struct linear_options *options = self->options;
    double rise = options->end_factor - options->start_factor;
    if (options->total_iters == 0)
        return self->base_lr * options->end_factor;
    return self->base_lr * (options->start_factor +
                            rise * lesser(options->total_iters, scheduler_epoch(self)) / (double)options->total_iters);
}

static int linear_check(const void *options, const struct config_node *config, struct error *error) {
    const struct linear_options *linear = options;
    if (!(linear->start_factor > 0 && linear->start_factor <= 1))
        return config_error(scheduler_place(config, "start_factor"), error, ERROR_VALUE,
                            "start_factor must be above 0 and at most 1, here is %g", linear->start_factor);
    if (!(linear->end_factor >= 0 && linear->end_factor <= 1))
        return config_error(scheduler_place(config, "end_factor"), error, ERROR_VALUE,
                            "end_factor must be between 0 and 1, here is %g", linear->end_factor);
    return scheduler_check_last_epoch(linear->last_epoch, config, error);
}

#define LINEAR(member) offsetof(struct linear_options, member)
static const struct option linear_rows[] = {
    {"start_factor", OPTION_FLOAT, 0, "0.3333333333333333", LINEAR(start_factor), NULL, "share of the rate at first"},
    {"end_factor", OPTION_FLOAT, 0, "1.0", LINEAR(end_factor), NULL, "share of the rate at the end"},
    {"total_iters", OPTION_INT, OPTION_NONNEGATIVE, "5", LINEAR(total_iters), NULL, "steps from one to the other"},
    SCHEDULER_LAST_EPOCH(LINEAR(last_epoch)),
};

const struct scheduler_kind scheduler_linear_lr = {
    .target = {"torch.optim.lr_scheduler.LinearLR", "linear"},
    .help = "from one share of the rate to another in equal steps",
    .options = linear_rows,
    .noptions = sizeof linear_rows / sizeof *linear_rows,
    .options_size = sizeof(struct linear_options),
    .check = linear_check,
    .lr = linear_lr,
    .closed = linear_closed,
};

/* ---------------------------------------------------------------- PolynomialLR */

struct polynomial_options {
    double power;
    int64_t total_iters, last_epoch;
};

static double polynomial_lr(const struct scheduler *self) {
    const struct polynomial_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    double total = (double)options->total_iters;
    if (self->initial || epoch > options->total_iters)
        return *self->group->lr;
    double ratio = (1.0 - (double)epoch / total) / (1.0 - (double)(epoch - 1) / total);
    return *self->group->lr * pow(ratio, options->power);
}

/* 0 to a negative power */
static int polynomial_ends(const struct scheduler *self, struct error *error) {
    const struct polynomial_options *options = self->options;
    if (options->power >= 0 || scheduler_epoch(self) != options->total_iters)
        return 0;
    return error_set(error, ERROR_VALUE,
                     "PolynomialLR would divide by zero in step %lld, its last: power must be 0 or more",
                     (long long)options->total_iters);
}

static double polynomial_closed(const struct scheduler *self) {
    const struct polynomial_options *options = self->options;
    double done = lesser(options->total_iters, scheduler_epoch(self)) / (double)options->total_iters;
    return self->base_lr * pow(1.0 - done, options->power);
}

static int polynomial_check(const void *options, const struct config_node *config, struct error *error) {
    return scheduler_check_last_epoch(((const struct polynomial_options *)options)->last_epoch, config, error);
}

#define POLYNOMIAL(member) offsetof(struct polynomial_options, member)
static const struct option polynomial_rows[] = {
    {"total_iters", OPTION_INT, OPTION_POSITIVE, "5", POLYNOMIAL(total_iters), NULL, "steps until the rate is 0"},
    {"power", OPTION_FLOAT, 0, "1.0", POLYNOMIAL(power), NULL, "exponent of the decay"},
    SCHEDULER_LAST_EPOCH(POLYNOMIAL(last_epoch)),
};

const struct scheduler_kind scheduler_polynomial_lr = {
    .target = {"torch.optim.lr_scheduler.PolynomialLR", "polynomial"},
    .help = "down to 0 as (1 - t/total_iters)^power",
    .options = polynomial_rows,
    .noptions = sizeof polynomial_rows / sizeof *polynomial_rows,
    .options_size = sizeof(struct polynomial_options),
    .check = polynomial_check,
    .ends = polynomial_ends,
    .lr = polynomial_lr,
    .closed = polynomial_closed,
};
