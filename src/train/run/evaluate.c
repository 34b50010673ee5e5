/* Validation and test: a pass over a data set with the weights that evaluation sees. */
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/evaluate.h"
#include "train/run/logging.h"
#include "train/run/programs.h"
#include "train/run/streams.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

static struct loader loader_of(const struct trainer *trainer, enum data_role role, size_t set) {
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    const struct cursor *cursor = cursor_of(trainer);
    struct loader loader;
    loader_init(&loader, (int64_t)data->count, datamodule_loader(trainer->data, role));
    /* in training only: a `val` of `run` draws as the loader says */
    if (role == ROLE_VAL && trainer->options.overfit && (size_t)cursor->run < trainer->position.nruns &&
        !strcmp(trainer->position.runs[cursor->run], "train"))
        loader_in_order(&loader);
    loader_share(&loader, trainer->options.together, loader.settings.shuffle);
    loader.epoch = cursor->epochs;
    return loader;
}

void evaluation_params(const struct trainer *trainer, enum data_role role, const void *params[DTYPE_COUNT]) {
    const struct layer *layer = composition_claimant((struct composition *)&trainer->composition, CLAIM_EVALUATION);
    const struct callback *callback = callbacks_evaluation(trainer);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        params[d] = callback ? callback->kind->evaluation(callback, trainer, role, (enum dtype)d) : NULL;
        if (!params[d] && layer && layer->kind->evaluation)
            params[d] = layer->kind->evaluation(layer, (enum dtype)d);
        if (!params[d])
            params[d] = trainer->weights.parameters[d]->data;
    }
}

void look_params(const struct trainer *trainer, const void *params[DTYPE_COUNT]) {
    evaluation_params(trainer, ROLE_VAL, params);
    for (int d = 0; d < DTYPE_COUNT && trainer->evaluation.look_raw; d++)
        params[d] = trainer->weights.parameters[d]->data;
}

/* The frames of a pass in the order in which they are drawn; the caller frees the list. */
static const struct frame **draw(struct trainer *trainer, enum data_role role, size_t set, int64_t batches,
                                 struct loader *loader, struct loader_streams *streams) {
    const struct dataset *data = datamodule_dataset(trainer->data, role, set);
    size_t count = (size_t)loader_drawn(loader);
    int64_t *there = trainer->batches.workers
                         ? (int64_t *)trainer->batches.workers->data + (role == ROLE_VAL ? 0 : trainer->evaluation.nval)
                         : NULL;
    int64_t *order = malloc((count + 1) * sizeof *order);
    const struct frame **frames = malloc((count + 1) * sizeof *frames);
    if (order && frames) {
        loader->limit = batches;
        loader->again = there && there[set];
        if (batches)
            loader_epoch(loader, streams, order);
        else
            loader_glance(loader, streams, order);
        for (size_t k = 0; k < count; k++)
            frames[k] = data->frames[order[k]];
    } else {
        free(frames);
        frames = NULL;
    }
    free(order);
    return frames;
}

void evaluate_begin(struct trainer *trainer) {
    if (trainer->batches.workers && trainer->batches.workers->count)
        memset(trainer->batches.workers->data, 0, trainer->batches.workers->count * sizeof(int64_t));
}

/* tell: callbacks are told. */
static int evaluate_batches(struct trainer *trainer, enum data_role role, size_t set, struct metrics *metrics,
                            int64_t batches, struct loader_streams *streams, const void *const params[DTYPE_COUNT],
                            int tell, struct error *error) {
    struct loader loader = loader_of(trainer, role, set);
    const struct frame **all = draw(trainer, role, set, batches, &loader, streams);
    int code = all ? eval_program_make(trainer, error) : error_memory(error);
    for (int64_t b = 0; !code && b < batches && !(code = interrupt_check(error)); b++) {
        int64_t first, size;
        struct prediction prediction;
        loader_batch(&loader, b, &first, &size);
        code = prefetch_join(trainer->evaluation.ahead, &trainer->evaluation.batch, all + first, (int)size,
                             model_batch_options(trainer->model), error);
        if (!code && b + 1 < batches) {
            loader_batch(&loader, b + 1, &first, &size);
            prefetch_ask(trainer->evaluation.ahead, all + first, (int)size, model_batch_options(trainer->model));
        }
        if (!code)
            code = eval_program_run(trainer, trainer->evaluation.batch, params, &prediction, error);
        if (!code)
            code = metrics_update(metrics, trainer->evaluation.batch, &prediction, NULL, error);
        if (!code && tell)
            code = callbacks_evaluated(trainer, &(struct evaluated){role, set, trainer->evaluation.batch, &prediction},
                                       error);
    }
    free(all);
    return code;
}

static size_t sets_of(const struct trainer *trainer, enum data_role role) {
    return role == ROLE_VAL ? trainer->evaluation.nval : trainer->evaluation.ntest;
}

static struct metrics *metrics_of(const struct trainer *trainer, enum data_role role, size_t set) {
    return role == ROLE_VAL ? trainer->evaluation.val_metrics[set] : trainer->evaluation.test_metrics[set];
}

/* What callbacks that are told of evaluations know: how far their files go.  Taken, or, back, put back. */
static void move_callbacks(struct trainer *trainer, struct text *kept, int back) {
    size_t at = 0;
    for (size_t k = 0; k < state_count(trainer->state); k++) {
        struct variable *variable = state_at(trainer->state, k);
        const struct callback *owner = callbacks_owner(&trainer->callbacks, variable->name);
        size_t size = variable->count * state_type_size(variable->type);
        if (!owner || !owner->kind->evaluated || variable->big)
            continue;
        if (!back)
            text_add_bytes(kept, variable->data, size);
        else if (at + size <= kept->size && size)
            memcpy(variable->data, kept->data + at, size);
        at += size;
    }
}

int64_t evaluate_all_batches(const struct trainer *trainer, enum data_role role, size_t set) {
    struct loader loader = loader_of(trainer, role, set);
    return loader_batches(&loader);
}

int64_t evaluate_batches_of(const struct trainer *trainer, enum data_role role, size_t set) {
    double limit = role == ROLE_VAL ? trainer->options.limit_val : trainer->options.limit_test;
    int is_count = role == ROLE_VAL ? trainer->options.limit_val_count : trainer->options.limit_test_count;
    return trainer_settings_limit(limit, is_count, evaluate_all_batches(trainer, role, set));
}

int evaluate_has_batches(const struct trainer *trainer) {
    for (size_t k = 0; k < trainer->evaluation.nval; k++)
        if (evaluate_batches_of(trainer, ROLE_VAL, k) > 0)
            return 1;
    return 0;
}

/* Batches of a pass over a set. */
static int64_t batches_of_pass(const struct trainer *trainer, enum data_role role, size_t set, int64_t limit) {
    int64_t most = evaluate_batches_of(trainer, role, set);
    return limit >= 0 && limit < most ? limit : most;
}

int evaluate_role(struct trainer *trainer, enum data_role role, int64_t limit, int log, struct error *error) {
    const void *params[DTYPE_COUNT];
    struct text kept = {0};
    struct loader_streams streams;
    size_t sets = sets_of(trainer, role);
    while (sets && !batches_of_pass(trainer, role, sets - 1, limit))
        sets--; /* those that the loop does not come to draw nothing */
    streams_read(trainer, role, &streams);
    evaluation_params(trainer, role, params);
    move_callbacks(trainer, &kept, 0);
    int code = kept.failed ? error_memory(error) : 0;
    for (size_t k = 0; !code && k < sets; k++) {
        struct metrics *metrics = metrics_of(trainer, role, k);
        int64_t most = batches_of_pass(trainer, role, k, limit);
        metrics_reset(metrics);
        code = evaluate_batches(trainer, role, k, metrics, most, &streams, params, 1, error);
        if (!code && most && log) {
            char prefix[64];
            metrics_compute(metrics, trainer->evaluation.computed);
            snprintf(prefix, sizeof prefix, "%s%zu_epoch/", data_role_name(role), k);
            whys_look(trainer, prefix, metrics, trainer->evaluation.computed);
            code = log_row(trainer, prefix, metrics, trainer->evaluation.computed, error);
        }
        metrics_reset(metrics);
    }
    if (code) { /* it will begin anew, and what it has written is this run's own */
        move_callbacks(trainer, &kept, 1);
        trainer->folder.went_back = 1;
    } else {
        streams_keep(trainer, role, &streams);
        for (size_t k = 0; trainer->batches.workers && k < sets; k++)
            ((int64_t *)trainer->batches.workers->data)[(role == ROLE_VAL ? 0 : trainer->evaluation.nval) + k] = 1;
    }
    text_free(&kept);
    return code;
}

int trainer_evaluate(struct trainer *trainer, enum data_role role, int raw,
                     void (*add)(void *context, const char *name, double value), void *context, struct error *error) {
    const void *params[DTYPE_COUNT];
    int code = 0;
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it before a validation");
    if (!sets_of(trainer, role))
        return error_set(error, ERROR_STATE, "there are no %s data, or there are no %s_metrics", data_role_name(role),
                         data_role_name(role));
    struct loader_streams streams; /* not kept: this pass is none of the run's */
    streams_read(trainer, role, &streams);
    evaluation_params(trainer, ROLE_VAL, params); /* a test now is one of what training has brought so far */
    for (int d = 0; d < DTYPE_COUNT && raw; d++)
        params[d] = trainer->weights.parameters[d]->data;
    for (size_t k = 0; !code && k < sets_of(trainer, role); k++) {
        struct metrics *metrics = metrics_of(trainer, role, k);
        double *values = trainer->evaluation.computed;
        char prefix[64];
        metrics_reset(metrics);
        code = evaluate_batches(trainer, role, k, metrics, evaluate_batches_of(trainer, role, k), &streams, params, 0,
                                error);
        metrics_compute(metrics, values);
        snprintf(prefix, sizeof prefix, "%s%zu_epoch/", data_role_name(role), k);
        if (!code)
            whys_look(trainer, prefix, metrics, values);
        metrics_reset(metrics);
        for (size_t j = 0; !code && j < metrics_count(metrics); j++) {
            char name[256];
            snprintf(name, sizeof name, "%s%s", prefix, metrics_name(metrics, j));
            add(context, name, values[j]);
        }
    }
    return code;
}

/* ---------------------------------------------------------------- looks */

static int keeps_others(const struct trainer *trainer) {
    const struct layer *layer = composition_claimant((struct composition *)&trainer->composition, CLAIM_EVALUATION);
    return callbacks_evaluation(trainer) || (layer && layer->kind->evaluation);
}

int trainer_look_raw(struct trainer *trainer, int raw, struct error *error) {
    if (raw && !keeps_others(trainer))
        return error_set(error, ERROR_STATE, "%s keeps no average of the weights: there are those of training only",
                         trainer->composition.kind->target.target);
    trainer->evaluation.look_raw = raw;
    return 0;
}

enum trainer_weights trainer_look_weights(const struct trainer *trainer) {
    return !keeps_others(trainer) ? WEIGHTS_ONLY : trainer->evaluation.look_raw ? WEIGHTS_RAW : WEIGHTS_AVERAGED;
}
