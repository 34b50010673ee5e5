/* The check of a config before any data is read: sections, names, types, and metrics that are watched. */
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/param_groups.h"
#include "train/run/best.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/run/evaluate.h"
#include "train/run/monitors.h"
#include "train/run/programs.h"
#include "train/run/trainer.h"
#include "train/run/trainer_check.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"
#include "train/scheduler/scheduler.h"

/* ---------------------------------------------------------------- what stands in a config */

static const char *const root_keys[] = {"run",   "data",   "trainer",   "training_module", "global_options",
                                        "hydra", "fettle", "ckpt_path", "ckpt_dir",        NULL};

const char *const trainer_sections[] = {"run", "data", "trainer", "training_module", "ckpt_path", "fettle", NULL};

int config_runs(const struct config_node *root, struct arena *arena, const char ***runs, size_t *count,
                struct error *error) {
    const struct config_node *node = config_get(root, "run");
    int list = config_kind(node) == CONFIG_LIST, trains = 0;
    if (!node)
        return config_error(root, error, ERROR_NAME, "'run' is missing: a list of train, val and test");
    *count = list ? config_count(node) : 1;
    *runs = arena_alloc(arena, (*count + 1) * sizeof **runs);
    if (!*runs)
        return error_memory(error);
    for (size_t k = 0; k < *count; k++) {
        const struct config_node *item = list ? config_at(node, k) : node;
        const char *name = config_text(item);
        if (config_get(item, "function"))
            return config_error(item, error, ERROR_VALUE,
                                "a function of `run` is Python code, which cannot be called here: leave it out");
        if (strcmp(name, "train") && strcmp(name, "val") && strcmp(name, "test"))
            return config_error(item, error, ERROR_NAME, "run is a list of train, val and test, not '%.60s'", name);
        trains += !strcmp(name, "train");
        (*runs)[k] = name;
    }
    if (trains > 1)
        return config_error(node, error, ERROR_VALUE, "'train' may stand in run only once");
    return 0;
}

/* A config of NequIP before 0.7 has no sections: what it has is named. */
static int check_age(const struct config_node *root, struct error *error) {
    static const char *const old[] = {
        "dataset_file_name", "n_train",     "n_val",      "learning_rate", "optimizer_name", "loss_coeffs",
        "model_builders",    "num_layers",  "r_max",      "dataset_seed",  "max_epochs",     "metrics_components",
        "chemical_symbols",  "key_mapping", "batch_size", "include_keys"};
    struct text found = {0};
    int count = 0, code = 0;
    for (size_t k = 0; k < sizeof old / sizeof *old; k++)
        if (config_get(root, old[k]) && count++ < 4)
            text_format(&found, "%s%s", count > 1 ? ", " : "", old[k]);
    if (count >= 3)
        code =
            config_error(root, error, ERROR_NAME,
                         "a config of NequIP before 0.7 (%s, ... at the top), which newer versions do not read either: "
                         "the files of data and the split stand in `data` now, r_max and the layers in "
                         "training_module.model, the learning rate in training_module.optimizer, max_epochs in "
                         "trainer; https://nequip.readthedocs.io/en/latest/guide/configuration/config.html",
                         found.data ? found.data : "");
    text_free(&found);
    return code;
}

/* Top-level keys that are ours, or that something refers to: others are likely to be misspelt sections. */
static int check_sections(const struct config_node *root, struct error *error) {
    const struct config_node *globals = config_get(root, "global_options");
    if (config_kind(globals) != CONFIG_NULL)
        config_notice(globals, LOG_NOTICE,
                      "global_options is accepted and has no meaning here: NequIP 0.19 does not read it either");
    static const char *const required[] = {"data", "trainer", "training_module"};
    for (int k = 0; k < 3; k++)
        if (!config_get(root, required[k])) {
            int code = check_age(root, error);
            if (code)
                return code;
            const char *names[64], *near;
            size_t n = 0;
            for (size_t j = 0; j < config_count(root) && n < 64; j++) {
                int known = 0;
                for (const char *const *key = root_keys; *key; key++)
                    known |= !strcmp(*key, config_key(root, j));
                if (!known)
                    names[n++] = config_key(root, j);
            }
            near = text_nearest(required[k], names, n);
            return config_error(root, error, ERROR_NAME, "the section '%s' is missing%s%s%s", required[k],
                                near ? "; is '" : "", near ? near : "", near ? "' meant to be it?" : "");
        }
    const struct config_node *resume = config_get(root, "ckpt_path");
    if (resume && config_kind(resume) != CONFIG_STRING && config_kind(resume) != CONFIG_NULL &&
        config_kind(resume) != CONFIG_DEFERRED)
        return config_error(resume, error, ERROR_TYPE, "the path of a checkpoint is expected, or null, not %s",
                            config_kind_name(resume));
    if (config_kind(resume) == CONFIG_STRING && !*config_text(resume))
        return config_error(resume, error, ERROR_VALUE, "the name of a checkpoint is empty");
    return 0;
}

static const struct option schedule_rows[] = {
    {"scheduler", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct schedule_options, scheduler), NULL,
     "a scheduler"},
    {"monitor", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct schedule_options, monitor), NULL, "a metric"},
    {"interval", OPTION_STRING, 0, "epoch", offsetof(struct schedule_options, interval), "epoch|step", "when it steps"},
    {"frequency", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct schedule_options, frequency), NULL,
     "steps at every so many"},
    {"strict", OPTION_BOOL, 0, "true", offsetof(struct schedule_options, strict), NULL,
     "an error if monitor is missing"},
    {"name", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct schedule_options, name), NULL,
     "of the columns that LearningRateMonitor logs; null: lr- and the optimizer's name"},
    {"reduce_on_plateau", OPTION_NODE, 0, NULL, offsetof(struct schedule_options, plateau), NULL,
     "what the scheduler says of itself"},
};

const struct option *schedule_settings_rows(size_t *count) {
    *count = sizeof schedule_rows / sizeof *schedule_rows;
    return schedule_rows;
}

int config_schedule(const struct config_node *config, const struct optimizer_kind *kind, int groups,
                    struct schedule_options *out, struct arena *arena, struct error *error) {
    int code =
        options_read(schedule_rows, sizeof schedule_rows / sizeof *schedule_rows, config, NULL, out, arena, error);
    if (!code)
        code = scheduler_check(out->scheduler, groups, !kind || kind->momentum, error);
    int plateau = !code && scheduler_config_is_plateau(out->scheduler);
    if (!code && config_kind(out->plateau) == CONFIG_BOOL && config_bool(out->plateau) != plateau)
        code = config_error(out->plateau, error, ERROR_VALUE,
                            "reduce_on_plateau is what the scheduler is: leave it out, or take %s",
                            plateau ? "another scheduler" : "torch.optim.lr_scheduler.ReduceLROnPlateau");
    if (!code && plateau && !out->monitor)
        code = config_error(config, error, ERROR_NAME, "'monitor' is missing: ReduceLROnPlateau judges by a metric");
    return code;
}

/* ---------------------------------------------------------------- the check before data is read */

/* Metrics of a config that keep nothing. */
static int metrics_of(struct metrics **out, const struct config_node *config, const struct config_node *types,
                      struct error *error) {
    size_t count = config_count(types);
    const char **type_names = malloc((count + 1) * sizeof *type_names);
    if (!type_names)
        return error_memory(error);
    for (size_t k = 0; k < count; k++)
        type_names[k] = config_text(config_at(types, k));
    int code = metrics_new(out, config, (int)count, type_names, NULL, "", error);
    free(type_names);
    return code;
}

/* Names under which values are logged. */
struct logged {
    struct arena *arena;
    size_t count, capacity;
    const char **names;
};

static int add_name(struct logged *logged, const char *prefix, const char *name) {
    if (logged->count == logged->capacity) {
        size_t more = logged->capacity ? 2 * logged->capacity : 256;
        const char **names = arena_alloc(logged->arena, more * sizeof *names);
        if (!names)
            return -1;
        if (logged->count)
            memcpy(names, logged->names, logged->count * sizeof *names);
        logged->names = names;
        logged->capacity = more;
    }
    const char *full = arena_format(logged->arena, "%s%s", prefix, name);
    if (full)
        logged->names[logged->count++] = full;
    return full ? 0 : -1;
}

static int add_logged(void *context, const char *name) {
    return add_name(context, "", name);
}

/* Adds those of a manager's values. */
static int add_names(const struct config_node *config, const struct config_node *types, const char *const *prefixes,
                     size_t nprefixes, struct logged *logged, struct error *error) {
    struct metrics *metrics;
    int code = metrics_of(&metrics, config, types, error);
    if (code)
        return code;
    for (size_t p = 0; !code && p < nprefixes; p++)
        for (size_t k = 0; !code && k < metrics_count(metrics); k++)
            if (add_name(logged, prefixes[p], metrics_name(metrics, k)))
                code = error_memory(error);
    metrics_free(metrics);
    return code;
}

/* how: NULL where nothing is trained. */
static int check_monitor(const struct trainer_settings *how, const struct watcher *watcher, const struct logged *logged,
                         struct error *error) {
    const char *name = watcher->name;
    if (!name)
        return 0;
    for (size_t k = 0; k < logged->count; k++)
        if (!strcmp(name, logged->names[k]))
            return how ? watcher_check(watcher, how, error) : 0;
    const char *near = text_nearest(name, logged->names, logged->count);
    return config_error(config_get(watcher->config, "monitor"), error, ERROR_NAME,
                        "no metric '%.200s' will be logged%s", name, DID_YOU_MEAN(near));
}

/* What callbacks log can be watched too. */
static int add_callback_names(const struct callbacks *callbacks, const struct module_options *module,
                              const struct optimizer_kind *kind, int groups, const char *scheduler,
                              struct logged *logged, struct error *error) {
    struct metrics *loss = NULL;
    int code = module->loss ? metrics_of(&loss, module->loss, config_get(module->model, "type_names"), error) : 0;
    struct callback_scope scope = {.optimizer = kind,
                                   .groups = groups,
                                   .scheduler = scheduler,
                                   .loss = loss,
                                   .add = add_logged,
                                   .context = logged};
    if (!code && callbacks_logs(callbacks, &scope))
        code = error_memory(error);
    metrics_free(loss);
    return code;
}

/* A type that the trainer asks for is the model's own. */
static int check_precision(const struct trainer_settings *how, const struct config_node *trainer,
                           const struct config_node *model, struct error *error) {
    const struct config_node *dtype = config_get(model, "model_dtype");
    if (how->in_double && config_kind(dtype) == CONFIG_STRING && strcmp(config_text(dtype), "float64"))
        return config_error(config_get(trainer, "precision"), error, ERROR_VALUE,
                            "precision 64-true would compute in another type than the model's own: model_dtype: "
                            "float64 makes it so");
    return 0;
}

/* Callbacks that name terms of the loss. */
static int check_callbacks_loss(const struct callbacks *callbacks, const struct config_node *config,
                                const struct config_node *types, struct error *error) {
    struct metrics *loss;
    int code = metrics_of(&loss, config, types, error);
    if (code)
        return code;
    if (metrics_nterms(loss) > MAX_TERMS)
        code = config_error(config, error, ERROR_VALUE, "a loss of more than %d terms", MAX_TERMS);
    for (int k = 0; !code && k < callbacks->count; k++) {
        const struct callback *callback = &callbacks->list[k];
        if (callback->kind->check_loss)
            code = callback->kind->check_loss(callback->options, callback->config, loss, error);
    }
    metrics_free(loss);
    return code;
}

/* An optimizer that evaluates the loss itself wants the base's way to do that, once a step. */
static int check_solver(const struct optimizer_kind *kind, const struct config_node *config,
                        const struct composition *composition, const struct param_groups *groups,
                        const struct trainer_settings *settings, struct error *error) {
    const struct config_node *target = config_get(config, "_target_");
    for (int k = 1; k < composition->nlayers; k++) {
        const struct technique *layer = composition->layers[k].kind;
        unsigned taken = layer->claims & (CLAIM_BACKWARD | CLAIM_CLIP | CLAIM_STEP);
        if (taken)
            return config_error(target, error, ERROR_VALUE,
                                "%s evaluates the loss several times a step, and the layer '%s' claims %s",
                                kind->target.target, layer->name, claim_name(taken & -taken));
    }
    if (trainer_settings_accumulate(settings))
        return config_error(target, error, ERROR_VALUE,
                            "%s evaluates the loss several times a step: accumulate_grad_batches must be 1, without a "
                            "GradientAccumulationScheduler",
                            kind->target.target);
    if (groups->count > 1)
        return config_error(config_get(config, "param_groups"), error, ERROR_VALUE, "%s has no parameter groups",
                            kind->target.target);
    return 0;
}

/* Names of values, for whoever asks for them. */
struct naming {
    void (*add)(void *context, const char *name);
    void *context;
};

/* Settings, as a trainer would name them: of one that has only what names them. */
static int name_settings(const struct naming *naming, const struct composition *composition,
                         const struct module_options *module, const struct optimizer_kind *kind, void *options,
                         int groups, struct error *error) {
    struct trainer sketch = {.composition = *composition, .state = state_new(), .batches.size = &(struct variable){0}};
    int code = sketch.state ? 0 : error_memory(error);
    if (kind) {
        sketch.optimizer = (struct optimizer){.kind = kind, .slots = kind->slots(options)};
        sketch.optimizer.groups.count = groups;
    }
    if (!code && module->loss)
        code = metrics_of(&sketch.evaluation.loss, module->loss, config_get(module->model, "type_names"), error);
    for (size_t k = 0; !code && k < trainer_settings(&sketch); k++)
        naming->add(naming->context, trainer_setting_name(&sketch, k));
    metrics_free(sketch.evaluation.loss);
    state_free(sketch.state);
    return code;
}

/* What the sections hold, each read by itself. */
struct config_parts {
    struct trainer_settings settings;
    struct composition composition;
    struct module_options module;
    struct callbacks callbacks;
    const struct optimizer_kind *kind; /* NULL: no optimizer */
    void *options;
    struct param_groups groups;
    struct schedule_options schedule;
};

/* What is wrong in one says nothing of the others: all are looked at. */
static int read_parts(struct config_parts *parts, const struct config_node *root, struct arena *arena,
                      struct error *error) {
    static const char *const metrics[] = {"loss", "train_metrics", "val_metrics", "test_metrics"};
    const struct config_node *node, *section = config_get(root, "training_module");
    size_t before = error_count(error);
    int code = trainer_settings_read(&parts->settings, config_get(root, "trainer"), arena, error);
    if (code && !(code = error_aside(error, code))) /* what depends on them is judged by the defaults */
        code = trainer_settings_read(&parts->settings, NULL, arena, error);
    if (code || (code = error_aside(error, trainer_settings_devices(&parts->settings, root, error))))
        return code;
    code = composition_read(&parts->composition, &parts->module, section, &parts->settings, arena, error);
    if ((code = error_aside(error, code)))
        return code;
    if ((node = config_get(section, "model")) && (code = error_aside(error, model_check(node, error))))
        return code;
    if ((code = error_aside(error, datamodule_check(config_get(root, "data"), error))))
        return code;
    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++)
        if (config_kind(node = config_get(section, metrics[k])) != CONFIG_NULL &&
            (code = error_aside(error, metrics_check(node, k == 0, error))))
            return code;
    code = 0;
    if (config_kind(node = config_get(section, "optimizer")) != CONFIG_NULL &&
        !(code = optimizer_read(&parts->kind, &parts->options, node, arena, error)))
        code = param_groups_read(parts->kind, parts->options, node, &parts->groups, arena, error);
    if (!code && config_kind(node = config_get(section, "lr_scheduler")) != CONFIG_NULL)
        code =
            config_schedule(node, parts->kind, parts->kind ? parts->groups.count : 1, &parts->schedule, arena, error);
    if ((code = error_aside(error, code)))
        return code;
    node = config_find(root, "trainer.callbacks");
    if (node && (code = error_aside(error, callbacks_read(&parts->callbacks, node, arena, error))))
        return code;
    return error_since(error, before);
}

static int check_all(const struct config_node *root, const struct naming *naming, struct arena *arena,
                     struct error *error) {
    struct config_parts parts = {0};
    const struct trainer_settings *settings = &parts.settings;
    struct composition *composition = &parts.composition;
    const struct module_options *module = &parts.module;
    struct logged logged = {.arena = arena};
    const char **runs;
    size_t nruns;
    int trains = 0, tests = 0, vals = 0, code;
    const struct config_node *module_node = config_get(root, "training_module"), *data = config_get(root, "data");
    if ((code = check_sections(root, error)) || (code = config_runs(root, arena, &runs, &nruns, error)) ||
        (code = read_parts(&parts, root, arena, error)))
        return code;
    for (size_t k = 0; k < nruns; k++) {
        trains |= !strcmp(runs[k], "train");
        tests |= !strcmp(runs[k], "test");
        vals |= !strcmp(runs[k], "val");
    }
    if (trains && !module->loss)
        return config_error(module_node, error, ERROR_NAME, "'loss' is missing: there is nothing to train on");
    if (trains && !module->optimizer)
        return config_error(module_node, error, ERROR_NAME, "'optimizer' is missing: nothing steps");
    if ((trains || vals) && !module->val_metrics)
        return config_error(module_node, error, ERROR_NAME, "'val_metrics' is missing");
    if (tests && !module->test_metrics)
        return config_error(module_node, error, ERROR_NAME, "'test_metrics' is missing: run has a test");

    /* every name that will be logged, so that a monitor can be judged now */
    const struct config_node *types = config_get(module->model, "type_names");
    static const char *const loss_prefixes[] = {"train_loss_step/", "train_loss_epoch/"};
    static const char *const train_prefixes[] = {"train_metric_step/", "train_metric_epoch/"};
    const char *val_prefixes[MAX_SETS], *test_prefixes[MAX_SETS];
    int nval, ntest;
    if ((code = datamodule_configured(data, ROLE_VAL, &nval, error)) ||
        (code = datamodule_configured(data, ROLE_TEST, &ntest, error)))
        return code;
    if (nval > MAX_SETS || ntest > MAX_SETS)
        return config_error(data, error, ERROR_VALUE, "%d %s sets: at most %d are possible",
                            nval > MAX_SETS ? nval : ntest, nval > MAX_SETS ? "validation" : "test", MAX_SETS);
    for (int k = 0; k < nval; k++)
        val_prefixes[k] = arena_format(arena, "val%d_epoch/", k);
    for (int k = 0; k < ntest; k++)
        test_prefixes[k] = arena_format(arena, "test%d_epoch/", k);
    if (arena_failed(arena))
        return error_memory(error);
    if (module->loss) {
        if ((code = add_names(module->loss, types, loss_prefixes, 2, &logged, error)))
            return code;
        if (!logged.count || strcmp(logged.names[logged.count - 1], "train_loss_epoch/weighted_sum"))
            return config_error(module->loss, error, ERROR_VALUE, "the loss has no coefficients to weigh its terms by");
    }
    if ((module->train_metrics &&
         (code = add_names(module->train_metrics, types, train_prefixes, 2, &logged, error))) ||
        (module->val_metrics &&
         (code = add_names(module->val_metrics, types, val_prefixes, (size_t)nval, &logged, error))) ||
        (module->test_metrics &&
         (code = add_names(module->test_metrics, types, test_prefixes, (size_t)ntest, &logged, error))))
        return code;
    const struct optimizer_kind *kind = parts.kind;
    if (kind) {
        if (kind->solve && (code = check_solver(kind, module->optimizer, composition, &parts.groups, settings, error)))
            return code;
        int works = !kind->technique;
        for (int k = 0; k < composition->nlayers; k++)
            works |= kind->technique && !strcmp(kind->technique, composition->layers[k].kind->name);
        if (!works)
            return config_error(config_get(module->optimizer, "_target_"), error, ERROR_VALUE,
                                "%s works under the layer '%s' only, which %s does not have", kind->target.target,
                                kind->technique, composition->kind->target.target);
    }
    if (module->lr_scheduler) {
        const char *monitor = parts.schedule.monitor;
        struct watcher watcher = watcher_schedule(module->lr_scheduler, monitor, parts.schedule.strict);
        if ((code = check_monitor(trains ? settings : NULL, &watcher, &logged, error)))
            return code;
        const struct layer *backward = composition_claimant(composition, CLAIM_BACKWARD);
        if (backward->kind->schedules_by_hand && nval > 1 && monitor &&
            strncmp(monitor, val_prefixes[nval - 1], strlen(val_prefixes[nval - 1])))
            return config_error(config_get(module->lr_scheduler, "monitor"), error, ERROR_VALUE,
                                "the layer '%s' shows a scheduler the last validation set only: a name that begins "
                                "with '%s' is expected",
                                backward->kind->name, val_prefixes[nval - 1]);
    }
    if ((code = check_precision(settings, config_get(root, "trainer"), module->model, error)))
        return code;
    if ((code = callbacks_fit(&parts.callbacks, composition, error)))
        return code;
    if ((code = add_callback_names(&parts.callbacks, module, kind, parts.groups.count, parts.schedule.name, &logged,
                                   error)))
        return code;
    for (int k = 0; k < parts.callbacks.count; k++) {
        const struct callback *callback = &parts.callbacks.list[k];
        struct watcher watcher = watcher_callback(callback, settings);
        const char *name = watcher.name;
        if (name && callback->kind->watches_counts && (!strcmp(name, "epoch") || !strcmp(name, "step")))
            continue;
        if ((code = check_monitor(trains ? settings : NULL, &watcher, &logged, error)))
            return code;
    }
    for (int k = 0; !settings->enable_checkpointing && k < parts.callbacks.count; k++)
        if (parts.callbacks.list[k].kind->writes_checkpoints)
            return config_error(config_get(config_get(root, "trainer"), "enable_checkpointing"), error, ERROR_VALUE,
                                "it is false, and there is %s among the callbacks: one of them must go",
                                parts.callbacks.list[k].kind->target.target);
    if ((code = best_check(&parts.callbacks, settings, runs, nruns, config_get(root, "trainer"), error)))
        return code;
    if (module->loss && (code = check_callbacks_loss(&parts.callbacks, module->loss, types, error)))
        return code;
    for (size_t k = 0; naming && k < logged.count; k++)
        naming->add(naming->context, logged.names[k]);
    return naming ? name_settings(naming, composition, module, kind, parts.options, parts.groups.count, error) : 0;
}

static int check(const struct config_node *root, const struct naming *naming, struct error *error) {
    struct arena *arena = arena_new();
    if (!arena)
        return error_memory(error);
    int code = arena_result(arena, check_all(root, naming, arena, error), error);
    arena_free(arena);
    return code;
}

int trainer_check(const struct config_node *root, struct error *error) {
    return check(root, NULL, error);
}

int trainer_check_names(const struct config_node *root, void (*add)(void *context, const char *name), void *context,
                        struct error *error) {
    return check(root, &(struct naming){add, context}, error);
}
