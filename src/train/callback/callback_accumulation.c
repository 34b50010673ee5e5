/* GradientAccumulationScheduler: how many batches are summed to a step, by epochs. */
#include <stdlib.h>
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/run/run.h"

struct accumulation_options {
    const struct config_node *scheduling;
};

static const struct option options[] = {
    {"scheduling", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct accumulation_options, scheduling), NULL,
     "a map: from an epoch on (the first is 0) so many batches"},
};

/* An epoch as a key: digits. */
static int epoch_of(const char *key, int64_t *out) {
    char *end;
    *out = strtoll(key, &end, 10);
    return *key < '0' || *key > '9' || *end || *out > INT32_MAX ? -1 : 0;
}

static int check(const void *given, const struct config_node *config, struct error *error) {
    const struct config_node *map = ((const struct accumulation_options *)given)->scheduling;
    int64_t epoch, other;
    if (config_kind(map) != CONFIG_MAP || !config_count(map))
        return config_error(map ? map : config, error, ERROR_TYPE,
                            "scheduling: a map of epochs and numbers of batches is expected, as in {0: 1, 4: 8}");
    for (size_t k = 0; k < config_count(map); k++) {
        const struct config_node *value = config_at(map, k);
        if (epoch_of(config_key(map, k), &epoch))
            return config_error(config_key_node(map, k), error, ERROR_VALUE,
                                "an epoch is a whole number from 0, not '%.60s'", config_key(map, k));
        for (size_t j = 0; j < k; j++)
            if (!epoch_of(config_key(map, j), &other) && other == epoch)
                return config_error(config_key_node(map, k), error, ERROR_NAME, "epoch %lld stands here twice",
                                    (long long)epoch);
        if (config_kind(value) != CONFIG_INT || config_int(value) < 1)
            return config_error(value, error, ERROR_VALUE, "a number of batches is a whole number from 1");
    }
    return 0;
}

/* Of the last entry that is not after this epoch; epoch < 0: the largest of all. */
static int64_t batches_of(const struct config_node *map, int64_t epoch) {
    int64_t batches = 1, latest = -1, from;
    for (size_t k = 0; k < config_count(map); k++) {
        int64_t now = config_int(config_at(map, k));
        if (epoch_of(config_key(map, k), &from))
            continue;
        if (epoch < 0 ? now > batches : from <= epoch && from > latest) {
            batches = now;
            latest = from;
        }
    }
    return batches;
}

static int64_t accumulates(const struct callback *callback, int64_t epoch) {
    return batches_of(((const struct accumulation_options *)callback->options)->scheduling, epoch);
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    if (callbacks_of(trainer, &callback_accumulation) != callback)
        return config_error(callback->config, error, ERROR_VALUE, "one GradientAccumulationScheduler is possible");
    if (run_settings(trainer)->accumulate_grad_batches != 1)
        return config_error(callback->config, error, ERROR_VALUE,
                            "trainer.accumulate_grad_batches is %lld: it must be 1 where a "
                            "GradientAccumulationScheduler says how many",
                            (long long)run_settings(trainer)->accumulate_grad_batches);
    return 0;
}

const struct callback_kind callback_accumulation = {
    .target = {"lightning.pytorch.callbacks.GradientAccumulationScheduler", "accumulation_scheduler"},
    .help = "changes with the epochs how many batches are summed to a step",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct accumulation_options),
    .check = check,
    .open = open_callback,
    .accumulates = accumulates,
};
