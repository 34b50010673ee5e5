/* EarlyStopping, by Lightning's definitions. */
#include <math.h>
#include <string.h>

#include "base/print.h"
#include "train/callback/callback_kinds.h"
#include "train/run/run.h"

struct early_stop_options {
    const char *monitor, *mode;
    double min_delta, stopping_threshold, divergence_threshold;
    int64_t patience;
    int check_finite, strict;
    const struct config_node *stopping, *divergence, *at_epoch_end;
};

struct early_stop {
    struct variable *best, *waited;
    int told; /* that the metric is missing */
};

static const struct option options[] = {
    {"monitor", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct early_stop_options, monitor), NULL, "a metric"},
    {"min_delta", OPTION_FLOAT, 0, "0.0", offsetof(struct early_stop_options, min_delta), NULL, "least improvement"},
    {"patience", OPTION_INT, OPTION_NONNEGATIVE, "3", offsetof(struct early_stop_options, patience), NULL,
     "epochs without improvement"},
    {"mode", OPTION_STRING, 0, "min", offsetof(struct early_stop_options, mode), "min|max", "which way is better"},
    {"strict", OPTION_BOOL, 0, "true", offsetof(struct early_stop_options, strict), NULL,
     "an error if the metric is missing"},
    {"check_finite", OPTION_BOOL, 0, "true", offsetof(struct early_stop_options, check_finite), NULL,
     "stop at NaN or Inf"},
    {"stopping_threshold", OPTION_NODE, 0, NULL, offsetof(struct early_stop_options, stopping), NULL,
     "stop once this good"},
    {"divergence_threshold", OPTION_NODE, 0, NULL, offsetof(struct early_stop_options, divergence), NULL,
     "stop once this bad"},
    {"verbose", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; every stop says why"},
    {"check_on_train_epoch_end", OPTION_NODE, 0, NULL, offsetof(struct early_stop_options, at_epoch_end), NULL,
     "judge at the end of an epoch, not of a validation; null: as validation comes"},
    {"log_rank_zero_only", OPTION_BOOL, OPTION_IGNORED, "false", 0, NULL, "accepted; it has no meaning here"},
};

static const char *monitor(const void *given) {
    return ((const struct early_stop_options *)given)->monitor;
}

/* Lightning looks for the metric when it judges, and after validations that never come it does not. */
static int rests(const void *given, const struct trainer_settings *settings) {
    const struct early_stop_options *how = given;
    return !how->strict || !callbacks_judge_at_epoch_end(settings, how->at_epoch_end);
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct early_stop_options *how = given;
    const struct config_node *thresholds[] = {how->stopping, how->divergence};
    (void)config;
    for (int k = 0; k < 2; k++)
        if (config_kind(thresholds[k]) != CONFIG_NULL && config_kind(thresholds[k]) != CONFIG_DEFERRED &&
            !config_is_number(thresholds[k]))
            return config_error(thresholds[k], error, ERROR_TYPE, "a number is expected, or null, not %s",
                                config_kind_name(thresholds[k]));
    if (config_kind(how->at_epoch_end) != CONFIG_NULL && config_kind(how->at_epoch_end) != CONFIG_BOOL)
        return config_error(how->at_epoch_end, error, ERROR_TYPE, "true, false or null is expected, not %s",
                            config_kind_name(how->at_epoch_end));
    return 0;
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    struct early_stop *stop = callback->own;
    const struct early_stop_options *how = callback->options;
    char name[96];
    snprintf(name, sizeof name, "%sbest", callback->prefix);
    stop->best = state_add(trainer_state(trainer), name, STATE_F64, 1, 0, error);
    snprintf(name, sizeof name, "%swaited", callback->prefix);
    stop->waited = state_add(trainer_state(trainer), name, STATE_I64, 1, 0, error);
    if (!stop->best || !stop->waited)
        return ERROR_MEMORY;
    stop->best->range = &state_ordered;
    stop->waited->range = &state_counter;
    *(double *)stop->best->data = strcmp(how->mode, "max") ? INFINITY : -INFINITY;
    return 0;
}

static void stop_because(struct trainer *trainer, const char *reason) {
    if (!run_cursor(trainer)->should_stop)
        trainer_tell(trainer, EVENT_STOP, "%s", reason);
    run_cursor(trainer)->should_stop = 1;
}

static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    (void)error;
    struct early_stop *stop = callback->own;
    const struct early_stop_options *how = callback->options;
    int at_epoch_end = callbacks_judge_at_epoch_end(run_settings(trainer), how->at_epoch_end);
    if (moment != (at_epoch_end ? MOMENT_EPOCH : MOMENT_VALIDATION))
        return 0;
    double value, sign = strcmp(how->mode, "max") ? 1 : -1, *best = stop->best->data;
    int64_t *waited = stop->waited->data;
    char reason[256];
    if (!trainer_metric(trainer, how->monitor, &value)) {
        if (how->strict && run_cursor(trainer)->validated && !stop->told++)
            trainer_tell(trainer, EVENT_NOTICE, "EarlyStopping does not judge: '%s' has not been logged", how->monitor);
        return 0;
    }
    if (how->check_finite && !isfinite(value)) {
        print_to(reason, sizeof reason, "%s is %g", how->monitor, value);
        stop_because(trainer, reason);
    } else if (how->stopping && sign * value < sign * config_float(how->stopping)) {
        print_to(reason, sizeof reason, "%s = %g has passed the threshold %g", how->monitor, value,
                 config_float(how->stopping));
        stop_because(trainer, reason);
    } else if (how->divergence && -sign * value < -sign * config_float(how->divergence)) {
        print_to(reason, sizeof reason, "%s = %g has diverged beyond %g", how->monitor, value,
                 config_float(how->divergence));
        stop_because(trainer, reason);
    } else if (sign * value + how->min_delta < sign * *best) {
        *best = value;
        *waited = 0;
    } else if (++*waited >= how->patience) {
        print_to(reason, sizeof reason, "%s has not improved for %lld epochs (best %g)", how->monitor,
                 (long long)*waited, *best);
        stop_because(trainer, reason);
    }
    return 0;
}

const struct callback_kind callback_early_stopping = {
    .target = {"lightning.pytorch.callbacks.EarlyStopping", "early_stopping"},
    .help = "stops when a metric no longer improves",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct early_stop_options),
    .private_size = sizeof(struct early_stop),
    .monitor = monitor,
    .rests = rests,
    .check = check,
    .open = open_callback,
    .judge = judge,
    .ends_training = 1,
};
