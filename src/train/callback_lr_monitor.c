/* LearningRateMonitor: the learning rate as a column "lr-Adam". */
#include <string.h>

#include "train/trainer_internal.h"

struct monitor_options {
    const char *interval;
    int momentum, weight_decay;
};

static const struct option options[] = {
    {"logging_interval", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct monitor_options, interval), "step|epoch",
     "when the rate is logged; null: both"},
    {"log_momentum", OPTION_BOOL, 0, "false", offsetof(struct monitor_options, momentum), NULL, "log the momentum too"},
    {"log_weight_decay", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; it has no meaning here"},
};

static int log_rates(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct optimizer *optimizer = &trainer->optimizer;
    const char *name = optimizer_name(optimizer->kind);
    const struct monitor_options *how = callback->options;
    char column[128], group[16] = "";
    int code = 0;
    for (int g = 0; !code && g < optimizer->groups.count; g++) {
        if (optimizer->groups.count > 1) /* as Lightning counts them */
            snprintf(group, sizeof group, "/pg%d", g + 1);
        snprintf(column, sizeof column, "lr-%s%s", name, group);
        code = log_value(trainer, column, ((double *)optimizer->lr->data)[2 * g], error);
        if (!code && how->momentum) { /* 0 where the optimizer has none */
            void *own = optimizer->groups.options[g];
            const double *momentum = optimizer->kind->momentum ? optimizer->kind->momentum(own) : NULL;
            snprintf(column, sizeof column, "lr-%s%s-momentum", name, group);
            code = log_value(trainer, column, momentum ? *momentum : 0, error);
        }
    }
    return code ? code : log_flush(trainer, -1, cursor_of(trainer)->stepped, error);
}

/* null: when the scheduler steps; at both times without one. */
static int wanted(const struct callback *callback, const struct trainer *trainer, int by_step) {
    const struct monitor_options *how = callback->options;
    if (how->interval)
        return !strcmp(how->interval, by_step ? "step" : "epoch");
    return !trainer->schedule.scheduler || trainer->schedule.by_step == by_step;
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    return wanted(callback, trainer, 0) ? log_rates(callback, trainer, error) : 0;
}

static int batch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    return wanted(callback, trainer, 1) && log_is_due(trainer) ? log_rates(callback, trainer, error) : 0;
}

const struct callback_kind callback_lr_monitor = {
    .target = {"lightning.pytorch.callbacks.LearningRateMonitor", "lr_monitor"},
    .help = "logs the learning rate",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct monitor_options),
    .epoch_begin = epoch_begin,
    .batch_begin = batch_begin,
};
