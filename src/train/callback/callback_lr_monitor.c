/* LearningRateMonitor: the learning rate as a column "lr-Adam". */
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/optimizer/optimizer.h"
#include "train/run/run.h"

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

enum { NAME_SIZE = 256 };

/* "lr-Adam", or the scheduler's own name; behind it for each of several groups its number, as Lightning counts them,
 * and which of its numbers it is. */
static void name_of(const struct optimizer_kind *kind, const char *own, int groups, int group, const char *what,
                    char out[NAME_SIZE]) {
    char number[16] = "";
    if (groups > 1)
        snprintf(number, sizeof number, "/pg%d", group + 1);
    snprintf(out, NAME_SIZE, "%s%.150s%s%s", own ? "" : "lr-", own ? own : optimizer_name(kind), number, what);
}

static int logs(const struct callback *callback, const struct callback_scope *scope) {
    const struct monitor_options *how = callback->options;
    const char *const what[] = {"", how->momentum ? "-momentum" : NULL, how->weight_decay ? "-weight_decay" : NULL};
    int failed = 0;
    for (int g = 0; scope->optimizer && g < scope->groups; g++)
        for (int k = 0; !failed && k < 3; k++) {
            char name[NAME_SIZE];
            if (!what[k])
                continue;
            name_of(scope->optimizer, scope->scheduler, scope->groups, g, what[k], name);
            failed = scope->add(scope->context, name);
        }
    return failed;
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    const struct optimizer *optimizer = run_optimizer(trainer);
    if (how->weight_decay && optimizer->kind && !optimizer_decay(optimizer->kind, optimizer->groups.options[0]))
        return config_error(config_get(callback->config, "log_weight_decay"), error, ERROR_VALUE,
                            "%s has no weight decay to log", optimizer->kind->target.target);
    return 0;
}

static int log_rates(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct optimizer *optimizer = run_optimizer(trainer);
    const struct optimizer_kind *kind = optimizer->kind;
    const struct monitor_options *how = callback->options;
    /* one that takes the scheduler's place has no name */
    const char *scheduler = callbacks_scheduler(trainer) ? NULL : run_schedule(trainer)->name;
    int groups = optimizer->groups.count, code = 0;
    char name[NAME_SIZE];
    for (int g = 0; !code && g < groups; g++) {
        void *own = optimizer->groups.options[g];
        name_of(kind, scheduler, groups, g, "", name);
        code = log_value(trainer, name, ((double *)optimizer->lr->data)[2 * g], error);
        if (!code && how->momentum) { /* 0 where the optimizer has none */
            const double *momentum = optimizer_momentum(kind, own);
            name_of(kind, scheduler, groups, g, "-momentum", name);
            code = log_value(trainer, name, momentum ? *momentum : 0, error);
        }
        const double *decay = how->weight_decay ? optimizer_decay(kind, own) : NULL;
        if (!code && decay) {
            name_of(kind, scheduler, groups, g, "-weight_decay", name);
            code = log_value(trainer, name, *decay, error);
        }
    }
    return code ? code : log_flush(trainer, -1, run_cursor(trainer)->stepped, error);
}

/* null: when the scheduler steps; at both times without one. */
static int wanted(const struct callback *callback, const struct trainer *trainer, int by_step) {
    const struct monitor_options *how = callback->options;
    if (how->interval)
        return !strcmp(how->interval, by_step ? "step" : "epoch");
    if (callbacks_scheduler((struct trainer *)trainer))
        return !by_step;
    return !run_schedule(trainer)->scheduler || run_schedule(trainer)->by_step == by_step;
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
    .logs = logs,
    .open = open_callback,
    .epoch_begin = epoch_begin,
    .batch_begin = batch_begin,
};
