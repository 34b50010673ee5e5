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
    {"log_weight_decay", OPTION_BOOL, 0, "false", offsetof(struct monitor_options, weight_decay), NULL,
     "log the weight decay too"},
};

/* The weight decay of a group; an error where the optimizer has none. */
static int weight_decay(const struct optimizer *optimizer, int group, double *value, struct error *error) {
    const struct optimizer_kind *kind = optimizer->kind;
    for (size_t k = 0; k < kind->noptions; k++)
        if (!strcmp(kind->options[k].name, "weight_decay") && kind->options[k].type == OPTION_FLOAT) {
            memcpy(value, (const char *)optimizer->groups.options[group] + kind->options[k].offset, sizeof *value);
            return 0;
        }
    return error_set(error, ERROR_VALUE, "LearningRateMonitor: log_weight_decay, and %s has no weight_decay",
                     kind->target.target);
}

static int log_rates(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct optimizer *optimizer = &trainer->optimizer;
    const struct schedule *schedule = &trainer->schedule;
    const struct monitor_options *how = callback->options;
    char column[256], base[192];
    int code = 0;
    for (int g = 0; !code && g < optimizer->groups.count; g++) {
        int named = schedule->scheduler && schedule->name;
        snprintf(base, sizeof base, "%s%.150s", named ? "" : "lr-",
                 named ? schedule->name : optimizer_name(optimizer->kind));
        if (optimizer->groups.count > 1) /* as Lightning counts them */
            snprintf(base + strlen(base), sizeof base - strlen(base), "/pg%d", g + 1);
        code = log_value(trainer, base, ((double *)optimizer->lr->data)[2 * g], error);
        if (!code && how->momentum) { /* 0 where the optimizer has none */
            void *own = optimizer->groups.options[g];
            const double *momentum = optimizer->kind->momentum ? optimizer->kind->momentum(own) : NULL;
            snprintf(column, sizeof column, "%s-momentum", base);
            code = log_value(trainer, column, momentum ? *momentum : 0, error);
        }
        double decay = 0;
        if (!code && how->weight_decay && !(code = weight_decay(optimizer, g, &decay, error))) {
            snprintf(column, sizeof column, "%s-weight_decay", base);
            code = log_value(trainer, column, decay, error);
        }
    }
    return code ? code : log_flush(trainer, -1, cursor_of(trainer)->stepped, error);
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    double ignored;
    return how->weight_decay && trainer->optimizer.kind ? weight_decay(&trainer->optimizer, 0, &ignored, error) : 0;
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
    .open = open_callback,
    .epoch_begin = epoch_begin,
    .batch_begin = batch_begin,
};
