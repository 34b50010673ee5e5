/* SWALR (arXiv 1803.05407): to a fixed rate within anneal_epochs steps. */
#include "train/scheduler/scheduler_kind.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

struct swa_options {
    struct option_floats swa_lr;
    int64_t anneal_epochs, last_epoch;
    const char *anneal_strategy;
};

/* The share of the way that is behind after so many steps. */
static double share(int64_t step, int64_t anneal_epochs, int is_cos) {
    double most = anneal_epochs > 1 ? (double)anneal_epochs : 1, t = (double)step / most;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return is_cos ? (1 - cos(M_PI * t)) / 2 : t;
}

double scheduler_swa_rate(double rate, double target, int64_t step_count, int64_t anneal_epochs, int is_cos) {
    int64_t step = step_count - 1;
    if (anneal_epochs == 0 && step < 1)
        step = 1;
    double before = share(step - 1, anneal_epochs, is_cos), now = share(step, anneal_epochs, is_cos);
    double begin = before == 1 ? target : (rate - before * target) / (1 - before);
    return target * now + begin * (1 - now);
}

static double lr(const struct scheduler *self) {
    const struct swa_options *options = self->options;
    return scheduler_swa_rate(*self->group->lr, self->group->swa_lr, *scheduler_integer(self->step_count),
                              options->anneal_epochs, !strcmp(options->anneal_strategy, "cos"));
}

static int start(struct scheduler *self, struct error *error) {
    self->group->swa_lr = scheduler_own(self, &((const struct swa_options *)self->options)->swa_lr);
    return scheduler_start(self, error);
}

static int check(const void *options, const struct config_node *config, struct error *error) {
    return scheduler_check_last_epoch(((const struct swa_options *)options)->last_epoch, config, error);
}

#define AT(member) offsetof(struct swa_options, member)
static const struct option rows[] = {
    {"swa_lr", OPTION_FLOAT_LIST, OPTION_REQUIRED, NULL, AT(swa_lr), NULL, "the rate at the end"},
    {"anneal_epochs", OPTION_INT, OPTION_NONNEGATIVE, "10", AT(anneal_epochs), NULL, "steps until then"},
    {"anneal_strategy", OPTION_STRING, 0, "cos", AT(anneal_strategy), "cos|linear", "the curve"},
    SCHEDULER_LAST_EPOCH(AT(last_epoch)),
};

const struct scheduler_kind scheduler_swa = {
    .target = {"torch.optim.swa_utils.SWALR", "swa"},
    .help = "to a fixed rate, and on at that",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .options_size = sizeof(struct swa_options),
    .check = check,
    .start = start,
    .lr = lr,
};
