/* The arguments of lightning.Trainer. */
#ifndef FETTLE_TRAIN_TRAINER_OPTIONS_H
#define FETTLE_TRAIN_TRAINER_OPTIONS_H

#include "config/options.h"

struct trainer_settings {
    int64_t max_epochs, min_epochs, max_steps, min_steps;
    int has_max_epochs;
    double max_time;          /* seconds; 0: no limit */
    double gradient_clip_val; /* 0: none */
    int clip_by_value;
    int64_t accumulate_grad_batches;
    int64_t check_val_every_n_epoch;
    double val_check_interval;    /* a fraction of an epoch's batches (<= 1), or batches (> 1) */
    int64_t num_sanity_val_steps; /* -1: all */
    int64_t log_every_n_steps;
    double limit_train, limit_val, limit_test; /* a fraction (<= 1.0), or batches, marked by limit_*_count */
    int limit_train_count, limit_val_count, limit_test_count;
    int enable_checkpointing;
    const struct config_node *callbacks;
    const char *default_root_dir;
};

int trainer_settings_read(struct trainer_settings *out, const struct config_node *config, struct arena *arena,
                          struct error *error);
/* Batches that a limit leaves of `batches`. */
int64_t trainer_settings_limit(double limit, int is_count, int64_t batches);

#endif
