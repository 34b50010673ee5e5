/* Checkpoints: weights under NequIP's names, averages as ema.ema_weight_N, all state of the loop as state.NAME, each a
 * list of numbers with a meaning of its own, never a struct; in the metadata the config, the training module, a hash of
 * the training data, the phase that comes next, threads and kernels, the last value of all that was logged.  None of it
 * is trusted: see check_state. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/kernel/kernels.h"
#include "model/file/safetensors.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/run/audit.h"
#include "train/run/batches.h"
#include "train/run/callback.h"
#include "train/run/checkpoint.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/logging.h"
#include "train/run/parameters.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/scheduler/scheduler.h"

/* Weights live in the run's slabs; the model's own are what files are read into and written from. */
static void to_model(const struct trainer *trainer, const void *const slabs[DTYPE_COUNT]) {
    for (int d = 0; d < DTYPE_COUNT; d++)
        memcpy(model_slab(trainer->model, (enum dtype)d), slabs[d],
               model_slab_size(trainer->model, (enum dtype)d) * dtype_size((enum dtype)d));
}

static void from_model(const struct trainer *trainer, void *const slabs[DTYPE_COUNT]) {
    for (int d = 0; d < DTYPE_COUNT; d++)
        memcpy(slabs[d], model_slab(trainer->model, (enum dtype)d),
               model_slab_size(trainer->model, (enum dtype)d) * dtype_size((enum dtype)d));
}

/* Under the names of NequIP's average stands, like there, what a callback makes of it. */
static const struct variable *average_shown(const struct trainer *trainer, enum dtype dtype, int whole) {
    const struct callback *callback = whole ? callbacks_evaluation(trainer) : NULL;
    const struct variable *averaged = callback ? callback->kind->average(callback, dtype, 1) : NULL;
    return averaged ? averaged : composition_average(&trainer->composition, dtype);
}

/* whole: of a checkpoint that a run can go on from. */
static int store_averages(struct trainer *trainer, struct safetensors *file, int whole, struct error *error) {
    int code = 0, number = 0;
    for (int k = 0; !code && k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (p->is_buffer)
            continue;
        const struct variable *weights = average_shown(trainer, p->dtype, whole);
        if (!weights)
            return 0;
        char name[64];
        size_t shape[8];
        for (int j = 0; j < p->ndim; j++)
            shape[j] = (size_t)p->shape[j];
        snprintf(name, sizeof name, "ema.ema_weight_%d", number++);
        code = safetensors_add(file, name, p->dtype == F32 ? "F32" : "F64", p->ndim, shape,
                               (const char *)weights->data + p->offset * dtype_size(p->dtype), error);
    }
    return code;
}

/* What a technique has evaluation see, where that stands under the model's names; NULL: the raw weights do. */
static const struct layer *file_layer(struct trainer *trainer) {
    const struct layer *layer = composition_claimant(&trainer->composition, CLAIM_EVALUATION);
    return layer && layer->kind->files_hold_evaluation && layer->trainer ? layer : NULL;
}

/* What stands under the model's names.  Lightning's callbacks have no say in files of weights alone. */
static const void *weights_shown(struct trainer *trainer, enum dtype dtype, int whole) {
    const struct callback *callback = whole ? callbacks_evaluation(trainer) : NULL;
    const struct layer *layer = file_layer(trainer);
    const void *shown = callback ? callback->kind->average(callback, dtype, 0)->data : NULL;
    if (!shown && layer)
        shown = layer->kind->evaluation(layer, dtype);
    return shown ? shown : trainer->weights.parameters[dtype]->data;
}

static int keeps_training(struct trainer *trainer) {
    return file_layer(trainer) || callbacks_evaluation(trainer);
}

static const char *const training_names[DTYPE_COUNT] = {[F32] = "training_weights.f32", [F64] = "training_weights.f64"};

static int store_training(struct trainer *trainer, struct safetensors *file, struct error *error) {
    int code = 0;
    for (int d = 0; !code && d < DTYPE_COUNT; d++) {
        size_t count = trainer->weights.parameters[d]->count;
        code = safetensors_add(file, training_names[d], d == F32 ? "F32" : "F64", 1, &count,
                               trainer->weights.parameters[d]->data, error);
    }
    return code;
}

static int has_training(const struct safetensors *file) {
    return safetensors_find(file, training_names[F32]) != NULL;
}

static int load_training(struct trainer *trainer, const struct safetensors *file, struct error *error) {
    const struct tensor *tensors[DTYPE_COUNT];
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t size = trainer->weights.parameters[d]->count * dtype_size((enum dtype)d);
        tensors[d] = safetensors_find(file, training_names[d]);
        if (!tensors[d] || strcmp(tensors[d]->dtype, d == F32 ? "F32" : "F64") || tensors[d]->size != size)
            return error_set(error, ERROR_DATA, "the checkpoint has no fitting '%s'", training_names[d]);
    }
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (tensors[d]->size)
            memcpy(trainer->weights.parameters[d]->data, tensors[d]->data, tensors[d]->size);
    return 0;
}

/* The last value of everything that was logged: schedulers and callbacks may look at one before it is logged again. */
static int store_history(const struct trainer *trainer, struct safetensors *file, struct error *error) {
    struct text text = {0};
    for (size_t k = 0; k < trainer->log.history.count; k++) {
        char number[32];
        text_format(&text, "%s %s\n", text_double(number, trainer->log.history.values[k]),
                    trainer->log.history.names[k]);
    }
    int code = text.failed ? error_memory(error)
                           : safetensors_set_metadata(file, "metrics", text.data ? text.data : "", error);
    text_free(&text);
    return code;
}

static int load_history(struct trainer *trainer, const struct safetensors *file, struct error *error) {
    const char *line = safetensors_metadata(file, "metrics");
    int code = 0;
    for (; !code && line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t number = strcspn(line, " \n"), size = strcspn(line, "\n");
        double value = text_to_double(line, number);
        if (number + 1 >= size || (isnan(value) && strncmp(line, "nan ", 4)))
            return error_set(error, ERROR_DATA,
                             "the checkpoint's metadata have a line '%.*s' among the metrics: a number and a name are "
                             "expected",
                             (int)(size < 60 ? size : 60), line);
        char *name = strndup(line + number + 1, size - number - 1);
        if (name)
            history_set(trainer, name, value);
        else
            code = error_memory(error);
        free(name);
    }
    return code;
}

/* What every file has: weights as evaluation sees them, averages, the config, and whose it is. */
static int store_weights(struct trainer *trainer, struct safetensors *file, int whole, struct error *error) {
    struct text yaml = {0};
    const void *slabs[DTYPE_COUNT] = {trainer->weights.parameters[F32]->data, trainer->weights.parameters[F64]->data};
    const void *shown[DTYPE_COUNT] = {
        [F32] = weights_shown(trainer, F32, whole), [F64] = weights_shown(trainer, F64, whole)};
    to_model(trainer, shown);
    config_write_yaml(config_root(trainer->configs.resolved), &yaml);
    int code = yaml.failed ? error_memory(error) : 0;
    if (!code)
        code = model_store_weights(trainer->model, file, error);
    to_model(trainer, slabs);
    if (!code)
        code = safetensors_set_metadata(file, "config", yaml.data ? yaml.data : "", error);
    if (!code)
        code = safetensors_set_metadata(file, "run", trainer->folder.identity, error);
    text_free(&yaml);
    return code;
}

/* What a run needs to go on. */
static int store_run(struct trainer *trainer, struct safetensors *file, struct error *error) {
    const struct cursor *cursor = cursor_of(trainer);
    int64_t stage = cursor->run_stage;
    size_t one = 1;
    char threads[16], seconds[32];
    int code = safetensors_add(file, "run_stage", "I64", 1, &one, &stage, error);
    if (!code)
        code = state_store(trainer->state, file, error);
    if (!code)
        code = safetensors_set_metadata(file, "training_module", trainer->composition.kind->target.target, error);
    if (!code)
        code = safetensors_set_metadata(file, "data", trainer->origin.fingerprint, error);
    if (!code)
        code = safetensors_set_metadata(file, "phase", phase_name((enum phase)cursor->phase), error);
    if (!code && (trainer->position.timed ||
                  trainer->position.length[LENGTH_TIME] >= 0)) /* else the same run has the same file */
        code = safetensors_set_metadata(file, "seconds", text_double(seconds, trainer_seconds(trainer)), error);
    snprintf(threads, sizeof threads, "%d", team_size(trainer->team));
    if (!code)
        code = safetensors_set_metadata(file, "threads", threads, error);
    if (!code)
        code = safetensors_set_metadata(file, "kernels", kernels_name(), error);
    return code ? code : store_history(trainer, file, error);
}

int checkpoint_write(struct trainer *trainer, const char *path, struct error *error) {
    struct safetensors *file = safetensors_new();
    if (!file)
        return error_memory(error);
    int code = store_weights(trainer, file, 1, error);
    if (!code && keeps_training(trainer))
        code = store_training(trainer, file, error);
    if (!code)
        code = store_averages(trainer, file, 1, error);
    if (!code)
        code = store_run(trainer, file, error);
    if (!code)
        code = safetensors_write(file, path, error);
    safetensors_free(file);
    return code;
}

int checkpoint_write_weights(struct trainer *trainer, const char *path, struct error *error) {
    struct safetensors *file = safetensors_new();
    size_t one = 1;
    if (!file)
        return error_memory(error);
    int code = store_weights(trainer, file, 0, error);
    if (!code)
        code = store_averages(trainer, file, 0, error);
    if (!code) /* for run_claim_wrote */
        code =
            safetensors_add(file, "state.loop.cursor.accepted", "I64", 1, &one, &cursor_of(trainer)->accepted, error);
    if (!code)
        code = safetensors_write(file, path, error);
    safetensors_free(file);
    return code;
}

static int read_weights(struct trainer *trainer, const struct safetensors *file, int averages, struct error *error) {
    void *slabs[DTYPE_COUNT] = {trainer->weights.parameters[F32]->data, trainer->weights.parameters[F64]->data};
    int code = model_load_weights(trainer->model, file, error);
    if (code)
        return code;
    from_model(trainer, slabs);
    if (composition_average(&trainer->composition, F32)) {
        void *averaged[DTYPE_COUNT] = {composition_average(&trainer->composition, F32)->data,
                                       composition_average(&trainer->composition, F64)->data};
        if (averages && model_has_average(file) && (code = model_load_average(trainer->model, file, error)))
            return code;
        from_model(trainer, averaged); /* a fresh average is a copy */
        to_model(trainer, (const void *const *)slabs);
    }
    state_sync(trainer->state);
    return 0;
}

/* Neither a callback's average nor what it is an average of. */
static int is_no_average(void *context, const struct variable *variable) {
    const struct trainer *trainer = context;
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (variable == composition_average(&trainer->composition, (enum dtype)d))
            return 0;
    return callbacks_owner(&trainer->callbacks, variable->name) != callbacks_evaluation(trainer);
}

/* Lightning tests a checkpoint with its weights of training, where it has them beside the average that a callback kept.
 */
static int read_training(struct trainer *trainer, const struct callback *callback, const struct safetensors *file,
                         struct error *error) {
    int there = state_stored(file, callback->kind->average(callback, F32, 0)), code = 0;
    int whole = safetensors_metadata(file, "phase") != NULL;
    if (there && !(code = state_load(trainer->state, file, is_no_average, trainer, error)))
        code = load_training(trainer, file, error);
    if (code)
        return code;
    if (whole && !there)
        callback->kind->begins(callback, trainer);
    callback->kind->weights_read(callback, trainer);
    state_sync(trainer->state);
    return 0;
}

int checkpoint_weights(struct trainer *trainer, const char *path, struct error *error) {
    struct safetensors *file;
    int code = safetensors_read(&file, path, error);
    if (code)
        return code;
    code = read_weights(trainer, file, 1, error);
    for (int k = 0; !code && k < trainer->composition.nlayers; k++)
        if (trainer->composition.layers[k].kind->weights_read)
            trainer->composition.layers[k].kind->weights_read(&trainer->composition.layers[k], trainer);
    if (!code && callbacks_evaluation(trainer))
        code = read_training(trainer, callbacks_evaluation(trainer), file, error);
    safetensors_free(file);
    return code;
}

/* Callbacks that the run had not, when the checkpoint was written: they begin anew. */
struct newcomers {
    const struct callback *list[MAX_CALLBACKS];
    int count;
};

static int is_new(void *context, const struct variable *variable) {
    const struct newcomers *newcomers = context;
    for (int k = 0; k < newcomers->count; k++)
        if (!strncmp(variable->name, newcomers->list[k]->prefix, strlen(newcomers->list[k]->prefix)))
            return 1;
    return 0;
}

static void find_newcomers(struct trainer *trainer, const struct safetensors *file, const char *path,
                           struct newcomers *out) {
    out->count = 0;
    for (size_t k = 0; k < state_count(trainer->state); k++) {
        const struct variable *variable = state_at(trainer->state, k);
        const struct callback *owner = callbacks_owner(&trainer->callbacks, variable->name);
        if (!owner || is_new(out, variable) || state_stored(file, variable))
            continue;
        out->list[out->count++] = owner;
        trainer_tell(trainer, EVENT_NOTICE, "%s begins anew: %s has no state of it", owner->kind->target.target, path);
    }
}

/* What makes other roundings of the same run. */
static void compare_machine(struct trainer *trainer, const struct safetensors *file, const char *path) {
    const char *threads = safetensors_metadata(file, "threads"), *kernels = safetensors_metadata(file, "kernels");
    int now = team_size(trainer->team);
    if (threads && atoi(threads) != now)
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s was written with --threads %d, this run has %d: its numbers will differ by rounding", path,
                     atoi(threads), now);
    if (kernels && strcmp(kernels, kernels_name()))
        trainer_tell(trainer, EVENT_NOTICE,
                     "%s was written with the kernels '%.20s', this run has '%s' (FETTLE_KERNELS): its numbers will "
                     "differ by rounding",
                     path, kernels, kernels_name());
}

int checkpoint_init(struct trainer *trainer, const char *path, struct error *error) {
    struct safetensors *file;
    int code = safetensors_read(&file, path, error);
    if (code)
        return code;
    code = read_weights(trainer, file, 0, error);
    if (!code)
        trainer_sync(trainer);
    state_sync(trainer->state);
    safetensors_free(file);
    return code;
}

/* Everybody on what the file has given them. */
static int check_state(struct trainer *trainer, struct error *error) {
    int code = cursor_check_state(trainer, error);
    if (!code)
        code = batches_check_state(trainer, error);
    if (!code)
        code = parameters_check_state(trainer, error);
    if (!code)
        code = audit_check(trainer_audit(trainer), trainer->audit.text->count, error);
    if (!code && trainer->evaluation.loss && !metrics_has_weighted_sum(trainer->evaluation.loss))
        code = error_set(error, ERROR_DATA, "the checkpoint leaves no term of the loss a coefficient");
    if (!code && trainer->schedule.scheduler)
        code = scheduler_check_state(trainer->schedule.scheduler, error);
    for (int g = 1; !code && g < trainer->optimizer.groups.count; g++)
        if (trainer->schedule.more[g])
            code = scheduler_check_state(trainer->schedule.more[g], error);
    if (!code)
        code = composition_check_state(&trainer->composition, error);
    return code ? code : callbacks_check_state(trainer, error);
}

static int resume(struct trainer *trainer, const struct safetensors *file, struct error *error) {
    struct newcomers newcomers;
    int code = read_weights(trainer, file, 1, error);
    if (!code && (file_layer(trainer) || has_training(file)))
        code = load_training(trainer, file, error);
    if (code)
        return code;
    find_newcomers(trainer, file, trainer->origin.path, &newcomers);
    if ((code = state_load(trainer->state, file, is_new, &newcomers, error)) ||
        (code = cursor_read_phase(trainer, safetensors_metadata(file, "phase"), error)) ||
        (code = check_state(trainer, error)) || (code = load_history(trainer, file, error)))
        return code;
    for (int k = 0; k < newcomers.count; k++)
        if (newcomers.list[k]->kind->begins)
            newcomers.list[k]->kind->begins(newcomers.list[k], trainer);
    trainer_sync(trainer);
    state_sync(trainer->state);
    compare_machine(trainer, file, trainer->origin.path);
    return 0;
}

int checkpoint_resume(struct trainer *trainer, const struct safetensors *file, struct error *error) {
    int code = resume(trainer, file, error);
    if (code)
        error_prefix(error, "%s: ", trainer->origin.path);
    return code;
}
