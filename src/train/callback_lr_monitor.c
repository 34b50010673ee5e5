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
    char column[128];
    snprintf(column, sizeof column, "lr-%s", name);
    int code = log_value(trainer, column, *(double *)optimizer->lr->data, error);
    const struct monitor_options *how = callback->options;
    if (!code && how->momentum && optimizer->kind->momentum && optimizer->kind->momentum(optimizer->options)) {
        snprintf(column, sizeof column, "lr-%s-momentum", name);
        code = log_value(trainer, column, *optimizer->kind->momentum(optimizer->options), error);
    }
    return code ? code : log_flush(trainer, -1, cursor_of(trainer)->stepped, error);
}

static int epoch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    return how->interval && !strcmp(how->interval, "step") ? 0 : log_rates(callback, trainer, error);
}

/* Before the batch, in Lightning; the step that it belongs to is the batch's own. */
static int batch_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    if ((how->interval && !strcmp(how->interval, "epoch")) || !log_is_due(trainer))
        return 0;
    return log_rates(callback, trainer, error);
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
