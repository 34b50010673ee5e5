#include "train/run/trainer_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core/duration.h"
#include "train/run/loggers.h"
#include <strings.h>

#include "base/text.h"
#include "train/run/trainer.h"

struct raw {
    const struct config_node *max_epochs, *max_time, *gradient_clip_val, *clip_algorithm, *val_check_interval;
    const struct config_node *limit_train, *limit_val, *limit_test, *overfit, *fast_dev_run, *callbacks;
    const struct config_node *devices, *precision, *plugins;
    const struct config_node *check_val; /* absent and null are two things: its place is looked up */
    int64_t max_steps, min_steps, min_epochs, accumulate, sanity, log_every, reload, num_nodes;
    const char *root;
    int enable_checkpointing, detect_anomaly, distributed;
};

#define IGNORED(name, usual, why)                                                                                      \
    { name, OPTION_NODE, OPTION_IGNORED, usual, 0, NULL, why }
#define REFUSED(name, usual, why)                                                                                      \
    { name, OPTION_NODE, OPTION_REFUSED, usual, 0, NULL, why }
#define NODE(name, member, help)                                                                                       \
    { name, OPTION_NODE, 0, NULL, offsetof(struct raw, member), NULL, help }

/* Each argument of Trainer, and what becomes of it. */
static const struct option options[] = {
    NODE("max_epochs", max_epochs, "epochs of training; -1: no limit"),
    {"min_epochs", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "0", offsetof(struct raw, min_epochs), NULL,
     "no early stop before"},
    {"max_steps", OPTION_INT, 0, "-1", offsetof(struct raw, max_steps), NULL, "optimizer steps; -1: no limit"},
    {"min_steps", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "0", offsetof(struct raw, min_steps), NULL,
     "no early stop before"},
    NODE("max_time", max_time, "DD:HH:MM:SS, or a map of days, hours, minutes, seconds"),
    NODE("gradient_clip_val", gradient_clip_val, "largest norm or component"),
    NODE("gradient_clip_algorithm", clip_algorithm, "what gradient_clip_val limits: norm or value"),
    {"accumulate_grad_batches", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct raw, accumulate), NULL,
     "batches to an optimizer step"},
    NODE("check_val_every_n_epoch", check_val,
         "epochs between validations; null: val_check_interval counts batches of all epochs"),
    NODE("val_check_interval", val_check_interval,
         "when to validate: after a fraction of an epoch, so many batches, or so much time (as max_time is written)"),
    {"num_sanity_val_steps", OPTION_INT, OPTION_NULLABLE, "2", offsetof(struct raw, sanity), NULL,
     "validation batches before training; -1: all"},
    {"log_every_n_steps", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "50", offsetof(struct raw, log_every), NULL,
     "steps between rows of metrics.csv; 0: none"},
    NODE("limit_train_batches", limit_train, "batches of an epoch, or a fraction"),
    NODE("limit_val_batches", limit_val, "batches of a validation, or a fraction"),
    NODE("limit_test_batches", limit_test, "batches of a test, or a fraction"),
    NODE("overfit_batches", overfit,
         "the first batches, or a fraction, of training and of validation again and again, unshuffled; 0: off"),
    NODE("fast_dev_run", fast_dev_run,
         "so many batches (true: one) of training, validation and test, one epoch, nothing logged or kept"),
    NODE("callbacks", callbacks, "a list of callbacks"),
    {"enable_checkpointing", OPTION_BOOL, OPTION_NULLABLE, "true", offsetof(struct raw, enable_checkpointing), NULL,
     "keep checkpoints where no ModelCheckpoint says how"},
    {"default_root_dir", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct raw, root), NULL,
     "where checkpoints go by default"},
    {"reload_dataloaders_every_n_epochs", OPTION_INT, OPTION_NONNEGATIVE, "0", offsetof(struct raw, reload), NULL,
     "what a reload takes from the random stream of the order is taken"},
    {"detect_anomaly", OPTION_BOOL, 0, "false", offsetof(struct raw, detect_anomaly), NULL,
     "a batch that makes a NaN or an infinity ends the run with the place it comes from"},
    NODE("devices", devices, "processes a machine; training is one process here, and says what that changes"),
    {"num_nodes", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct raw, num_nodes), NULL, "likewise: machines"},
    NODE("precision", precision, "32-true; or 64-true where model_dtype is float64"),
    NODE("plugins", plugins, "those that tell of a cluster; they change nothing"),
    IGNORED("accelerator", "cpu", "the processors of this machine do the work"),
    IGNORED("strategy", "auto", "one process does the work"),
    IGNORED(
        "logger", "true",
        "rows of values go to metrics.csv in the folder of the run, whatever a logger is told; TensorBoardLogger has "
        "an event file there too"),
    IGNORED("limit_predict_batches", NULL, "nothing is predicted in a run"),
    IGNORED("enable_progress_bar", "true", "there is no such bar"),
    IGNORED("enable_model_summary", "true", "there is no such table; `tree` shows the model"),
    IGNORED("deterministic", "false", "sums are always made in one order"),
    IGNORED("benchmark", NULL, "it is about cuDNN"),
    {"use_distributed_sampler", OPTION_BOOL, OPTION_NULLABLE, "true", offsetof(struct raw, distributed), NULL,
     "false: processes would all draw the same frames, as one does"},
    IGNORED("profiler", NULL, "`info program` has the times"),
    IGNORED("sync_batchnorm", "false", "no model has such layers"),
    IGNORED("model_registry", NULL, "nothing is uploaded"),
    IGNORED("enable_autolog_hparams", "true", "the config stands in the run's folder"),
    REFUSED("barebones", "false", "a run without any logging is not possible; log_every_n_steps: 0 comes near"),
    REFUSED("inference_mode", NULL, "NequIP sets it itself, and stops where it is set: leave it out"),
};

const struct option *trainer_settings_rows(size_t *count) {
    *count = sizeof options / sizeof *options;
    return options;
}

static int number(const struct config_node *node, double fallback, double *out, struct error *error) {
    *out = fallback;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (!config_is_number(node))
        return config_error(node, error, ERROR_TYPE, "a number is expected, not %s", config_kind_name(node));
    *out = config_float(node);
    return isnan(*out) ? config_error(node, error, ERROR_VALUE, "a number is expected, not NaN") : 0;
}

static int whole(const struct config_node *node, int64_t fallback, int64_t *out, struct error *error) {
    *out = fallback;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED || !config_whole(node, out))
        return 0;
    if (!config_is_number(node))
        return config_error(node, error, ERROR_TYPE, "an integer is expected, not %s", config_kind_name(node));
    return config_error(node, error, ERROR_TYPE, "an integer is expected, not %s", config_text(node));
}

/* A fraction of what there is, or a count, which may be written as 2.0. */
static int limit(const struct config_node *node, double *out, int *is_count, struct error *error) {
    int code = number(node, 1.0, out, error);
    int64_t count;
    if (code)
        return code;
    *is_count = config_kind(node) == CONFIG_INT || (*out > 1 && !config_whole(node, &count));
    if (*out < 0 || (!*is_count && *out > 1))
        return config_error(node, error, ERROR_VALUE,
                            "a number of batches, or a fraction from 0.0 to 1.0, is expected");
    return 0;
}

static int time_span(const struct config_node *node, const char *name, double *out, struct error *error) {
    *out = 0;
    return config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED
               ? 0
               : duration_read(node, name, out, error);
}

/* Processes that devices stand for; 0 where only the machine could tell. */
static int read_devices(const struct config_node *node, int64_t *out, struct error *error) {
    int64_t count;
    *out = 1;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(node) == CONFIG_LIST) {
        *out = (int64_t)config_count(node);
        return *out ? 0 : config_error(node, error, ERROR_VALUE, "an empty list of devices");
    }
    const char *text = config_text(node);
    if (!strcmp(text, "auto") || !strcmp(text, "-1")) {
        *out = 0;
        return 0;
    }
    if (strchr(text, ',')) {
        for (const char *at = text; (at = strchr(at, ',')); at++)
            *out += at[1] != 0;
        return 0;
    }
    char *end;
    count = strtoll(text, &end, 10);
    if (end == text || *end || count < 1)
        return config_error(node, error, ERROR_VALUE,
                            "a number of devices, a list of them, -1 or auto is expected, not '%.60s'", text);
    *out = count;
    return 0;
}

static int read_precision(const struct config_node *node, int *is_double, struct error *error) {
    static const char *const single[] = {"32-true", "32"}, *const twice[] = {"64-true", "64"};
    const char *text = config_text(node);
    *is_double = 0;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    for (int k = 0; k < 2; k++) {
        *is_double |= !strcmp(text, twice[k]);
        if (*is_double || !strcmp(text, single[k]))
            return 0;
    }
    return config_error(node, error, ERROR_VALUE,
                        "precision '%.60s' would compute in other types than the model's own: there is 32-true; "
                        "model_dtype says what a model computes in",
                        text);
}

static int check_plugin(const struct config_node *node, struct error *error) {
    const char *target = config_kind(node) == CONFIG_MAP ? config_text(config_get(node, "_target_")) : "";
    if (strstr(target, "plugins.environments.") || text_ends_with(target, "Environment"))
        return 0;
    return config_error(node, error, ERROR_VALUE,
                        "plugins: only those that tell of a cluster (lightning.pytorch.plugins.environments) are "
                        "accepted; another may change what is computed or kept");
}

static int check_logger(const struct config_node *node, struct error *error) {
    if (config_kind(node) == CONFIG_BOOL || (config_kind(node) == CONFIG_MAP && config_get(node, "_target_")))
        return logger_check(node, error);
    return config_error(node, error, ERROR_TYPE, "true, false, or a logger with a _target_ is expected");
}

/* A list of such, one, or none. */
static int check_each(const struct config_node *node, int (*check)(const struct config_node *node, struct error *error),
                      struct error *error) {
    int code = 0;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(node) != CONFIG_LIST)
        return check(node, error);
    for (size_t k = 0; !code && k < config_count(node); k++)
        code = check(config_at(node, k), error);
    return code;
}

static int read_clipping(struct trainer_settings *out, const struct raw *raw, struct error *error) {
    int code = number(raw->gradient_clip_val, 0, &out->gradient_clip_val, error);
    if (code)
        return code;
    if (out->gradient_clip_val < 0)
        return config_error(raw->gradient_clip_val, error, ERROR_VALUE, "must not be negative");
    if (config_kind(raw->clip_algorithm) == CONFIG_NULL || config_kind(raw->clip_algorithm) == CONFIG_DEFERRED)
        return 0;
    const char *name = config_text(raw->clip_algorithm);
    out->clip_by_value = !strcasecmp(name, "value");
    if (config_kind(raw->clip_algorithm) != CONFIG_STRING || (!out->clip_by_value && strcasecmp(name, "norm")))
        return config_error(raw->clip_algorithm, error, ERROR_VALUE, "\"%.60s\" is none of norm or value", name);
    return 0;
}

static int read_validation(struct trainer_settings *out, const struct raw *raw, const struct config_node *config,
                           struct error *error) {
    const struct config_node *every = config_get(config, "check_val_every_n_epoch"), *node = raw->val_check_interval;
    int code = whole(every, 1, &out->check_val_every_n_epoch, error);
    double value;
    int is_count;
    if (code)
        return code;
    if (every && config_kind(every) == CONFIG_NULL)
        out->check_val_every_n_epoch = 0;
    else if (out->check_val_every_n_epoch < 1)
        return config_error(every, error, ERROR_VALUE,
                            "a positive integer is expected, or null, where val_check_interval counts batches");
    out->val_check_fraction = out->val_check_is_one = 1;
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (!config_is_number(node)) { /* 1:00:00:00 without quotes is a number in YAML 1.1, here as there */
        out->val_check_fraction = out->val_check_is_one = 0;
        if (config_kind(node) != CONFIG_MAP && !strchr(config_text(node), ':'))
            return config_error(node, error, ERROR_TYPE, "a number is expected, or a time, not %s",
                                config_kind_name(node));
        if (!(code = time_span(node, "val_check_interval", &out->val_check_seconds, error)) &&
            out->val_check_seconds <= 0)
            out->val_check_seconds = 1e-9; /* after every batch */
        return code;
    }
    if ((code = limit(node, &value, &is_count, error)))
        return code;
    if (is_count && value < 1)
        return config_error(node, error, ERROR_VALUE, "must be greater than 0");
    if (config_kind(node) != CONFIG_INT && !out->check_val_every_n_epoch)
        return config_error(node, error, ERROR_TYPE,
                            "where check_val_every_n_epoch is null, an integer (batches of all epochs) or a time is "
                            "expected, not %s",
                            config_text(node));
    out->val_check_fraction = is_count ? 0 : value;
    out->val_check_batches = is_count ? (int64_t)value : 0;
    /* Lightning compares a number with 1.0 where it asks whether one validation ends an epoch */
    out->val_check_is_one = value == 1;
    if (!is_count && value == 0)
        out->val_check_batches = 1;
    return 0;
}

/* What overfit_batches and fast_dev_run put in the place of other settings. */
static int read_short_runs(struct trainer_settings *out, const struct raw *raw, struct error *error) {
    double overfit = 0;
    int is_count = 0, code;
    if (config_kind(raw->overfit) != CONFIG_NULL && (code = limit(raw->overfit, &overfit, &is_count, error)))
        return code;
    out->overfit = config_kind(raw->overfit) != CONFIG_NULL && overfit > 0;
    if (out->overfit) {
        out->limit_train = out->limit_val = overfit;
        /* 2.0 is twice of all there is, so all, and 2 is two batches */
        out->limit_train_count = out->limit_val_count = config_kind(raw->overfit) == CONFIG_INT;
    }
    if (config_kind(raw->fast_dev_run) == CONFIG_BOOL)
        out->fast_dev_run = config_bool(raw->fast_dev_run);
    else if ((code = whole(raw->fast_dev_run, 0, &out->fast_dev_run, error)))
        return code;
    if (out->fast_dev_run < 0)
        return config_error(raw->fast_dev_run, error, ERROR_VALUE, "must not be negative");
    if (!out->fast_dev_run)
        return 0;
    double few = (double)out->fast_dev_run;
    if (!out->overfit) {
        out->limit_train = out->limit_val = few;
        out->limit_train_count = out->limit_val_count = 1;
    }
    out->limit_test = few;
    out->limit_test_count = 1;
    out->max_steps = out->fast_dev_run;
    out->max_epochs = out->check_val_every_n_epoch = 1;
    out->has_max_epochs = 1;
    out->num_sanity_val_steps = 0;
    out->val_check_fraction = 1;
    out->val_check_batches = 0;
    out->val_check_seconds = 0;
    out->val_check_is_one = 1;
    return 0;
}

static int read_lengths(struct trainer_settings *out, const struct raw *raw, const struct config_node *config,
                        struct error *error) {
    int code = whole(raw->max_epochs, -1, &out->max_epochs, error);
    if (code)
        return code;
    out->has_max_epochs = config_kind(raw->max_epochs) != CONFIG_NULL;
    if (out->has_max_epochs && out->max_epochs < -1)
        return config_error(raw->max_epochs, error, ERROR_VALUE, "0 or more epochs are expected, or -1 for no limit");
    if (raw->max_steps < -1)
        return config_error(config_get(config, "max_steps"), error, ERROR_VALUE,
                            "0 or more steps are expected, or -1 for no limit");
    int has_time = config_kind(raw->max_time) != CONFIG_NULL;
    if (!out->has_max_epochs)
        out->max_epochs = raw->max_steps == -1 && !has_time ? 1000 : -1; /* Lightning's default */
    out->max_steps = raw->max_steps;
    out->min_steps = raw->min_steps;
    out->min_epochs = raw->min_epochs;
    if (config_kind(config_get(config, "min_epochs")) == CONFIG_NULL &&
        config_kind(config_get(config, "min_steps")) != CONFIG_NULL)
        out->min_epochs = 1; /* Lightning's as well */
    if (!(code = time_span(raw->max_time, "max_time", &out->max_time, error)) && out->max_time <= 0 &&
        config_kind(raw->max_time) != CONFIG_NULL && config_kind(raw->max_time) != CONFIG_DEFERRED)
        code = config_error(raw->max_time, error, ERROR_VALUE, "nothing would be trained");
    return code;
}

int trainer_settings_read(struct trainer_settings *out, const struct config_node *config, struct arena *arena,
                          struct error *error) {
    static const struct option_target targets[] = {{"lightning.Trainer", "trainer"},
                                                   {"lightning.pytorch.Trainer", NULL}};
    struct raw raw;
    size_t which;
    memset(out, 0, sizeof *out);
    int code = config_get(config, "_target_") ? options_target(config, "a trainer", targets, 2, &which, error) : 0;
    if (!code)
        code = options_read(options, sizeof options / sizeof *options, config, NULL, &raw, arena, error);
    if (code || (code = read_lengths(out, &raw, config, error)) || (code = read_clipping(out, &raw, error)) ||
        (code = read_validation(out, &raw, config, error)) ||
        (code = limit(raw.limit_train, &out->limit_train, &out->limit_train_count, error)) ||
        (code = limit(raw.limit_val, &out->limit_val, &out->limit_val_count, error)) ||
        (code = limit(raw.limit_test, &out->limit_test, &out->limit_test_count, error)) ||
        (code = read_devices(raw.devices, &out->processes, error)) ||
        (code = read_precision(raw.precision, &out->in_double, error)) ||
        (code = check_each(raw.plugins, check_plugin, error)) ||
        (code = check_each(config_get(config, "logger"), check_logger, error)))
        return code;
    if (raw.sanity < -1)
        return config_error(config_get(config, "num_sanity_val_steps"), error, ERROR_VALUE,
                            "0 or more batches are expected, or -1 for all");
    out->num_sanity_val_steps = raw.sanity;
    if ((code = read_short_runs(out, &raw, error)))
        return code;
    out->accumulate_grad_batches = raw.accumulate;
    out->log_every_n_steps = raw.log_every;
    out->processes *= raw.num_nodes;
    out->together = 1;
    out->one_sampler = !raw.distributed;
    out->reload_every = raw.reload;
    out->detect_anomaly = raw.detect_anomaly;
    out->enable_checkpointing = raw.enable_checkpointing;
    out->callbacks = raw.callbacks;
    out->default_root_dir = raw.root;
    return 0;
}

int trainer_settings_devices(struct trainer_settings *how, const struct config_node *root, struct error *error) {
    const struct config_node *node = config_get(config_get(root, "fettle"), "devices");
    const char *text = config_text(node);
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED || !strcmp(text, "one"))
        return 0;
    if (strcmp(text, "together"))
        return config_error(node, error, ERROR_VALUE, "\"%.60s\" is none of one or together", text);
    if (!how->processes)
        return config_error(node, error, ERROR_VALUE,
                            "trainer.devices must be a number: how many the machine has is not known here");
    if (how->one_sampler)
        return config_error(node, error, ERROR_VALUE,
                            "trainer.use_distributed_sampler is false: all processes would draw the same frames");
    how->together = how->processes;
    return 0;
}

int64_t trainer_settings_interval(const struct trainer_settings *how, int64_t batches) {
    if (how->val_check_batches)
        return how->val_check_batches;
    int64_t every = (int64_t)((double)batches * how->val_check_fraction);
    return every > 0 ? every : 1;
}

int64_t trainer_settings_limit(double limit_value, int is_count, int64_t batches) {
    double left = is_count ? limit_value : (double)batches * limit_value;
    return left < (double)batches ? (int64_t)left : batches;
}
