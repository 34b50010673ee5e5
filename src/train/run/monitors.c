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

struct watcher watcher_schedule(const struct config_node *config, const char *monitor, int strict) {
    return (struct watcher){"the scheduler", monitor, config, !strict};
}

struct watcher watcher_callback(const struct callback *callback, const struct trainer_settings *how) {
    const struct callback_kind *kind = callback->kind;
    return (struct watcher){kind->target.target, kind->monitor ? kind->monitor(callback->options) : NULL,
                            callback->config, kind->rests && kind->rests(callback->options, how)};
}

/* Why a run never logs it. */
struct never {
    const char *why; /* NULL: it does */
    int unvalidated; /* nothing is validated */
};

static struct never never_logged(const struct trainer_settings *how, const char *name) {
    if (!strncmp(name, "test", 4))
        return (struct never){"tests come after training", 0};
    if (strncmp(name, "val", 3))
        return (struct never){0};
    if (how->limit_val == 0)
        return (struct never){"trainer.limit_val_batches is 0: nothing is validated", 1};
    if (how->max_epochs > 0 && how->check_val_every_n_epoch && how->check_val_every_n_epoch > how->max_epochs)
        return (struct never){"trainer.check_val_every_n_epoch is more than max_epochs: nothing is validated", 1};
    return (struct never){0};
}

static int refuse(const struct watcher *watcher, const struct never *never, struct error *error) {
    const struct config_node *place = config_get(watcher->config, "monitor");
    if (!never->why || (never->unvalidated && watcher->rests))
        return 0;
    return config_error(place ? place : watcher->config, error, ERROR_VALUE,
                        "'%.200s' will never be logged while the run trains (%s)", watcher->name, never->why);
}

int watcher_check(const struct watcher *watcher, const struct trainer_settings *how, struct error *error) {
    struct never never = never_logged(how, watcher->name);
    return refuse(watcher, &never, error);
}

static int check_one(struct trainer *trainer, const struct watcher *watcher, struct error *error) {
    const struct trainer_settings *how = &trainer->options;
    const char *name = watcher->name;
    if (!name || strncmp(name, "val", 3))
        return 0;
    size_t set = strtoul(name + 3, NULL, 10);
    struct never never = never_logged(how, name);
    if (!never.why && (set >= trainer->evaluation.nval || !evaluate_batches_of(trainer, ROLE_VAL, set)))
        never.why = "trainer.limit_val_batches leaves no batch of its set";
    if (!never.why && !comes_to_validation(trainer))
        never = (struct never){"trainer.val_check_interval is more than the run has batches: nothing is validated", 1};
    int code = refuse(watcher, &never, error);
    if (code)
        return code;
    if (never.why)
        trainer_tell(trainer, EVENT_NOTICE, "%s watches %s, which is never logged in this run (%s): it does nothing",
                     watcher->who, name, never.why);
    else if (how->check_val_every_n_epoch > 1)
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s watches %s, which is logged every %lld epochs: before the first it does nothing", watcher->who,
                     name, (long long)how->check_val_every_n_epoch);
    return 0;
}

int monitors_check(struct trainer *trainer, const struct config_node *schedule, struct error *error) {
    const struct schedule *rate = &trainer->schedule;
    struct watcher watcher = watcher_schedule(schedule, rate->scheduler ? rate->monitor : NULL, rate->strict);
    if (!trainer_trains(trainer))
        return 0;
    int code = check_one(trainer, &watcher, error);
    for (int k = 0; !code && k < trainer->callbacks.count; k++) {
        watcher = watcher_callback(&trainer->callbacks.list[k], &trainer->options);
        code = check_one(trainer, &watcher, error);
    }
    return code;
}
