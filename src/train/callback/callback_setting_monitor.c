/* SettingMonitor: whatever may be looked at by name, as columns: what techniques know of themselves (gradient norms and
 * cosines of ConFIG, the distance of an average), the learning rate, coefficients. */
#include <fnmatch.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/run/norms.h"
#include "train/run/run.h"

struct setting_monitor_options {
    const char *interval;
    struct option_strings patterns;
};

static const struct option options[] = {
    {"logging_interval", OPTION_STRING, 0, "step", offsetof(struct setting_monitor_options, interval), "step|epoch",
     "when they are logged"},
    {"names", OPTION_STRING_LIST, 0, "['*']", offsetof(struct setting_monitor_options, patterns), NULL,
     "which: names or patterns (config_*, grad.*, norm.layer1_convnet)"},
};

/* Calls with the settings that a pattern stands for, and with norms of modules where it begins as their names do: they
 * are many, so that * alone does not mean them. */
struct matching {
    const struct trainer *trainer;
    const char *const *patterns;
    int npatterns;
    void (*call)(void *context, const char *name);
    void *context;
};

static void consider(const struct matching *matching, const char *name, int norms) {
    for (int p = 0; p < matching->npatterns; p++)
        if (!(norms && strchr("*?[", matching->patterns[p][0])) && !fnmatch(matching->patterns[p], name, 0)) {
            matching->call(matching->context, name);
            return;
        }
}

static void consider_norms(void *context, const char *name) {
    consider(context, name, 1);
}

static void match(struct matching *matching) {
    for (size_t k = 0; k < trainer_settings(matching->trainer); k++) {
        char name[256];
        snprintf(name, sizeof name, "%s", trainer_setting_name(matching->trainer, k));
        consider(matching, name, 0);
    }
    trainer_norm_names(matching->trainer, consider_norms, matching);
}

static void count_one(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
}

/* Later on a name may go, with a technique that is dropped. */
static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct setting_monitor_options *how = callback->options;
    for (int k = 0; k < how->patterns.count; k++) {
        int count = 0;
        match(&(struct matching){trainer, how->patterns.values + k, 1, count_one, &count});
        if (!count)
            return config_error(config_get(callback->config, "names"), error, ERROR_NAME,
                                "no setting is named '%.100s'; config_* stands for all that begin so",
                                how->patterns.values[k]);
    }
    return 0;
}

struct logging {
    struct trainer *trainer;
    struct error *error;
    int code;
};

static void log_one(void *context, const char *name) {
    struct logging *logging = context;
    double value;
    if (!logging->code && !(logging->code = trainer_get(logging->trainer, name, &value, logging->error)))
        logging->code = log_value(logging->trainer, name, value, logging->error);
}

static int log_them(const struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct setting_monitor_options *how = callback->options;
    struct logging logging = {trainer, error, 0};
    match(&(struct matching){trainer, how->patterns.values, how->patterns.count, log_one, &logging});
    return logging.code;
}

static int by_step(const struct callback *callback) {
    return !strcmp(((const struct setting_monitor_options *)callback->options)->interval, "step");
}

static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    if (!by_step(callback) || run_cursor(trainer)->window || !log_is_due(trainer))
        return 0;
    return log_them(callback, trainer, error);
}

static int epoch_end(struct callback *callback, struct trainer *trainer, const double *loss, struct error *error) {
    (void)loss;
    return by_step(callback) ? 0 : log_them(callback, trainer, error);
}

const struct callback_kind callback_setting_monitor = {
    .target = {"fettle.train.SettingMonitor", "setting_monitor"},
    .help = "logs settings and what techniques know of themselves",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct setting_monitor_options),
    .open = open_callback,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
};
