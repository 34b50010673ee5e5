/* Whoever watches a metric learns before training whether there will be one. */
#include <stdlib.h>
#include <string.h>

#include "train/run/callback.h"
#include "train/run/evaluate.h"
#include "train/run/logging.h"
#include "train/run/monitors.h"
#include "train/run/trainer.h"
#include "train/run/trainer_check.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

/* Whether the batches of all epochs, where those are counted, come to a validation before the run ends. */
static int comes_to_validation(const struct trainer *trainer) {
    const struct trainer_settings *how = &trainer->options;
    double batches = (double)trainer_batches(trainer);
    return how->check_val_every_n_epoch || how->max_epochs < 0 ||
           (double)trainer_settings_interval(how, trainer_batches(trainer)) <= batches * (double)how->max_epochs;
}

static int check_one(struct trainer *trainer, const char *who, const struct config_node *node, const char *name,
                     struct error *error) {
    const struct config_node *place = config_get(node, "monitor");
    const struct trainer_settings *how = &trainer->options;
    if (!name || strncmp(name, "val", 3))
        return 0;
    size_t set = strtoul(name + 3, NULL, 10);
    const char *why = monitor_never(how, name);
    if (!why && (set >= trainer->evaluation.nval || !evaluate_batches_of(trainer, ROLE_VAL, set)))
        why = "trainer.limit_val_batches leaves no batch of its set";
    if (!why && !comes_to_validation(trainer))
        why = "trainer.val_check_interval is more than the run has batches: nothing is validated";
    if (why)
        return config_error(place ? place : node, error, ERROR_VALUE,
                            "'%.200s' will never be logged while the run trains (%s)", name, why);
    if (how->check_val_every_n_epoch > 1)
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s watches %s, which is logged every %lld epochs: before the first it does nothing", who, name,
                     (long long)how->check_val_every_n_epoch);
    return 0;
}

int monitors_check(struct trainer *trainer, const struct config_node *schedule, struct error *error) {
    int code = 0;
    if (!trainer_trains(trainer))
        return 0;
    if (trainer->schedule.scheduler && trainer->schedule.monitor)
        code = check_one(trainer, "the scheduler", schedule, trainer->schedule.monitor, error);
    for (int k = 0; !code && k < trainer->callbacks.count; k++) {
        const struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->monitor)
            code = check_one(trainer, callback->kind->target.target, callback->config,
                             callback->kind->monitor(callback->options), error);
    }
    return code;
}
