/* SettingMonitor: whatever may be looked at by name, as columns: what techniques know of themselves (gradient norms and
 * cosines of ConFIG, the distance of an average), the learning rate, coefficients. */
#include <fnmatch.h>
#include <string.h>

#include "train/loss_coefficients.h"
#include "train/trainer_internal.h"

struct monitor_options {
    const char *interval;
    struct option_strings patterns;
};

static const struct option options[] = {
    {"logging_interval", OPTION_STRING, 0, "step", offsetof(struct monitor_options, interval), "step|epoch",
     "when they are logged"},
    {"names", OPTION_STRING_LIST, 0, "['*']", offsetof(struct monitor_options, patterns), NULL,
     "which: names or patterns (config_*)"},
};

static int matches(const struct trainer *trainer, const char *pattern) {
    for (size_t k = 0; k < trainer_settings(trainer); k++)
        if (!fnmatch(pattern, trainer_setting_name(trainer, k), 0))
            return 1;
    return 0;
}

/* Later on a name may go, with a technique that is dropped. */
static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    for (int k = 0; k < how->patterns.count; k++)
        if (!matches(trainer, how->patterns.values[k]))
            return config_error(config_get(callback->config, "names"), error, ERROR_NAME,
                                "no setting is named '%.100s'; config_* stands for all that begin so",
                                how->patterns.values[k]);
    return 0;
}

static int log_them(const struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct monitor_options *how = callback->options;
    int code = 0;
    for (size_t k = 0; !code && k < trainer_settings(trainer); k++) {
        char name[256];
        double value;
        int wanted = 0;
        snprintf(name, sizeof name, "%s", trainer_setting_name(trainer, k));
        for (int p = 0; !wanted && p < how->patterns.count; p++)
            wanted = !fnmatch(how->patterns.values[p], name, 0);
        if (wanted && !(code = trainer_get(trainer, name, &value, error)))
            code = log_value(trainer, name, value, error);
    }
    return code;
}

static int by_step(const struct callback *callback) {
    return !strcmp(((const struct monitor_options *)callback->options)->interval, "step");
}

static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    if (!by_step(callback) || cursor_of(trainer)->window || !log_is_due(trainer))
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
    .options_size = sizeof(struct monitor_options),
    .open = open_callback,
    .batch_end = batch_end,
    .epoch_end = epoch_end,
};
