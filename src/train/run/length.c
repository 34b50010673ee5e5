/* How long a run trains: limits that may be raised while it goes on, after its end, and where it is resumed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/print.h"
#include "model/file/safetensors.h"
#include "train/run/callback.h"
#include "train/run/cursor.h"
#include "train/run/length.h"
#include "train/run/logging.h"
#include "train/run/loop.h"
#include "train/run/retool.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

static const char *const names[LENGTHS] = {
    [LENGTH_EPOCHS] = "max_epochs", [LENGTH_STEPS] = "max_steps", [LENGTH_TIME] = "max_time"};

const char *length_name(enum length which) {
    return names[which];
}

/* Negative: none; of time, 0 as well. */
static double limit_of(const struct trainer_settings *settings, enum length which) {
    double time = settings->max_time > 0 ? settings->max_time : -1;
    return which == LENGTH_EPOCHS  ? (double)settings->max_epochs
           : which == LENGTH_STEPS ? (double)settings->max_steps
                                   : time;
}

void length_open(struct trainer *trainer) {
    for (int k = 0; k < LENGTHS; k++)
        trainer->position.length[k] = limit_of(&trainer->options, (enum length)k);
}

static int grew(double was, double now) {
    return was >= 0 && (now < 0 || now > was);
}

/* ---------------------------------------------------------------- going on after the end */

static int is_over(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    return cursor->trained || (cursor->phase == PHASE_EPOCH && loop_ends(trainer));
}

/* longer: a stop that was decided is decided anew.  An epoch that the end has cut short goes on with its next batch. */
static void reopen(struct trainer *trainer, int longer) {
    struct cursor *cursor = cursor_of(trainer), before = *cursor;
    int cut = cursor->batch > 0 && cursor->batch < trainer_batches(trainer);
    int64_t entry = trainer_train_entry(trainer);
    if (entry < 0 || !is_over(trainer))
        return;
    if (longer)
        cursor->should_stop = 0;
    if (cut && cursor->epochs == cursor->epoch + 1)
        cursor->epochs = cursor->epoch;
    else
        cut = 0;
    if (loop_ends(trainer)) {
        *cursor = before;
        return;
    }
    cursor->trained = 0;
    cursor->run = cursor->run_stage = entry;
    cursor->epoch_open = cut;
    cursor->phase = cut ? PHASE_LOAD : PHASE_EPOCH;
    if (cut)
        trainer->position.started = clock_seconds();
}

const char *trainer_over(const struct trainer *trainer) {
    static _Thread_local char text[256];
    char number[32];
    if (!trainer_trains(trainer) || !is_over(trainer))
        return NULL;
    const char *why = loop_ends(trainer);
    for (int k = 0; why && k < LENGTHS; k++)
        if (!strcmp(why, names[k])) {
            double limit = trainer->position.length[k];
            snprintf(text, sizeof text, "training is over: %s is %s; a larger one goes on", why,
                     limit == floor(limit) && limit < 1e15 ? (print_to(number, sizeof number, "%.0f", limit), number)
                                                           : text_double(number, limit));
            return text;
        }
    snprintf(text, sizeof text, "training is over: %s has ended it; a larger %s goes on",
             trainer->position.length[LENGTH_TIME] >= 0 ? "max_time, or a callback," : "a callback (early stopping)",
             trainer->position.length[LENGTH_TIME] >= 0 ? "max_time, or patience," : "patience");
    return text;
}

/* ---------------------------------------------------------------- setting */

double length_get(const struct trainer *trainer, enum length which) {
    double limit = trainer->position.length[which];
    return limit < 0 ? NAN : limit;
}

/* The config says what is in force: checkpoints and saved sessions have it. */
static int override(struct config **config, enum length which, double value, struct error *error) {
    char number[32];
    struct config *copy = config_copy(*config);
    int code = copy ? 0 : error_memory(error);
    if (!code && config_get(config_get(config_root(copy), "trainer"), names[which]))
        code = config_override_format(copy, error, "~trainer.%s", names[which]);
    if (!code && which == LENGTH_TIME && value < 0)
        code = config_override_format(copy, error, "+trainer.max_time=null");
    else if (!code && which == LENGTH_TIME)
        code = config_override_format(copy, error, "+trainer.max_time={seconds: %s}", text_double(number, value));
    else if (!code)
        code = config_override_format(copy, error, "+trainer.%s=%.0f", names[which], value);
    if (code) {
        config_free(copy);
        return code;
    }
    *config = copy;
    return 0;
}

int length_override(struct config **config, const char *name, double value, struct error *error) {
    for (int k = 0; k < LENGTHS; k++)
        if (!strcmp(name, names[k])) {
            struct config *before = *config;
            int code = override(config, (enum length)k, value >= 0 ? value : -1, error);
            if (!code)
                config_free(before);
            return code;
        }
    return 0;
}

int length_set(struct trainer *trainer, enum length which, double value, struct error *error) {
    struct retired *kept;
    struct config *config = trainer->configs.resolved, *given = trainer->configs.given;
    double now = isnan(value) || value == -1 || (which == LENGTH_TIME && value == 0) ? -1 : value;
    if (value < -1 || isinf(value) || now > 9e15 || (which != LENGTH_TIME && now != floor(now)))
        return error_set(error, ERROR_VALUE, "%s must be %s, or null for no limit, not %g", names[which],
                         which == LENGTH_TIME ? "seconds, more than 0" : "a whole number of 0 or more", value);
    if (!(kept = calloc(1, sizeof *kept)))
        return error_memory(error);
    int code = override(&config, which, now, error);
    if (!code && (code = override(&given, which, now, error)))
        config_free(config);
    if (code) {
        free(kept);
        return code;
    }
    *kept = (struct retired){.config = trainer->configs.resolved,
                             .next = trainer->configs.retired}; /* nodes of it are in use */
    trainer->configs.retired = kept;
    config_free(trainer->configs.given);
    trainer->configs.resolved = config;
    trainer->configs.given = given;
    double was = trainer->position.length[which];
    trainer->position.length[which] = now;
    reopen(trainer, grew(was, now));
    return 0;
}

/* ---------------------------------------------------------------- resuming */

static void add_stopping(const struct config_node *callbacks, struct text *out) {
    int list = config_kind(callbacks) == CONFIG_LIST;
    for (size_t k = 0; k < (list ? config_count(callbacks) : 1); k++) {
        const struct config_node *node = list ? config_at(callbacks, k) : callbacks;
        const char *target = config_text(config_get(node, "_target_"));
        const struct callback_kind *kind = callback_kind_named(target);
        if (kind && kind->ends_training)
            config_write_yaml(node, out);
    }
}

/* Whether the config gives the run more than it had, or other rules to stop by. */
static int is_longer(struct trainer *trainer, const char *yaml) {
    struct config *before;
    struct trainer_settings was;
    struct text rules[2] = {{0}, {0}};
    int longer = 0;
    if (config_parse(&before, trainer->origin.path, yaml, strlen(yaml), NULL))
        return 0;
    if (!trainer_settings_read(&was, config_get(config_root(before), "trainer"), trainer->arena, NULL)) {
        for (int k = 0; k < LENGTHS; k++)
            longer |= grew(limit_of(&was, (enum length)k), trainer->position.length[k]);
        add_stopping(was.callbacks, &rules[0]);
        add_stopping(trainer->options.callbacks, &rules[1]);
        longer |= strcmp(rules[0].data ? rules[0].data : "", rules[1].data ? rules[1].data : "") != 0;
    }
    text_free(&rules[0]);
    text_free(&rules[1]);
    config_free(before);
    return longer;
}

void length_resumed(struct trainer *trainer) {
    const struct safetensors *file = trainer->origin.file;
    const char *yaml = safetensors_metadata(file, "config"), *seconds = safetensors_metadata(file, "seconds");
    double spent = seconds ? text_to_double(seconds, strlen(seconds)) : 0;
    trainer->position.seconds = spent > 0 && spent < 1e12 ? spent : 0;
    reopen(trainer, yaml && is_longer(trainer, yaml));
    if (trainer_over(trainer))
        trainer_tell(trainer, EVENT_NOTICE, "nothing is left to train in %s: %s", trainer->origin.path,
                     trainer_over(trainer));
}
