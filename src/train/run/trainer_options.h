/* The arguments of lightning.Trainer. */
#ifndef FETTLE_TRAIN_TRAINER_OPTIONS_H
#define FETTLE_TRAIN_TRAINER_OPTIONS_H

#include "config/options.h"
#include "train/run/trainer.h"

struct trainer_settings {
    int64_t max_epochs, min_epochs, max_steps, min_steps;
    int has_max_epochs;
    double max_time;          /* seconds; 0: no limit */
    double gradient_clip_val; /* 0: none */
    int clip_by_value;
    int64_t accumulate_grad_batches;
    int64_t check_val_every_n_epoch; /* 0: whenever so many batches are over, of whatever epochs */
    double val_check_fraction;       /* of an epoch's batches; else 0 */
    int64_t val_check_batches;       /* else 0 */
    double val_check_seconds;        /* else 0 */
    int val_check_is_one;            /* it was given as 1 or 1.0 */
    int64_t num_sanity_val_steps;    /* -1: all */
    int64_t log_every_n_steps;
    double limit_train, limit_val, limit_test; /* a fraction (<= 1.0), or batches, marked by limit_*_count */
    int limit_train_count, limit_val_count, limit_test_count;
    int overfit;          /* sets of training and of validation are not shuffled */
    int64_t fast_dev_run; /* batches; 0: off.  Limits and lengths are set by it; nothing is logged or kept */
    int64_t processes;    /* that Lightning would start; 0: not known */
    int64_t together;     /* so many of them one process stands for, in the frames of a step: 1, or all */
    int one_sampler;      /* use_distributed_sampler is false */
    int in_double;        /* precision is 64-true */
    int64_t reload_every; /* epochs between reloads of the data; 0: never */
    int detect_anomaly;
    int enable_checkpointing;
    const struct config_node *callbacks;
    const char *default_root_dir;
};

int trainer_settings_read(struct trainer_settings *out, const struct config_node *config, struct arena *arena,
                          struct error *error);
/* Whether several batches are summed to a step, be it in some epochs only. */
int trainer_settings_accumulate(const struct trainer_settings *settings);
/* Each argument of lightning.Trainer: read, ignored for a reason, or refused. */
const struct option *trainer_settings_rows(size_t *count);
/* What `fettle.devices` says: together, or one. */
int trainer_settings_devices(struct trainer_settings *how, const struct config_node *root, struct error *error);
/* Batches from one validation to the next, where an epoch has so many. */
int64_t trainer_settings_interval(const struct trainer_settings *how, int64_t batches);
/* Batches that a limit leaves of `batches`. */
int64_t trainer_settings_limit(double limit, int is_count, int64_t batches);

#endif
