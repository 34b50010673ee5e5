/* ReduceLROnPlateau: the rate shrinks when a metric has stopped getting better. */
#include "train/core/state.h"
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <string.h>

struct plateau_options {
    const char *mode, *threshold_mode;
    double factor, threshold, eps;
    int64_t patience, cooldown;
    struct option_floats min_lr;
};

enum { COOLDOWN, BAD };
static const struct scheduler_number integers[] = {
    {"cooldown_counter", NULL}, {"num_bad_epochs", &state_counter}, {NULL, NULL}};
static const struct scheduler_number reals[] = {{"best", &state_ordered}, {NULL, NULL}};

static int start(struct scheduler *self, struct error *error) {
    const struct plateau_options *plateau = self->options;
    (void)error;
    *scheduler_real(self->real[0]) = strcmp(plateau->mode, "max") == 0 ? -INFINITY : INFINITY;
    *scheduler_integer(self->last_epoch) = 0;
    return 0;
}

static int is_better(const struct plateau_options *plateau, double value, double best) {
    int relative = strcmp(plateau->threshold_mode, "rel") == 0;
    if (strcmp(plateau->mode, "min") == 0)
        return value < (relative ? best * (1.0 - plateau->threshold) : best - plateau->threshold);
    return value > (relative ? best * (plateau->threshold + 1.0) : best + plateau->threshold);
}

static int step(struct scheduler *self, double metric, struct error *error) {
    const struct plateau_options *plateau = self->options;
    double *best = scheduler_real(self->real[0]), *lr = self->group->lr;
    int64_t *bad = scheduler_integer(self->integer[BAD]), *cooldown = scheduler_integer(self->integer[COOLDOWN]);
    (void)error;
    *scheduler_integer(self->last_epoch) += 1;
    *scheduler_integer(self->step_count) += 1;
    if (is_better(plateau, metric, *best)) {
        *best = metric;
        *bad = 0;
    } else {
        *bad += 1;
    }
    if (*cooldown > 0) {
        *cooldown -= 1;
        *bad = 0;
    }
    if (*bad > plateau->patience) {
        double reduced = *lr * plateau->factor, least = scheduler_own(self, &plateau->min_lr);
        if (least > reduced)
            reduced = least;
        if (*lr - reduced > plateau->eps)
            *lr = reduced;
        *cooldown = plateau->cooldown;
        *bad = 0;
    }
    return 0;
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct plateau_options *plateau = options;
    if (!(plateau->factor < 1))
        return config_error(scheduler_place(config, "factor"), error, ERROR_VALUE, "factor must be below 1, here is %g",
                            plateau->factor);
    return 0;
}

#define AT(member) offsetof(struct plateau_options, member)
static const struct option rows[] = {
    {"mode", OPTION_STRING, 0, "min", AT(mode), "min|max", "whether a smaller or a larger metric is better"},
    {"factor", OPTION_FLOAT, 0, "0.1", AT(factor), NULL, "the rate is multiplied by this"},
    {"patience", OPTION_INT, 0, "10", AT(patience), NULL, "steps without getting better that are allowed"},
    {"threshold", OPTION_FLOAT, 0, "0.0001", AT(threshold), NULL, "how much better counts"},
    {"threshold_mode", OPTION_STRING, 0, "rel", AT(threshold_mode), "rel|abs", "threshold as a share or a difference"},
    {"cooldown", OPTION_INT, 0, "0", AT(cooldown), NULL, "steps to wait after a reduction"},
    {"min_lr", OPTION_FLOAT_LIST, 0, "0.0", AT(min_lr), NULL, "the smallest rate"},
    {"eps", OPTION_FLOAT, 0, "1.0e-8", AT(eps), NULL, "smaller reductions are not made"},
};

const struct scheduler_kind scheduler_plateau = {
    .target = {"torch.optim.lr_scheduler.ReduceLROnPlateau", "plateau"},
    .help = "multiply by factor when a metric has stopped getting better",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct plateau_options),
    .integers = integers,
    .reals = reals,
    .check = check,
    .start = start,
    .step = step,
};
