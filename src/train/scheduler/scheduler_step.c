/* Rates that fall in steps: StepLR, MultiStepLR, ExponentialLR. */
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <stddef.h>

/* ---------------------------------------------------------------- StepLR */

struct step_options {
    int64_t step_size, last_epoch;
    double gamma;
};

static double step_lr(const struct scheduler *self) {
    const struct step_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    if (epoch == 0 || epoch % options->step_size != 0)
        return *self->group->lr;
    return *self->group->lr * options->gamma;
}

static double step_closed(const struct scheduler *self) {
    const struct step_options *options = self->options;
    return self->base_lr * pow(options->gamma, (double)(scheduler_epoch(self) / options->step_size));
}

static int step_check(const void *options, const struct config_node *config, struct error *error) {
    return scheduler_check_last_epoch(((const struct step_options *)options)->last_epoch, config, error);
}

#define STEP(member) offsetof(struct step_options, member)
static const struct option step_rows[] = {
    {"step_size", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, STEP(step_size), NULL, "steps between falls"},
    {"gamma", OPTION_FLOAT, 0, "0.1", STEP(gamma), NULL, "the rate is multiplied by this"},
    SCHEDULER_LAST_EPOCH(STEP(last_epoch)),
};

const struct scheduler_kind scheduler_step_lr = {
    .target = {"torch.optim.lr_scheduler.StepLR", "step"},
    .help = "multiply by gamma every step_size steps",
    .options = step_rows,
    .noptions = sizeof step_rows / sizeof *step_rows,
    .options_size = sizeof(struct step_options),
    .check = step_check,
    .lr = step_lr,
    .closed = step_closed,
};

/* ---------------------------------------------------------------- MultiStepLR */

struct multi_options {
    struct option_ints milestones;
    int64_t last_epoch;
    double gamma;
};

/* A milestone may be named more than once: it then counts as often. */
static double multi_lr(const struct scheduler *self) {
    const struct multi_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    int hits = 0;
    for (int k = 0; k < options->milestones.count; k++)
        hits += options->milestones.values[k] == epoch;
    return hits ? *self->group->lr * pow(options->gamma, hits) : *self->group->lr;
}

static double multi_closed(const struct scheduler *self) {
    const struct multi_options *options = self->options;
    int64_t epoch = scheduler_epoch(self);
    int passed = 0;
    for (int k = 0; k < options->milestones.count; k++)
        passed += options->milestones.values[k] <= epoch;
    return self->base_lr * pow(options->gamma, passed);
}

static int multi_check(const void *options, const struct config_node *config, struct error *error) {
    const struct multi_options *multi = options;
    int code = scheduler_check_milestones(&multi->milestones, config, error);
    return code ? code : scheduler_check_last_epoch(multi->last_epoch, config, error);
}

#define MULTI(member) offsetof(struct multi_options, member)
static const struct option multi_rows[] = {
    {"milestones", OPTION_INT_LIST, OPTION_REQUIRED, NULL, MULTI(milestones), NULL, "steps at which the rate falls"},
    {"gamma", OPTION_FLOAT, 0, "0.1", MULTI(gamma), NULL, "the rate is multiplied by this"},
    SCHEDULER_LAST_EPOCH(MULTI(last_epoch)),
};

const struct scheduler_kind scheduler_multi_step_lr = {
    .target = {"torch.optim.lr_scheduler.MultiStepLR", "multistep"},
    .help = "multiply by gamma at each milestone",
    .options = multi_rows,
    .noptions = sizeof multi_rows / sizeof *multi_rows,
    .options_size = sizeof(struct multi_options),
    .check = multi_check,
    .lr = multi_lr,
    .closed = multi_closed,
};

/* ---------------------------------------------------------------- ExponentialLR */

struct exponential_options {
    int64_t last_epoch;
    double gamma;
};

static double exponential_lr(const struct scheduler *self) {
    const struct exponential_options *options = self->options;
    return self->initial ? *self->group->lr : *self->group->lr * options->gamma;
}

static double exponential_closed(const struct scheduler *self) {
    const struct exponential_options *options = self->options;
    return self->base_lr * pow(options->gamma, (double)scheduler_epoch(self));
}

static int exponential_check(const void *options, const struct config_node *config, struct error *error) {
    return scheduler_check_last_epoch(((const struct exponential_options *)options)->last_epoch, config, error);
}

#define EXPONENTIAL(member) offsetof(struct exponential_options, member)
static const struct option exponential_rows[] = {
    {"gamma", OPTION_FLOAT, OPTION_REQUIRED, NULL, EXPONENTIAL(gamma), NULL, "the rate is multiplied by this"},
    SCHEDULER_LAST_EPOCH(EXPONENTIAL(last_epoch)),
};

const struct scheduler_kind scheduler_exponential_lr = {
    .target = {"torch.optim.lr_scheduler.ExponentialLR", "exponential"},
    .help = "multiply by gamma every step",
    .options = exponential_rows,
    .noptions = sizeof exponential_rows / sizeof *exponential_rows,
    .options_size = sizeof(struct exponential_options),
    .check = exponential_check,
    .lr = exponential_lr,
    .closed = exponential_closed,
};
