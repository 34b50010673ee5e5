/* Schedulers of schedulers: SequentialLR and ChainedScheduler. */
#include "train/scheduler/scheduler.h"
#include "train/scheduler/scheduler_kind.h"

#include <stddef.h>

/* ---------------------------------------------------------------- SequentialLR */

struct sequential_options {
    const struct config_node *schedulers;
    struct option_ints milestones;
    int64_t last_epoch;
};

/* The scheduler whose turn it is: as many milestones have been reached. */
static size_t turn(const struct sequential_options *options, int64_t epoch) {
    size_t index = 0;
    while (index < (size_t)options->milestones.count && options->milestones.values[index] <= epoch)
        index++;
    return index;
}

/* All have made their initial steps when they were made; those are taken back, and the first one's made again. */
static int sequential_start(struct scheduler *self, struct error *error) {
    *scheduler_integer(self->last_epoch) = 0;
    *self->group->lr = self->group->initial_lr;
    scheduler_undo(self);
    return scheduler_start(self->children[turn(self->options, 0)], error);
}

static int sequential_step(struct scheduler *self, double metric, struct error *error) {
    const struct sequential_options *options = self->options;
    int64_t epoch = *scheduler_integer(self->last_epoch) += 1;
    size_t index = turn(options, epoch);
    if (index >= self->nchildren)
        index = self->nchildren - 1;
    if (index > 0 && options->milestones.values[index - 1] == epoch)
        return scheduler_restart(self->children[index], error);
    return scheduler_step(self->children[index], metric, error);
}

static int sequential_check(const void *options, const struct config_node *config, struct error *error) {
    const struct sequential_options *sequential = options;
    size_t count = config_count(sequential->schedulers);
    const struct config_node *place = scheduler_place(config, "milestones");
    int code = scheduler_check_milestones(&sequential->milestones, config, error);
    if (code)
        return code;
    if ((size_t)sequential->milestones.count + 1 != count)
        return config_error(place, error, ERROR_VALUE, "%zu schedulers need %zu milestones, here are %d", count,
                            count - 1, sequential->milestones.count);
    for (int k = 1; k < sequential->milestones.count; k++)
        if (sequential->milestones.values[k] < sequential->milestones.values[k - 1])
            return config_error(place, error, ERROR_VALUE, "milestones must not fall: %lld stands after %lld",
                                (long long)sequential->milestones.values[k],
                                (long long)sequential->milestones.values[k - 1]);
    for (size_t k = 1; k < count; k++) {
        const struct config_node *inner = config_at(sequential->schedulers, k);
        if (config_get(inner, "schedulers"))
            return config_error(inner, error, ERROR_VALUE,
                                "a scheduler of schedulers can only be the first one of a SequentialLR: it cannot "
                                "begin at a milestone");
    }
    return scheduler_check_last_epoch(sequential->last_epoch, config, error);
}

#define SEQUENTIAL(member) offsetof(struct sequential_options, member)
static const struct option sequential_rows[] = {
    {"schedulers", OPTION_NODE, OPTION_REQUIRED, NULL, SEQUENTIAL(schedulers), NULL, "the schedulers, in their order"},
    {"milestones", OPTION_INT_LIST, OPTION_REQUIRED, NULL, SEQUENTIAL(milestones), NULL, "where the next one begins"},
    SCHEDULER_LAST_EPOCH(SEQUENTIAL(last_epoch)),
};

const struct scheduler_kind scheduler_sequential = {
    .target = {"torch.optim.lr_scheduler.SequentialLR", "sequential"},
    .help = "one scheduler after the other",
    .options = sequential_rows,
    .noptions = sizeof sequential_rows / sizeof *sequential_rows,
    .options_size = sizeof(struct sequential_options),
    .nested = 1,
    .check = sequential_check,
    .start = sequential_start,
    .step = sequential_step,
};

/* ---------------------------------------------------------------- ChainedScheduler */

struct chained_options {
    const struct config_node *schedulers;
};

static int chained_start(struct scheduler *self, struct error *error) {
    (void)error;
    *scheduler_integer(self->last_epoch) = 0;
    return 0;
}

static int chained_step(struct scheduler *self, double metric, struct error *error) {
    int code = 0;
    *scheduler_integer(self->last_epoch) += 1;
    for (size_t k = 0; !code && k < self->nchildren; k++)
        code = scheduler_step(self->children[k], metric, error);
    return code;
}

static const struct option chained_rows[] = {
    {"schedulers", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct chained_options, schedulers), NULL,
     "the schedulers, each of which changes what the one before it left"},
};

const struct scheduler_kind scheduler_chained = {
    .target = {"torch.optim.lr_scheduler.ChainedScheduler", "chained"},
    .help = "several schedulers at once, one upon the other",
    .options = chained_rows,
    .noptions = sizeof chained_rows / sizeof *chained_rows,
    .options_size = sizeof(struct chained_options),
    .nested = 1,
    .start = chained_start,
    .step = chained_step,
};
