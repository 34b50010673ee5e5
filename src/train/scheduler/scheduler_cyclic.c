/* CyclicLR (arXiv 1506.01186): up and down between two rates; the momentum (or beta1) goes the other way. */
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct cyclic_options {
    struct option_floats base_lr, max_lr, base_momentum, max_momentum;
    double size_up, size_down, gamma;
    const struct config_node *scale_fn;
    const char *mode, *scale_mode;
    int cycle_momentum;
    int64_t last_epoch;
};

static double lr(const struct scheduler *self) {
    const struct cyclic_options *options = self->options;
    double up = options->size_up, total = up + (options->size_down >= 0 ? options->size_down : up), rise = up / total;
    double at = (double)scheduler_epoch(self), cycle = floor(1 + at / total), x = 1.0 + at / total - cycle;
    double scale = x <= rise ? x / rise : (x - 1) / (rise - 1), shrunk = 1;
    if (!strcmp(options->mode, "triangular2"))
        shrunk = 1 / pow(2.0, cycle - 1);
    else if (!strcmp(options->mode, "exp_range"))
        shrunk = pow(options->gamma, at);
    if (options->cycle_momentum) {
        double least = scheduler_own(self, &options->base_momentum), most = scheduler_own(self, &options->max_momentum);
        scheduler_steer(self, most - (most - least) * scale * shrunk);
    }
    return self->base_lr + (scheduler_own(self, &options->max_lr) - self->base_lr) * scale * shrunk;
}

static int steers(const void *options) {
    return ((const struct cyclic_options *)options)->cycle_momentum;
}

static int start(struct scheduler *self, struct error *error) {
    const struct cyclic_options *options = self->options;
    struct scheduler_group *group = self->group;
    double base = scheduler_own(self, &options->base_lr);
    *group->lr = base;
    if (!group->begun)
        group->initial_lr = base;
    if (options->cycle_momentum) {
        group->base_momentum = scheduler_own(self, &options->base_momentum);
        group->max_momentum = scheduler_own(self, &options->max_momentum);
    }
    /* as in torch the first step is one from the group's initial rate, which is another one's in a nest */
    self->base_lr = group->initial_lr;
    int code = scheduler_start(self, error);
    self->base_lr = base;
    return code;
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct cyclic_options *cyclic = options;
    if (cyclic->scale_fn)
        return config_error(cyclic->scale_fn, error, ERROR_VALUE,
                            "scale_fn is a Python function, which a config cannot hold: mode is one of triangular, "
                            "triangular2 and exp_range");
    return scheduler_check_last_epoch(cyclic->last_epoch, config, error);
}

#define AT(member) offsetof(struct cyclic_options, member)
static const struct option rows[] = {
    {"base_lr", OPTION_FLOAT_LIST, OPTION_REQUIRED, NULL, AT(base_lr), NULL, "the smallest rate"},
    {"max_lr", OPTION_FLOAT_LIST, OPTION_REQUIRED, NULL, AT(max_lr), NULL, "the largest rate of the first cycle"},
    {"step_size_up", OPTION_FLOAT, OPTION_POSITIVE, "2000", AT(size_up), NULL, "steps from one to the other"},
    {"step_size_down", OPTION_FLOAT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "-1.0", AT(size_down), NULL,
     "steps back; null, or -1: as many"},
    {"mode", OPTION_STRING, 0, "triangular", AT(mode), "triangular|triangular2|exp_range",
     "cycles of one height; each half as high as the last; falling by gamma each step"},
    {"gamma", OPTION_FLOAT, 0, "1.0", AT(gamma), NULL, "of exp_range"},
    {"scale_fn", OPTION_NODE, 0, NULL, AT(scale_fn), NULL, "null: mode says how cycles shrink"},
    {"scale_mode", OPTION_STRING, 0, "cycle", AT(scale_mode), "cycle|iterations",
     "of scale_fn; without one mode says it"},
    {"cycle_momentum", OPTION_BOOL, 0, "true", AT(cycle_momentum), NULL, "steer the momentum too"},
    {"base_momentum", OPTION_FLOAT_LIST, 0, "0.8", AT(base_momentum), NULL, "the smallest momentum"},
    {"max_momentum", OPTION_FLOAT_LIST, 0, "0.9", AT(max_momentum), NULL, "the largest momentum"},
    SCHEDULER_LAST_EPOCH(AT(last_epoch)),
};

const struct scheduler_kind scheduler_cyclic = {
    .target = {"torch.optim.lr_scheduler.CyclicLR", "cyclic"},
    .help = "up and down between two rates, the momentum going the other way",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct cyclic_options),
    .check = check,
    .start = start,
    .lr = lr,
    .steers = steers,
};
