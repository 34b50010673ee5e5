/* OneCycleLR (arXiv 1708.07120): up to max_lr, down far below the start; the momentum (or beta1) goes the other way. */
#include "train/scheduler_kind.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct cycle_options {
    struct option_floats max_lr, base_momentum, max_momentum;
    int64_t total_steps, epochs, steps_per_epoch, last_epoch;
    double pct_start, div_factor, final_div_factor;
    const char *anneal_strategy;
    int cycle_momentum, three_phase;
};

static const struct scheduler_number reals[] = {{"momentum", &state_finite}, {NULL, NULL}};

struct stretch {
    double end;
    double lr[2], momentum[2];
};

static int64_t total_steps(const struct cycle_options *options) {
    return options->total_steps > 0 ? options->total_steps : options->epochs * options->steps_per_epoch;
}

static int stretches(const struct cycle_options *options, struct stretch out[3]) {
    double total = (double)total_steps(options), rise = options->pct_start * total - 1;
    double top = options->max_lr.values[0], start = top / options->div_factor;
    double end = start / options->final_div_factor;
    double high = options->max_momentum.values[0], low = options->base_momentum.values[0];
    out[0] = (struct stretch){rise, {start, top}, {high, low}};
    if (!options->three_phase) {
        out[1] = (struct stretch){total - 1, {top, end}, {low, high}};
        return 2;
    }
    out[1] = (struct stretch){2 * options->pct_start * total - 2, {top, start}, {low, high}};
    out[2] = (struct stretch){total - 1, {start, end}, {high, high}};
    return 3;
}

static double anneal(const struct cycle_options *options, const double between[2], double part) {
    if (strcmp(options->anneal_strategy, "linear") == 0)
        return (between[1] - between[0]) * part + between[0];
    return between[1] + (between[0] - between[1]) / 2.0 * (cos(M_PI * part) + 1);
}

static void place(const struct scheduler *self, double *lr, double *momentum) {
    const struct cycle_options *options = self->options;
    struct stretch stretch[3];
    int count = stretches(options, stretch), k = 0;
    int64_t total = total_steps(options);
    double at = (double)(scheduler_epoch(self) < total ? scheduler_epoch(self) : total), begin = 0;
    while (k < count - 1 && at > stretch[k].end)
        begin = stretch[k++].end;
    double part = (at - begin) / (stretch[k].end - begin);
    *lr = anneal(options, stretch[k].lr, part);
    *momentum = anneal(options, stretch[k].momentum, part);
}

static void sync_momentum(struct scheduler *self) {
    const struct cycle_options *options = self->options;
    if (options->cycle_momentum)
        *self->group->momentum = *scheduler_real(self->real[0]);
}

static double lr(const struct scheduler *self) {
    double lr, momentum;
    place(self, &lr, &momentum);
    *scheduler_real(self->real[0]) = momentum;
    if (((const struct cycle_options *)self->options)->cycle_momentum)
        *self->group->momentum = momentum;
    return lr;
}

static int start(struct scheduler *self, struct error *error) {
    const struct cycle_options *options = self->options;
    if (options->cycle_momentum && !self->group->momentum)
        return error_set(error, ERROR_VALUE,
                         "OneCycleLR cycles the momentum, which this optimizer has not: set cycle_momentum: false");
    /* torch makes this the group's initial rate, which later schedulers of a nest then start from */
    self->group->initial_lr = options->max_lr.values[0] / options->div_factor;
    self->base_lr = self->group->initial_lr;
    scheduler_start(self);
    return 0;
}

static int one_number(const struct option_floats *list, const char *name, const struct config_node *config,
                      struct error *error) {
    if (list->count == 1)
        return 0;
    return config_error(scheduler_place(config, name), error, ERROR_VALUE,
                        "%s needs one number (there is one parameter group), here are %d", name, list->count);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct cycle_options *cycle = options;
    int64_t total = cycle->total_steps;
    int code = one_number(&cycle->max_lr, "max_lr", config, error);
    if (!code)
        code = one_number(&cycle->base_momentum, "base_momentum", config, error);
    if (!code)
        code = one_number(&cycle->max_momentum, "max_momentum", config, error);
    if (code)
        return code;
    if (total <= 0 && (cycle->epochs <= 0 || cycle->steps_per_epoch <= 0 ||
                       __builtin_mul_overflow(cycle->epochs, cycle->steps_per_epoch, &total)))
        return config_error(config, error, ERROR_VALUE,
                            "OneCycleLR needs total_steps, or epochs and steps_per_epoch, all above 0");
    if (!(cycle->pct_start >= 0 && cycle->pct_start <= 1))
        return config_error(scheduler_place(config, "pct_start"), error, ERROR_VALUE,
                            "pct_start must be between 0 and 1, here is %g", cycle->pct_start);
    struct stretch stretch[3];
    int count = stretches(cycle, stretch);
    double begin = 0;
    for (int k = 0; k < count; begin = stretch[k++].end)
        if (stretch[k].end == begin)
            return config_error(config, error, ERROR_VALUE,
                                "OneCycleLR has a phase without steps: with %lld steps, choose another pct_start",
                                (long long)total);
    return scheduler_check_last_epoch(cycle->last_epoch, config, error);
}

#define AT(member) offsetof(struct cycle_options, member)
static const struct option rows[] = {
    {"max_lr", OPTION_FLOAT_LIST, OPTION_REQUIRED, NULL, AT(max_lr), NULL, "the largest rate"},
    {"total_steps", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, NULL, AT(total_steps), NULL, "length in steps"},
    {"epochs", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, NULL, AT(epochs), NULL, "or length in epochs"},
    {"steps_per_epoch", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, NULL, AT(steps_per_epoch), NULL,
     "of that many steps"},
    {"pct_start", OPTION_FLOAT, 0, "0.3", AT(pct_start), NULL, "share of the steps in which the rate rises"},
    {"anneal_strategy", OPTION_STRING, 0, "cos", AT(anneal_strategy), "cos|linear", "the curve"},
    {"cycle_momentum", OPTION_BOOL, 0, "true", AT(cycle_momentum), NULL, "steer the momentum too"},
    {"base_momentum", OPTION_FLOAT_LIST, 0, "0.85", AT(base_momentum), NULL, "the smallest momentum"},
    {"max_momentum", OPTION_FLOAT_LIST, 0, "0.95", AT(max_momentum), NULL, "the largest momentum"},
    {"div_factor", OPTION_FLOAT, OPTION_POSITIVE, "25.0", AT(div_factor), NULL, "max_lr over the first rate"},
    {"final_div_factor", OPTION_FLOAT, OPTION_POSITIVE, "10000.0", AT(final_div_factor), NULL,
     "the first rate over the last"},
    {"three_phase", OPTION_BOOL, 0, "false", AT(three_phase), NULL, "a third phase for the last fall"},
    SCHEDULER_LAST_EPOCH(AT(last_epoch)),
};

const struct scheduler_kind scheduler_one_cycle = {
    .target = {"torch.optim.lr_scheduler.OneCycleLR", "onecycle"},
    .help = "one rise and one long fall, the momentum going the other way",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct cycle_options),
    .reals = reals,
    .check = check,
    .start = start,
    .lr = lr,
    .sync = sync_momentum,
};
