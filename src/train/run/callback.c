#include "train/run/callback.h"

#include <string.h>

#include "base/hash.h"
#include "train/run/evaluate.h"
#include "train/run/logging.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

static const char *watched(const struct callback *callback) {
    const char *metric = callback->kind->monitor ? callback->kind->monitor(callback->options) : NULL;
    return metric ? metric : "";
}

/* A list may be changed, and a run be resumed with it: what goes by this name must be the same callback, or none. */
static void name_state(struct callbacks *callbacks, struct callback *callback) {
    const char *metric = watched(callback), *kind = callback->kind->target.alias;
    char which[16] = "";
    int before = 0;
    for (int k = 0; k < callbacks->count; k++)
        before += callbacks->list[k].kind == callback->kind && !strcmp(watched(&callbacks->list[k]), metric);
    if (*metric)
        snprintf(which, sizeof which, ".%08x", (unsigned)hash_bytes(0, metric, strlen(metric)));
    snprintf(callback->prefix, sizeof callback->prefix, "callback.%.30s%s.%d.", kind, which, before);
}

/* What is kept of a run is to hold what all others have decided. */
static void put_last(struct callbacks *callbacks) {
    struct callback sorted[MAX_CALLBACKS];
    int count = 0;
    for (int last = 0; last < 2; last++)
        for (int k = 0; k < callbacks->count; k++)
            if (callbacks->list[k].kind->is_last == last)
                sorted[count++] = callbacks->list[k];
    memcpy(callbacks->list, sorted, (size_t)count * sizeof *sorted);
}

/* The next of the list, of the kind that it has already.  place: of errors. */
static int add_callback(struct callbacks *out, const struct config_node *config, const struct config_node *place,
                        struct arena *arena, struct error *error) {
    struct callback *callback = &out->list[out->count];
    const struct callback_kind *kind = callback->kind;
    callback->config = place;
    callback->options = arena_alloc(arena, kind->options_size + 1);
    callback->own = arena_alloc(arena, kind->private_size + 1);
    if (!callback->options || !callback->own)
        return error_memory(error);
    int code = options_read(kind->options, kind->noptions, config, NULL, callback->options, arena, error);
    if (!code && kind->check)
        code = kind->check(callback->options, place, error);
    if (code)
        return code;
    name_state(out, callback);
    out->count++;
    return 0;
}

static int read_callback(struct callbacks *out, const struct config_node *node, struct arena *arena,
                         struct error *error) {
    size_t which;
    int code = options_kind(node, "callback", callback_kinds, callback_kind_count, &which, error);
    if (code)
        return code;
    if (out->count + out->nignored == MAX_CALLBACKS)
        return config_error(node, error, ERROR_VALUE, "more than %d callbacks", MAX_CALLBACKS);
    struct callback *callback = &out->list[out->count];
    callback->kind = callback_kinds[which];
    if (callback->kind->refused)
        return config_error(config_get(node, "_target_"), error, ERROR_VALUE, "there is no %s here: %s",
                            text_behind(callback->kind->target.target, '.'), callback->kind->refused);
    if (callback->kind->ignored) {
        out->ignored[out->nignored++] = callback->kind;
        return 0;
    }
    return add_callback(out, node, node, arena, error);
}

int callbacks_read(struct callbacks *out, const struct config_node *config, struct arena *arena, struct error *error) {
    size_t before = error_count(error);
    int list = config_kind(config) == CONFIG_LIST, code = 0;
    memset(out, 0, sizeof *out);
    if (config_kind(config) == CONFIG_NULL)
        return 0;
    for (size_t k = 0; !code && k < (list ? config_count(config) : 1); k++)
        code = error_aside(error, read_callback(out, list ? config_at(config, k) : config, arena, error));
    put_last(out);
    return code ? code : error_since(error, before);
}

int callbacks_add(struct callbacks *callbacks, const struct callback_kind *kind, const struct config_node *place,
                  struct arena *arena, struct error *error) {
    if (callbacks->count + callbacks->nignored == MAX_CALLBACKS)
        return config_error(place, error, ERROR_VALUE, "more than %d callbacks", MAX_CALLBACKS);
    callbacks->list[callbacks->count].kind = kind;
    return add_callback(callbacks, NULL, place, arena, error);
}

int callbacks_open(struct callbacks *callbacks, struct trainer *trainer, struct error *error) {
    int code = 0;
    for (int k = 0; k < callbacks->nignored; k++)
        trainer_tell(trainer, EVENT_NOTICE, "%s is accepted and has no meaning here: %s",
                     callbacks->ignored[k]->target.target, callbacks->ignored[k]->ignored);
    for (int k = 0; !code && k < callbacks->count; k++)
        if (callbacks->list[k].kind->open)
            code = callbacks->list[k].kind->open(&callbacks->list[k], trainer, error);
    return code;
}

const struct callback *callbacks_owner(const struct callbacks *callbacks, const char *name) {
    for (int k = 0; k < callbacks->count; k++)
        if (!strncmp(name, callbacks->list[k].prefix, strlen(callbacks->list[k].prefix)))
            return &callbacks->list[k];
    return NULL;
}

struct callback *callbacks_of(struct trainer *trainer, const struct callback_kind *kind) {
    for (int k = 0; k < trainer->callbacks.count; k++)
        if (trainer->callbacks.list[k].kind == kind)
            return &trainer->callbacks.list[k];
    return NULL;
}

struct callback *callbacks_scheduler(struct trainer *trainer) {
    for (int k = 0; k < trainer->callbacks.count; k++) {
        struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->takes_schedule && callback->kind->takes_schedule(callback))
            return callback;
    }
    return NULL;
}

const struct callback *callbacks_evaluation(const struct trainer *trainer) {
    for (int k = 0; k < trainer->callbacks.count; k++) {
        const struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->evaluation && callback->kind->average(callback, F32, 0))
            return callback;
    }
    return NULL;
}

/* Two that swap weights for a validation do not put back what they took, in Lightning. */
int callbacks_fit(const struct callbacks *callbacks, const struct composition *composition, struct error *error) {
    const struct callback *other = NULL;
    int code = 0;
    for (int k = 0; !code && k < callbacks->count; k++) {
        const struct callback *callback = &callbacks->list[k];
        if (callback->kind->evaluation && other)
            return config_error(
                callback->config, error, ERROR_VALUE,
                "%s and %s both choose which weights evaluation sees: one of them must go (in Lightning each "
                "validation exchanges what they took, and training goes on from that)",
                other->kind->target.target, callback->kind->target.target);
        other = callback->kind->evaluation ? callback : other;
        if (callback->kind->fits)
            code = callback->kind->fits(callback, composition, error);
    }
    return code;
}

int callbacks_logs(const struct callbacks *callbacks, const struct callback_scope *scope) {
    int failed = 0;
    for (int k = 0; !failed && k < callbacks->count; k++)
        if (callbacks->list[k].kind->logs)
            failed = callbacks->list[k].kind->logs(&callbacks->list[k], scope);
    return failed;
}

#define CALL(hook)                                                                                                     \
    int callbacks_##hook(struct trainer *trainer, struct error *error) {                                               \
        int code = 0;                                                                                                  \
        for (int k = 0; !code && k < trainer->callbacks.count; k++) {                                                  \
            struct callback *callback = &trainer->callbacks.list[k];                                                   \
            if (callback->kind->hook)                                                                                  \
                code = callback->kind->hook(callback, trainer, error);                                                 \
        }                                                                                                              \
        return code;                                                                                                   \
    }
CALL(check_state)
CALL(resumed)
CALL(epoch_begin)
CALL(batch_loaded)
CALL(batch_begin)
CALL(batch_end)
CALL(train_begin)
CALL(exception)
#undef CALL

int callbacks_epoch_end(struct trainer *trainer, const double *loss, struct error *error) {
    int code = 0;
    for (int k = 0; !code && k < trainer->callbacks.count; k++) {
        struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->epoch_end)
            code = callback->kind->epoch_end(callback, trainer, loss, error);
    }
    return code;
}

int callbacks_evaluated(struct trainer *trainer, const struct evaluated *what, struct error *error) {
    int code = 0;
    for (int k = 0; !code && k < trainer->callbacks.count; k++) {
        struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->evaluated)
            code = callback->kind->evaluated(callback, trainer, what, error);
    }
    return code;
}

int callbacks_want_predictions(const struct trainer *trainer) {
    for (int k = 0; k < trainer->callbacks.count; k++)
        if (trainer->callbacks.list[k].kind->wants_predictions)
            return 1;
    return 0;
}

int callbacks_judge_at_epoch_end(const struct trainer_settings *how, const struct config_node *said) {
    return config_kind(said) == CONFIG_BOOL ? config_bool(said)
                                            : how->check_val_every_n_epoch == 1 && how->val_check_is_one;
}

/* Where one fails, those before it have judged already, and are not asked again. */
int callbacks_judge(struct trainer *trainer, enum moment moment, struct error *error) {
    struct callbacks *callbacks = &trainer->callbacks;
    int code = 0, k = callbacks->failed && callbacks->failed_at == moment ? callbacks->failed - 1 : 0;
    callbacks->failed = 0;
    for (; !code && !trainer->options.fast_dev_run && k < callbacks->count; k++) {
        struct callback *callback = &callbacks->list[k];
        if (callback->kind->judge)
            code = callback->kind->judge(callback, trainer, moment, error);
        if (code) {
            callbacks->failed = k + 1;
            callbacks->failed_at = moment;
        }
    }
    return code;
}

const struct callback *callbacks_keeper(const struct callbacks *callbacks) {
    for (int k = 0; k < callbacks->count; k++)
        if (callbacks->list[k].kind->best)
            return &callbacks->list[k];
    return NULL;
}

const char *callbacks_best(const struct trainer *trainer) {
    const struct callback *keeper = callbacks_keeper(&trainer->callbacks);
    return keeper ? keeper->kind->best(keeper, trainer) : "";
}

void callbacks_each_kept(const struct safetensors *file, const char *output,
                         void (*call)(void *context, const char *path), void *context) {
    for (size_t k = 0; k < callback_kind_count; k++)
        if (callback_kinds[k]->each_kept)
            callback_kinds[k]->each_kept(file, output, call, context);
}

const struct callback_kind *callback_kind_named(const char *target) {
    const char *last = strrchr(target, '.');
    for (size_t k = 0; k < callback_kind_count; k++) {
        const struct option_target *known = &callback_kinds[k]->target;
        if ((known->alias && !strcmp(target, known->alias)) || !strcmp(target, known->target) ||
            (last && !strcmp(last, strrchr(known->target, '.'))))
            return callback_kinds[k];
    }
    return NULL;
}

/* ---------------------------------------------------------------- batches that are summed to a step */

static int64_t accumulation(const struct trainer *trainer, int64_t epoch) {
    for (int k = 0; k < trainer->callbacks.count; k++) {
        const struct callback *callback = &trainer->callbacks.list[k];
        if (callback->kind->accumulates)
            return callback->kind->accumulates(callback, epoch);
    }
    return trainer->options.accumulate_grad_batches;
}

int64_t callbacks_accumulate(const struct trainer *trainer) {
    return accumulation(trainer, cursor_of(trainer)->epoch);
}

int64_t callbacks_accumulate_most(const struct trainer *trainer) {
    return accumulation(trainer, -1);
}

int callbacks_change_accumulation(const struct trainer *trainer) {
    int any = 0;
    for (int k = 0; k < trainer->callbacks.count; k++)
        any |= trainer->callbacks.list[k].kind->accumulates != NULL;
    return any;
}

int trainer_settings_accumulate(const struct trainer_settings *settings) {
    const struct config_node *callbacks = settings->callbacks;
    int list = config_kind(callbacks) == CONFIG_LIST;
    if (settings->accumulate_grad_batches > 1)
        return 1;
    for (size_t k = 0; k < (list ? config_count(callbacks) : 1); k++) {
        const char *target = config_text(config_get(list ? config_at(callbacks, k) : callbacks, "_target_"));
        const struct callback_kind *kind = callback_kind_named(target);
        if (kind && kind->accumulates)
            return 1;
    }
    return 0;
}
