/* Timer: training ends once it has taken so long, by Lightning's definitions.  What was trained before a resume counts,
 * and so does the time of validations. */
#include <string.h>

#include "train/callback/callback_kinds.h"
#include "train/core/duration.h"
#include "train/run/run.h"

struct timer_options {
    const struct config_node *duration;
    const char *interval;
    double seconds; /* negative: no limit */
};

static const struct option options[] = {
    {"duration", OPTION_NODE, 0, NULL, offsetof(struct timer_options, duration), NULL,
     "DD:HH:MM:SS, or a map of days, hours, minutes, seconds; null: no limit"},
    {"interval", OPTION_STRING, 0, "step", offsetof(struct timer_options, interval), "step|epoch",
     "when it looks at the clock"},
    {"verbose", OPTION_BOOL, OPTION_IGNORED, "true", 0, NULL, "accepted; every stop says why"},
};

static int check(const void *given, const struct config_node *config, struct error *error) {
    struct timer_options *how = (struct timer_options *)given;
    (void)config;
    how->seconds = -1;
    return config_kind(how->duration) == CONFIG_NULL || config_kind(how->duration) == CONFIG_DEFERRED
               ? 0
               : duration_read(how->duration, "duration", &how->seconds, error);
}

static int open_callback(struct callback *callback, struct trainer *trainer, struct error *error) {
    (void)error;
    if (((const struct timer_options *)callback->options)->seconds >= 0)
        run_count_seconds(trainer);
    return 0;
}

static void look(const struct callback *callback, struct trainer *trainer) {
    const struct timer_options *how = callback->options;
    struct cursor *cursor = run_cursor(trainer);
    if (how->seconds < 0 || cursor->should_stop || trainer_seconds(trainer) < how->seconds)
        return;
    cursor->should_stop = 1;
    trainer_tell(trainer, EVENT_STOP, "Timer: training has taken the %g s that it was given", how->seconds);
}

static int by_step(const struct callback *callback) {
    return !strcmp(((const struct timer_options *)callback->options)->interval, "step");
}

/* Its time may have been over before. */
static int train_begin(struct callback *callback, struct trainer *trainer, struct error *error) {
    const struct timer_options *how = callback->options;
    (void)error;
    if (how->seconds >= 0 && run_seconds(trainer) >= how->seconds)
        look(callback, trainer);
    return 0;
}

static int batch_end(struct callback *callback, struct trainer *trainer, struct error *error) {
    (void)error;
    if (by_step(callback))
        look(callback, trainer);
    return 0;
}

static int judge(struct callback *callback, struct trainer *trainer, enum moment moment, struct error *error) {
    (void)error;
    if (moment == MOMENT_EPOCH && !by_step(callback))
        look(callback, trainer);
    return 0;
}

const struct callback_kind callback_timer = {
    .target = {"lightning.pytorch.callbacks.Timer", "timer"},
    .help = "ends training after some time",
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct timer_options),
    .check = check,
    .open = open_callback,
    .train_begin = train_begin,
    .batch_end = batch_end,
    .judge = judge,
    .ends_training = 1,
};
