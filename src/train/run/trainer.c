#include "train/run/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "graph/kernel/blas.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/audit.h"
#include "train/run/batches.h"
#include "train/run/best.h"
#include "train/run/callback.h"
#include "train/run/checkpoint.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/evaluate.h"
#include "train/run/length.h"
#include "train/run/logging.h"
#include "train/run/monitors.h"
#include "train/run/parameters.h"
#include "train/run/programs.h"
#include "train/run/remarks.h"
#include "train/run/resume.h"
#include "train/run/retool.h"
#include "train/run/run_claim.h"
#include "train/run/run_folder.h"
#include "train/run/schedule.h"
#include "train/run/streams.h"
#include "train/run/trainer_check.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"

/* ---------------------------------------------------------------- opening */

int64_t trainer_train_entry(const struct trainer *trainer) {
    for (size_t k = 0; k < trainer->position.nruns; k++)
        if (!strcmp(trainer->position.runs[k], "train"))
            return (int64_t)k;
    return -1;
}

int trainer_trains(const struct trainer *trainer) {
    return trainer_train_entry(trainer) >= 0;
}

static int open_data(struct trainer *trainer, struct error *error) {
    const struct config_node *root = config_root(trainer->configs.resolved);
    unsigned roles = 0;
    for (size_t k = 0; k < trainer->position.nruns; k++)
        roles |= !strcmp(trainer->position.runs[k], "train") ? 1u << ROLE_TRAIN | 1u << ROLE_VAL
                 : !strcmp(trainer->position.runs[k], "val") ? 1u << ROLE_VAL
                                                             : 1u << ROLE_TEST;
    if (config_get(config_get(root, "data"), "stats_manager"))
        roles |= 1u << ROLE_TRAIN;
    return datamodule_open(&trainer->data, config_get(root, "data"), roles, error);
}

int trainer_check_data(const struct trainer *trainer, struct error *error) {
    const struct metrics *by_role[ROLE_COUNT][2] = {
        {trainer->evaluation.loss, trainer->evaluation.train_metrics},
        {trainer->evaluation.nval ? trainer->evaluation.val_metrics[0] : NULL, NULL},
        {trainer->evaluation.ntest ? trainer->evaluation.test_metrics[0] : NULL, NULL},
        {NULL, NULL}};
    int types = model_ntypes(trainer->model);
    for (int role = 0; role < ROLE_COUNT; role++)
        for (size_t s = 0; s < datamodule_count(trainer->data, (enum data_role)role); s++) {
            const struct dataset *data = datamodule_dataset(trainer->data, (enum data_role)role, s);
            for (size_t f = 0; f < data->count; f++) {
                const struct frame *frame = data->frames[f];
                for (int a = 0; a < frame->atoms; a++)
                    if (frame->types[a] < 0 || frame->types[a] >= types)
                        return error_set(error, ERROR_DATA,
                                         "frame %ld of %s: atom %d (%s) has no type that the model knows; is "
                                         "ChemicalSpeciesToAtomTypeMapper among the data's transforms?",
                                         frame->ordinal, frame->source, a, frame->symbols[a]);
                if (frame->npairs < 0)
                    return error_set(
                        error, ERROR_DATA,
                        "frame %ld of %s has no neighbour list: NeighborListTransform is missing among the "
                        "data's transforms",
                        frame->ordinal, frame->source);
                for (int m = 0; m < 2; m++) {
                    int code = by_role[role][m] ? metrics_check_frame(by_role[role][m], frame, error) : 0;
                    if (code)
                        return code;
                }
            }
        }
    return 0;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static int open_values(struct trainer *trainer, struct error *error) {
    size_t loss = trainer->evaluation.loss ? metrics_max_count(trainer->evaluation.loss) : 0;
    size_t metrics = trainer->evaluation.train_metrics ? metrics_max_count(trainer->evaluation.train_metrics) : 0;
    size_t most = larger(loss, metrics);
    trainer->evaluation.values.loss = arena_alloc(trainer->arena, (loss + 1) * sizeof(double));
    trainer->evaluation.values.metrics = arena_alloc(trainer->arena, (metrics + 1) * sizeof(double));
    if (trainer->evaluation.nval) /* one config serves all sets */
        most = larger(most, metrics_max_count(trainer->evaluation.val_metrics[0]));
    if (trainer->evaluation.ntest)
        most = larger(most, metrics_max_count(trainer->evaluation.test_metrics[0]));
    trainer->evaluation.computed = arena_alloc(trainer->arena, (most + 1) * sizeof(double));
    return trainer->evaluation.values.loss && trainer->evaluation.values.metrics && trainer->evaluation.computed
               ? 0
               : error_memory(error);
}

static int open_metrics(struct trainer *trainer, const struct module_options *module, struct error *error) {
    int ntypes = model_ntypes(trainer->model), code = 0;
    const char *const *names = model_type_names(trainer->model);
    char prefix[64];
    if (module->loss)
        code = metrics_new(&trainer->evaluation.loss, module->loss, ntypes, names, trainer->state,
                           "metrics.train_loss.", error);
    if (!code && module->train_metrics)
        code = metrics_new(&trainer->evaluation.train_metrics, module->train_metrics, ntypes, names, trainer->state,
                           "metrics.train.", error);
    trainer->evaluation.nval = module->val_metrics ? datamodule_count(trainer->data, ROLE_VAL) : 0;
    trainer->evaluation.ntest = module->test_metrics ? datamodule_count(trainer->data, ROLE_TEST) : 0;
    if (!code && (trainer->evaluation.nval > MAX_SETS || trainer->evaluation.ntest > MAX_SETS))
        code = error_set(error, ERROR_VALUE, "more than %d validation or test sets", MAX_SETS);
    for (size_t k = 0; !code && k < trainer->evaluation.nval; k++) {
        snprintf(prefix, sizeof prefix, "metrics.val%zu.", k);
        code = metrics_new(&trainer->evaluation.val_metrics[k], module->val_metrics, ntypes, names, trainer->state,
                           prefix, error);
    }
    for (size_t k = 0; !code && k < trainer->evaluation.ntest; k++) {
        snprintf(prefix, sizeof prefix, "metrics.test%zu.", k);
        code = metrics_new(&trainer->evaluation.test_metrics[k], module->test_metrics, ntypes, names, trainer->state,
                           prefix, error);
    }
    if (!code && trainer->evaluation.loss && metrics_nterms(trainer->evaluation.loss) > MAX_TERMS)
        code = error_set(error, ERROR_VALUE, "a loss of more than %d terms", MAX_TERMS);
    return code ? code : open_values(trainer, error);
}

static void *slab_new(size_t count, enum dtype dtype) {
    size_t size = (count * dtype_size(dtype) + 63) / 64 * 64 + 64;
    void *slab = memory_new(size);
    if (slab)
        memset(slab, 0, size);
    return slab;
}

int trainer_open_terms(struct trainer *trainer, struct error *error) {
    int separate = composition_separate(&trainer->composition);
    for (int d = 0; d < DTYPE_COUNT; d++)
        for (size_t k = 0; separate && trainer->evaluation.loss && k < metrics_nterms(trainer->evaluation.loss); k++) {
            if (trainer->weights.term_grads[k][d])
                continue;
            trainer->weights.term_grads[k][d] = slab_new(model_slab_size(trainer->model, (enum dtype)d), (enum dtype)d);
            if (!trainer->weights.term_grads[k][d])
                return error_memory(error);
        }
    return 0;
}

static int open_slabs(struct trainer *trainer, struct error *error) {
    static const char *const names[] = {"model.f32", "model.f64"}, *const windows[] = {"loop.window.f32",
                                                                                       "loop.window.f64"};
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_slab_size(trainer->model, (enum dtype)d), size = dtype_size((enum dtype)d);
        if (!(trainer->weights.slab[d] = slab_new(count, (enum dtype)d)))
            return error_memory(error);
        if (count)
            memcpy(trainer->weights.slab[d], model_slab(trainer->model, (enum dtype)d), count * size);
        trainer->weights.parameters[d] = state_adopt(trainer->state, names[d], d == F32 ? STATE_F32 : STATE_F64, count,
                                                     &trainer->weights.slab[d], error);
        if (!trainer->weights.parameters[d])
            return ERROR_MEMORY;
        trainer->weights.grads[d] = slab_new(count, (enum dtype)d);
        if (!trainer->weights.grads[d])
            return error_memory(error);
        if (callbacks_accumulate_most(trainer) > 1 &&
            !(trainer->weights.window[d] = state_add(trainer->state, windows[d], d == F32 ? STATE_F32 : STATE_F64,
                                                     model_trainable_size(trainer->model, (enum dtype)d), 1, error)))
            return ERROR_MEMORY;
    }
    return trainer_open_terms(trainer, error);
}

static int open_loop(struct trainer *trainer, struct error *error) {
    int code = cursor_open(trainer, error);
    if (code)
        return code;
    trainer->audit.text = state_add(trainer->state, "loop.audit", STATE_U8, 0, 0, error);
    if (!trainer->audit.text)
        return ERROR_MEMORY;
    code = parameters_open(trainer, error);
    return code ? code : batches_open(trainer, error);
}

int trainer_open_optimizer(struct trainer *trainer, const struct module_options *module, struct error *error) {
    int code = module->optimizer ? optimizer_open(trainer, module->optimizer, error) : 0;
    if (!code && module->optimizer && module->lr_scheduler)
        code = schedule_open(trainer, module->lr_scheduler, error);
    return code;
}

static int open_all(struct trainer *trainer, struct error *error) {
    struct config_context context = {.sections = trainer_sections, .output_dir = trainer->folder.path};
    struct module_options module;
    int code = config_resolve(trainer->configs.resolved, &context, error);
    if (code || (code = resume_find(trainer, error)) || (code = run_claim_lock(trainer, error)) ||
        (code = resume_read(trainer, error)) || (code = run_claim(trainer, error)) ||
        (code = resume_open(trainer, error)) || (code = config_resolve(trainer->configs.resolved, &context, error)))
        return code;
    const struct config_node *root = config_root(trainer->configs.resolved);
    if ((code = trainer_check(root, error)) ||
        (code = config_runs(root, trainer->arena, &trainer->position.runs, &trainer->position.nruns, error)) ||
        (code = open_data(trainer, error)))
        return code;
    context.statistic = datamodule_statistic;
    context.statistic_context = trainer->data;
    if ((code = config_resolve(trainer->configs.resolved, &context, error)))
        return code;
    root = config_root(trainer->configs.resolved); /* a new tree */
    if ((code = trainer_check(root, error)) ||
        (code = config_runs(root, trainer->arena, &trainer->position.runs, &trainer->position.nruns, error)) ||
        (code = trainer_settings_read(&trainer->options, config_get(root, "trainer"), trainer->arena, error)) ||
        (code = trainer_settings_devices(&trainer->options, root, error)) ||
        (code = composition_read(&trainer->composition, &module, config_get(root, "training_module"), &trainer->options,
                                 trainer->arena, error)) ||
        (code = callbacks_read(&trainer->callbacks, trainer->options.callbacks, trainer->arena, error)) ||
        (code = best_add_keeper(trainer, config_get(root, "trainer"), error)))
        return code;
    length_open(trainer);
    if ((code = model_build(&trainer->model, module.model, error)))
        return code;
    if ((code = datamodule_agree(trainer->data, model_directed(trainer->model), error)))
        return code;
    int threads = trainer->how.threads > 0 ? trainer->how.threads : team_default_size();
    trainer->state = state_new();
    if (!trainer->state)
        return error_memory(error);
    if ((code = blas_team_new(&trainer->team, threads, error)))
        return code;
    resume_fingerprint(trainer, trainer->origin.fingerprint);
    if ((code = open_metrics(trainer, &module, error)) || (code = trainer_check_data(trainer, error)) ||
        (code = open_slabs(trainer, error)))
        return code;
    if ((code = trainer_open_optimizer(trainer, &module, error)) || (code = open_loop(trainer, error)))
        return code;
    if ((code = remarks_make(trainer, error)) || (code = monitors_check(trainer, module.lr_scheduler, error)))
        return code;
    if (trainer->how.init) {
        /* before the layers open: an average begins as a copy of these weights */
        if ((code = checkpoint_init(trainer, trainer->how.init, error)))
            return code;
    }
    if ((code = run_claim_identify(trainer, error)) ||
        (code = composition_open(&trainer->composition, trainer, error)) ||
        (code = callbacks_open(&trainer->callbacks, trainer, error)))
        return code;
    if (trainer->origin.path &&
        ((code = resume_check(trainer, error)) || (code = checkpoint_resume(trainer, trainer->origin.file, error)) ||
         (code = callbacks_resumed(trainer, error))))
        return code;
    if (trainer->origin.path && (code = streams_resumed(trainer, error)))
        return code;
    if (trainer->origin.path)
        length_resumed(trainer);
    trainer->position.catches = trainer->options.detect_anomaly;
    safetensors_free(trainer->origin.file);
    trainer->origin.file = NULL;
    if (!trainer->origin.path && (code = schedule_lasts(trainer, module.lr_scheduler, error)))
        return code;
    if (trainer->how.replay && (code = audit_replay_open(trainer, trainer->how.replay, error)))
        return code;
    if ((code = run_folder_open(trainer, trainer->origin.path != NULL, error)))
        return code;
    /* a model without parameters may be evaluated */
    if (trainer->evaluation.loss && (trainer_trains(trainer) || parameters_train(trainer)) &&
        (code = train_program_make(trainer, error)))
        return code;
    if (log_threshold() <= LOG_DEBUG) {
        struct text tree = {0};
        model_print(trainer->model, &tree);
        for (char *line = tree.data ? strtok(tree.data, "\n") : NULL; line; line = strtok(NULL, "\n"))
            log_message(LOG_DEBUG, "%s", line);
        text_free(&tree);
    }
    trainer->folder.kept = run_folder_mark(trainer);
    return 0;
}

int trainer_open(struct trainer **out, const struct config *config, const struct trainer_options *options,
                 struct error *error) {
    *out = NULL;
    struct trainer *trainer = calloc(1, sizeof *trainer);
    int code = 0;
    if (trainer) {
        trainer->arena = arena_new();
        trainer->configs.given = config_copy(config);
        trainer->configs.resolved = config_copy(config);
        trainer->folder.path = options->output ? strdup(options->output) : NULL;
        trainer->how = *options;
    }
    if (!trainer || !trainer->arena || !trainer->configs.given || !trainer->configs.resolved ||
        (options->output && !trainer->folder.path))
        code = error_memory(error);
    else
        code = arena_result(trainer->arena, open_all(trainer, error), error);
    if (code) {
        trainer_free(trainer);
        return code;
    }
    *out = trainer;
    return 0;
}

void trainer_free(struct trainer *trainer) {
    if (!trainer)
        return;
    if (trainer->state)
        trainer_abandon(trainer);
    train_program_free(trainer);
    evaluator_free(trainer->evaluation.evaluator);
    composition_close(&trainer->composition);
    schedule_free(&trainer->schedule);
    metrics_free(trainer->evaluation.loss);
    metrics_free(trainer->evaluation.train_metrics);
    for (int k = 0; k < MAX_SETS; k++) {
        metrics_free(trainer->evaluation.val_metrics[k]);
        metrics_free(trainer->evaluation.test_metrics[k]);
    }
    run_folder_close(trainer);
    run_claim_release(trainer);
    history_free(&trainer->log.pending);
    history_free(&trainer->log.history);
    whys_free(&trainer->log.whys);
    prefetch_free(trainer->batches.ahead);
    prefetch_free(trainer->evaluation.ahead);
    batch_free(trainer->batches.now);
    batch_free(trainer->evaluation.batch);
    free(trainer->batches.frames);
    state_free(trainer->state);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        memory_free(trainer->weights.slab[d]);
        memory_free(trainer->weights.grads[d]);
        for (int k = 0; k < MAX_TERMS; k++)
            memory_free(trainer->weights.term_grads[k][d]);
    }
    model_free(trainer->model);
    datamodule_free(trainer->data);
    blas_team_free(trainer->team);
    config_free(trainer->configs.given);
    config_free(trainer->configs.resolved);
    while (trainer->configs.retired) {
        struct retired *next = trainer->configs.retired->next;
        config_free(trainer->configs.retired->config);
        free(trainer->configs.retired);
        trainer->configs.retired = next;
    }
    for (int k = 0; k < trainer->configs.exchanges; k++)
        config_free(trainer->configs.before[k]);
    free(trainer->configs.before);
    free(trainer->audit.replay);
    safetensors_free(trainer->origin.file);
    arena_free(trainer->arena);
    free(trainer->folder.path);
    free(trainer);
}

void trainer_sync(struct trainer *trainer) {
    schedule_sync(&trainer->schedule);
    parameters_sync(trainer);
}

/* ---------------------------------------------------------------- looking */

int64_t trainer_epoch_now(const struct trainer *trainer) {
    return cursor_of(trainer)->epoch;
}

int64_t trainer_global_step(const struct trainer *trainer) {
    return cursor_of(trainer)->step;
}

int64_t trainer_batch_now(const struct trainer *trainer) {
    return cursor_of(trainer)->batch;
}

int64_t trainer_max_epochs(const struct trainer *trainer) {
    return (int64_t)trainer->position.length[LENGTH_EPOCHS];
}

int64_t trainer_max_steps(const struct trainer *trainer) {
    return (int64_t)trainer->position.length[LENGTH_STEPS];
}

const char *trainer_output(const struct trainer *trainer) {
    return trainer->folder.path;
}

struct model *trainer_model(const struct trainer *trainer) {
    return trainer->model;
}

struct state *trainer_state(const struct trainer *trainer) {
    return trainer->state;
}

struct datamodule *trainer_data(const struct trainer *trainer) {
    return trainer->data;
}

struct team *trainer_team(const struct trainer *trainer) {
    return trainer->team;
}

const struct config_node *trainer_config(const struct trainer *trainer) {
    return config_root(trainer->configs.resolved);
}

const char *trainer_strategy(const struct trainer *trainer) {
    return trainer->composition.kind->target.target;
}

struct program *trainer_program(const struct trainer *trainer) {
    return trainer->evaluation.train.program;
}

struct program *trainer_eval_program(const struct trainer *trainer) {
    return evaluator_program(trainer->evaluation.evaluator);
}

int trainer_save(struct trainer *trainer, const char *path, struct error *error) {
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, before saving");
    return checkpoint_write(trainer, path, error);
}

int trainer_save_as(struct trainer *trainer, const char *path, struct error *error) {
    char *target = file_follow(path);
    int code = target ? trainer_save(trainer, target, error) : error_memory(error);
    free(target);
    return code;
}
