/* OneCycleLR (arXiv 1708.07120): up to max_lr, down far below the start; the momentum (or beta1) goes the other way. */
#include "train/scheduler/scheduler_kind.h"

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

struct stretch {
    double end;
    double lr[2], momentum[2];
};

static int64_t total_steps(const struct cycle_options *options) {
    return options->total_steps > 0 ? options->total_steps : options->epochs * options->steps_per_epoch;
}

static int stretches(const struct scheduler_group *group, const struct cycle_options *options, struct stretch out[3]) {
    double total = (double)total_steps(options), rise = options->pct_start * total - 1;
    double top = group->max_lr, start = group->initial_lr, end = group->min_lr;
    double high = group->max_momentum, low = group->base_momentum;
    out[0] = (struct stretch){rise, {start, top}, {high, low}};
    if (!options->three_phase) {
        out[1] = (struct stretch){total - 1, {top, end}, {low, high}};
        return 2;
    }
    out[1] = (struct stretch){2 * options->pct_start * total - 2, {top, start}, {low, high}};
    out[2] = (struct stretch){total - 1, {start, end}, {high, high}};
    return 3;
}

/* The stretch that a step is in, and what share of it is over. */
static double part(const struct stretch *stretches, int count, double at, int *which) {
    double begin = 0;
    for (*which = 0; *which < count - 1 && at > stretches[*which].end; ++*which)
        begin = stretches[*which].end;
    return (at - begin) / (stretches[*which].end - begin); /* not finite in one without steps */
}

static double anneal(const struct cycle_options *options, const double between[2], double part) {
    if (strcmp(options->anneal_strategy, "linear") == 0)
        return (between[1] - between[0]) * part + between[0];
    return between[1] + (between[0] - between[1]) / 2.0 * (cos(M_PI * part) + 1);
}

static double lr(const struct scheduler *self) {
    const struct cycle_options *options = self->options;
    struct stretch stretch[3];
    int count = stretches(self->group, options, stretch), which;
    double over = part(stretch, count, (double)scheduler_epoch(self), &which);
    if (options->cycle_momentum)
        scheduler_steer(self, anneal(options, stretch[which].momentum, over));
    return anneal(options, stretch[which].lr, over);
}

static int ends(const struct scheduler *self, struct error *error) {
    const struct cycle_options *options = self->options;
    long long total = (long long)total_steps(options), epoch = (long long)scheduler_epoch(self);
    struct stretch stretch[3];
    int count = stretches(self->group, options, stretch), which;
    if (epoch > total)
        return error_set(error, ERROR_VALUE,
                         "OneCycleLR is to make step %lld of %lld: total_steps must be no less than the steps of the "
                         "run",
                         epoch, total);
    if (!isfinite(part(stretch, count, (double)epoch, &which)))
        return error_set(error, ERROR_VALUE,
                         "OneCycleLR has a phase without steps, which step %lld is in: with %lld steps, choose another "
                         "pct_start",
                         epoch, total);
    return 0;
}

static int steers(const void *options) {
    return ((const struct cycle_options *)options)->cycle_momentum;
}

static int start(struct scheduler *self, struct error *error) {
    const struct cycle_options *options = self->options;
    struct scheduler_group *group = self->group;
    /* torch makes this the group's initial rate, which later schedulers of a nest then start from */
    group->max_lr = scheduler_own(self, &options->max_lr);
    group->initial_lr = group->max_lr / options->div_factor;
    group->min_lr = group->initial_lr / options->final_div_factor;
    self->base_lr = group->initial_lr;
    if (options->cycle_momentum) {
        group->base_momentum = scheduler_own(self, &options->base_momentum);
        group->max_momentum = scheduler_own(self, &options->max_momentum);
    }
    return scheduler_start(self, error);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    const struct cycle_options *cycle = options;
    int64_t total = cycle->total_steps;
    if (total <= 0 && (cycle->epochs <= 0 || cycle->steps_per_epoch <= 0 ||
                       __builtin_mul_overflow(cycle->epochs, cycle->steps_per_epoch, &total)))
        return config_error(config, error, ERROR_VALUE,
                            "OneCycleLR needs total_steps, or epochs and steps_per_epoch, all above 0");
    if (!(cycle->pct_start >= 0 && cycle->pct_start <= 1))
        return config_error(scheduler_place(config, "pct_start"), error, ERROR_VALUE,
                            "pct_start must be between 0 and 1, here is %g", cycle->pct_start);
    struct stretch stretch[3];
    int count = stretches(&(struct scheduler_group){0}, cycle, stretch), which;
    if (!isfinite(part(stretch, count, 0, &which)))
        return config_error(config, error, ERROR_VALUE,
                            "OneCycleLR has a phase without steps: with %lld steps, choose another pct_start",
                            (long long)total);
    return scheduler_check_last_epoch(cycle->last_epoch, config, error);
}

#define AT(member) offsetof(struct cycle_options, member)
static const struct option rows[] = {
    {"max_lr", OPTION_FLOAT_LIST, OPTION_REQUIRED, NULL, AT(max_lr), NULL, "the largest rate"},
    {"total_steps", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL, AT(total_steps), NULL, "length in steps"},
    {"epochs", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL, AT(epochs), NULL, "or length in epochs"},
    {"steps_per_epoch", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL, AT(steps_per_epoch), NULL,
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
    .check = check,
    .start = start,
    .lr = lr,
    .ends = ends,
    .steers = steers,
};
