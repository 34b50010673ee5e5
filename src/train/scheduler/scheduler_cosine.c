/* Rates along a cosine (arXiv 1608.03983): CosineAnnealingLR and CosineAnnealingWarmRestarts. */
#include "train/core/state.h"
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <stddef.h>

static double along(double base, double least, double angle) {
    return least + (base - least) * (1 + cos(angle)) / 2;
}

/* ---------------------------------------------------------------- CosineAnnealingLR */

struct cosine_options {
    int64_t T_max, last_epoch;
    double eta_min;
};

static double cosine_lr(const struct scheduler *self) {
    const struct cosine_options *options = self->options;
    int64_t epoch = scheduler_epoch(self), steps = *scheduler_integer(self->step_count);
    double lr = *self->group->lr, least = options->eta_min, period = (double)options->T_max;
    if (self->initial)
        return lr;
    if (steps == 1 && epoch > 0)
        return along(self->base_lr, least, (double)epoch * M_PI / period);
    /* at the lowest point the recursion would divide 0 by 0 */
    if ((epoch - 1 - options->T_max) % (2 * options->T_max) == 0)
        return lr + (self->base_lr - least) * (1 - cos(M_PI / period)) / 2;
    return (1 + cos(M_PI * (double)epoch / period)) / (1 + cos(M_PI * (double)(epoch - 1) / period)) * (lr - least) +
           least;
}

static double cosine_closed(const struct scheduler *self) {
    const struct cosine_options *options = self->options;
    return along(self->base_lr, options->eta_min, M_PI * (double)scheduler_epoch(self) / (double)options->T_max);
}

static int cosine_check(const void *options, const struct config_node *config, struct error *error) {
    if (((const struct cosine_options *)options)->T_max > INT64_MAX / 4) /* twice as many are a period */
        return config_error(config_get(config, "T_max"), error, ERROR_VALUE, "so many steps cannot be counted");
    return scheduler_check_last_epoch(((const struct cosine_options *)options)->last_epoch, config, error);
}

#define COSINE(member) offsetof(struct cosine_options, member)
static const struct option cosine_rows[] = {
    {"T_max", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, COSINE(T_max), NULL, "steps from top to bottom"},
    {"eta_min", OPTION_FLOAT, 0, "0.0", COSINE(eta_min), NULL, "the smallest rate"},
    SCHEDULER_LAST_EPOCH(COSINE(last_epoch)),
};

const struct scheduler_kind scheduler_cosine_lr = {
    .target = {"torch.optim.lr_scheduler.CosineAnnealingLR", "cosine"},
    .help = "down along half a cosine in T_max steps, and up again",
    .options = cosine_rows,
    .noptions = sizeof cosine_rows / sizeof *cosine_rows,
    .options_size = sizeof(struct cosine_options),
    .check = cosine_check,
    .lr = cosine_lr,
    .closed = cosine_closed,
};

/* ---------------------------------------------------------------- CosineAnnealingWarmRestarts */

struct restarts_options {
    int64_t T_0, T_mult, last_epoch;
    double eta_min;
};

enum { CURRENT, PERIOD };
static const struct state_range periods = {1, 0x1p63, 0};
static const struct scheduler_number integers[] = {{"T_cur", &state_counter}, {"T_i", &periods}, {NULL, NULL}};

static double restarts_lr(const struct scheduler *self) {
    const struct restarts_options *options = self->options;
    double at = (double)*scheduler_integer(self->integer[CURRENT]);
    double period = (double)*scheduler_integer(self->integer[PERIOD]);
    return along(self->base_lr, options->eta_min, M_PI * at / period);
}

static int restarts_step(struct scheduler *self, double metric, struct error *error) {
    const struct restarts_options *options = self->options;
    int64_t *current = scheduler_integer(self->integer[CURRENT]), *period = scheduler_integer(self->integer[PERIOD]);
    int64_t *epoch = scheduler_integer(self->last_epoch);
    (void)metric;
    (void)error;
    if (*epoch < 0) {
        *epoch = 0;
        *current = 0;
        *period = options->T_0;
    } else {
        *epoch += 1;
        *current += 1;
        if (*current >= *period) {
            *current %= *period;
            /* a period beyond what can be counted never ends anyway */
            if (__builtin_mul_overflow(*period, options->T_mult, period))
                *period = INT64_MAX;
        }
    }
    *self->group->lr = restarts_lr(self);
    return 0;
}

static int restarts_check(const void *options, const struct config_node *config, struct error *error) {
    return scheduler_check_last_epoch(((const struct restarts_options *)options)->last_epoch, config, error);
}

#define RESTARTS(member) offsetof(struct restarts_options, member)
static const struct option restarts_rows[] = {
    {"T_0", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, RESTARTS(T_0), NULL, "steps until the first restart"},
    {"T_mult", OPTION_INT, OPTION_POSITIVE, "1", RESTARTS(T_mult), NULL, "each period is longer by this factor"},
    {"eta_min", OPTION_FLOAT, 0, "0.0", RESTARTS(eta_min), NULL, "the smallest rate"},
    SCHEDULER_LAST_EPOCH(RESTARTS(last_epoch)),
};

const struct scheduler_kind scheduler_cosine_restarts = {
    .target = {"torch.optim.lr_scheduler.CosineAnnealingWarmRestarts", "restarts"},
    .help = "down along half a cosine, again and again from the top",
    .options = restarts_rows,
    .noptions = sizeof restarts_rows / sizeof *restarts_rows,
    .options_size = sizeof(struct restarts_options),
    .integers = integers,
    .check = restarts_check,
    .lr = restarts_lr,
    .step = restarts_step,
};
