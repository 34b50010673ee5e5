#include "train/trainer_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct raw {
    const struct config_node *max_epochs, *max_time, *gradient_clip_val, *val_check_interval, *check_val;
    const struct config_node *limit_train, *limit_val, *limit_test, *callbacks;
    int64_t min_epochs, max_steps, min_steps, accumulate, sanity, log_every;
    const char *clip_algorithm, *root;
    int enable_checkpointing;
};

#define IGNORED(name)                                                                                                  \
    { name, OPTION_NODE, OPTION_IGNORED, NULL, 0, NULL, "accepted; it has no meaning here" }

static const struct option options[] = {
    {"max_epochs", OPTION_NODE, 0, NULL, offsetof(struct raw, max_epochs), NULL, "epochs of training; -1: no limit"},
    {"min_epochs", OPTION_INT, OPTION_NULLABLE, "0", offsetof(struct raw, min_epochs), NULL, "no early stop before"},
    {"max_steps", OPTION_INT, 0, "-1", offsetof(struct raw, max_steps), NULL, "optimizer steps; -1: no limit"},
    {"min_steps", OPTION_INT, OPTION_NULLABLE, "0", offsetof(struct raw, min_steps), NULL, "no early stop before"},
    {"max_time", OPTION_NODE, 0, NULL, offsetof(struct raw, max_time), NULL,
     "DD:HH:MM:SS, or a map of days, hours, minutes, seconds"},
    {"gradient_clip_val", OPTION_NODE, 0, NULL, offsetof(struct raw, gradient_clip_val), NULL,
     "largest norm or component"},
    {"gradient_clip_algorithm", OPTION_STRING, OPTION_NULLABLE, "norm", offsetof(struct raw, clip_algorithm),
     "norm|value", "what gradient_clip_val limits"},
    {"accumulate_grad_batches", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct raw, accumulate), NULL,
     "batches to an optimizer step"},
    {"check_val_every_n_epoch", OPTION_NODE, 0, NULL, offsetof(struct raw, check_val), NULL,
     "epochs between validations"},
    {"val_check_interval", OPTION_NODE, 0, NULL, offsetof(struct raw, val_check_interval), NULL,
     "validations within an epoch: a fraction of it, or batches"},
    {"num_sanity_val_steps", OPTION_INT, OPTION_NULLABLE, "2", offsetof(struct raw, sanity), NULL,
     "validation batches before training; -1: all"},
    {"log_every_n_steps", OPTION_INT, OPTION_NULLABLE | OPTION_NONNEGATIVE, "50", offsetof(struct raw, log_every), NULL,
     "steps between rows of metrics.csv; 0: none"},
    {"limit_train_batches", OPTION_NODE, 0, NULL, offsetof(struct raw, limit_train), NULL,
     "batches of an epoch, or a fraction"},
    {"limit_val_batches", OPTION_NODE, 0, NULL, offsetof(struct raw, limit_val), NULL,
     "batches of a validation, or a fraction"},
    {"limit_test_batches", OPTION_NODE, 0, NULL, offsetof(struct raw, limit_test), NULL,
     "batches of a test, or a fraction"},
    {"callbacks", OPTION_NODE, 0, NULL, offsetof(struct raw, callbacks), NULL, "a list of callbacks"},
    {"enable_checkpointing", OPTION_BOOL, OPTION_NULLABLE, "true", offsetof(struct raw, enable_checkpointing), NULL,
     "keep checkpoints where no ModelCheckpoint says how"},
    {"default_root_dir", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct raw, root), NULL,
     "where checkpoints go by default"},
    IGNORED("accelerator"),
    IGNORED("strategy"),
    IGNORED("devices"),
    IGNORED("num_nodes"),
    IGNORED("precision"),
    IGNORED("logger"),
    IGNORED("fast_dev_run"),
    IGNORED("limit_predict_batches"),
    IGNORED("overfit_batches"),
    IGNORED("enable_progress_bar"),
    IGNORED("enable_model_summary"),
    IGNORED("deterministic"),
    IGNORED("benchmark"),
    IGNORED("use_distributed_sampler"),
    IGNORED("profiler"),
    IGNORED("detect_anomaly"),
    IGNORED("barebones"),
    IGNORED("plugins"),
    IGNORED("sync_batchnorm"),
    IGNORED("reload_dataloaders_every_n_epochs"),
    IGNORED("model_registry"),
    IGNORED("enable_autolog_hparams"),
};

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

static int limit(const struct config_node *node, double *out, int *is_count, struct error *error) {
    int code = number(node, 1.0, out, error);
    if (code)
        return code;
    *is_count = config_kind(node) == CONFIG_INT;
    if (*out < 0 || (!*is_count && *out > 1))
        return config_error(node, error, ERROR_VALUE,
                            "a number of batches, or a fraction from 0.0 to 1.0, is expected");
    return 0;
}

static int time_limit(const struct config_node *node, double *out, struct error *error) {
    *out = 0;
    if (config_kind(node) == CONFIG_NULL)
        return 0;
    if (config_kind(node) == CONFIG_MAP) {
        static const struct {
            const char *name;
            double seconds;
        } units[] = {{"weeks", 604800}, {"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}};
        for (size_t k = 0; k < config_count(node); k++) {
            size_t u = 0;
            while (u < 5 && strcmp(units[u].name, config_key(node, k)))
                u++;
            if (u == 5)
                return config_error(config_key_node(node, k), error, ERROR_NAME,
                                    "max_time: '%s' is none of weeks, days, hours, minutes, seconds",
                                    config_key(node, k));
            if (!config_is_number(config_at(node, k)))
                return config_error(config_at(node, k), error, ERROR_TYPE, "a number is expected, not %s",
                                    config_kind_name(config_at(node, k)));
            *out += units[u].seconds * config_float(config_at(node, k));
        }
        if (!(*out >= 0) || isinf(*out))
            return config_error(node, error, ERROR_VALUE, "max_time is a finite number of seconds, and not negative");
        return 0;
    }
    int days, hours, minutes, seconds, end = 0;
    const char *text = config_text(node);
    if (sscanf(text, "%8d:%2d:%2d:%2d%n", &days, &hours, &minutes, &seconds, &end) != 4 || text[end])
        return config_error(node, error, ERROR_VALUE, "max_time is written DD:HH:MM:SS, not '%.60s'", text);
    *out = 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds;
    return 0;
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
    if (code)
        return code;
    if ((code = whole(raw.max_epochs, -1, &out->max_epochs, error)))
        return code;
    out->has_max_epochs = raw.max_epochs != NULL;
    if (!out->has_max_epochs)
        out->max_epochs = raw.max_steps == -1 && !raw.max_time ? 1000 : -1; /* Lightning's default */
    out->min_epochs = raw.min_epochs;
    out->max_steps = raw.max_steps;
    out->min_steps = raw.min_steps;
    if ((code = time_limit(raw.max_time, &out->max_time, error)))
        return code;
    if ((code = number(raw.gradient_clip_val, 0, &out->gradient_clip_val, error)))
        return code;
    if (out->gradient_clip_val < 0)
        return config_error(raw.gradient_clip_val, error, ERROR_VALUE, "must not be negative");
    out->clip_by_value = raw.clip_algorithm && !strcmp(raw.clip_algorithm, "value");
    out->accumulate_grad_batches = raw.accumulate;
    if ((code = whole(raw.check_val, 1, &out->check_val_every_n_epoch, error)))
        return code;
    if (out->check_val_every_n_epoch < 1)
        return config_error(raw.check_val, error, ERROR_VALUE, "a positive integer is expected");
    if ((code = number(raw.val_check_interval, 1.0, &out->val_check_interval, error)))
        return code;
    if (config_kind(raw.val_check_interval) == CONFIG_INT && out->val_check_interval == 1)
        out->val_check_interval = 1 + 1e-9; /* one batch, not one epoch */
    int64_t batches;
    if (out->val_check_interval <= 0)
        return config_error(raw.val_check_interval, error, ERROR_VALUE, "must be greater than 0");
    if (out->val_check_interval > 1 &&
        (config_whole(raw.val_check_interval, &batches) || out->val_check_interval > 0x1p53))
        return config_error(raw.val_check_interval, error, ERROR_VALUE,
                            "a number of batches, or a fraction from 0.0 to 1.0, is expected");
    out->num_sanity_val_steps = raw.sanity;
    out->log_every_n_steps = raw.log_every;
    if ((code = limit(raw.limit_train, &out->limit_train, &out->limit_train_count, error)) ||
        (code = limit(raw.limit_val, &out->limit_val, &out->limit_val_count, error)) ||
        (code = limit(raw.limit_test, &out->limit_test, &out->limit_test_count, error)))
        return code;
    out->enable_checkpointing = raw.enable_checkpointing;
    out->callbacks = raw.callbacks;
    out->default_root_dir = raw.root;
    return 0;
}

int64_t trainer_settings_limit(double limit_value, int is_count, int64_t batches) {
    double left = is_count ? limit_value : (double)batches * limit_value;
    return left < (double)batches ? (int64_t)left : batches;
}
