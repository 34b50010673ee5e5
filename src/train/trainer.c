#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "train/trainer_internal.h"

/* ---------------------------------------------------------------- what stands in a config */

static const char *const root_keys[] = {"run",   "data",  "trainer", "training_module", "global_options",
                                        "hydra", "fettle", "ckpt_path", "ckpt_dir",     NULL};

/* `run`: a name or a list of names. */
static int read_runs(const struct config_node *root, struct arena *arena, const char ***runs, size_t *count,
                     struct error *error)
{
    const struct config_node *node = config_get(root, "run");
    int list = config_kind(node) == CONFIG_LIST, trains = 0;
    if (!node)
        return config_error(root, error, ERROR_NAME, "'run' is missing: a list of train, val and test");
    *count = list ? config_count(node) : 1;
    *runs = arena_alloc(arena, (*count + 1) * sizeof **runs);
    if (!*runs)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; k < *count; k++) {
        const struct config_node *item = list ? config_at(node, k) : node;
        const char *name = config_text(item);
        if (strcmp(name, "train") && strcmp(name, "val") && strcmp(name, "test"))
            return config_error(item, error, ERROR_NAME, "run is a list of train, val and test, not '%.60s'", name);
        trains += !strcmp(name, "train");
        (*runs)[k] = name;
    }
    if (trains > 1)
        return config_error(node, error, ERROR_VALUE, "'train' may stand in run only once");
    return 0;
}

/* Top-level keys that are ours, or that something refers to: others are likely to be misspelt sections. */
static int check_sections(const struct config_node *root, struct error *error)
{
    static const char *const required[] = {"data", "trainer", "training_module"};
    for (int k = 0; k < 3; k++)
        if (!config_get(root, required[k])) {
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
    return 0;
}

struct schedule_options {
    const struct config_node *scheduler;
    const char *monitor, *interval;
    int64_t frequency;
    int strict;
};

static const struct option schedule_rows[] = {
    {"scheduler", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct schedule_options, scheduler), NULL, "a scheduler"},
    {"monitor", OPTION_STRING, OPTION_NULLABLE, NULL, offsetof(struct schedule_options, monitor), NULL, "a metric"},
    {"interval", OPTION_STRING, 0, "epoch", offsetof(struct schedule_options, interval), "epoch|step", "when it steps"},
    {"frequency", OPTION_INT, OPTION_POSITIVE, "1", offsetof(struct schedule_options, frequency), NULL,
     "steps at every so many"},
    {"strict", OPTION_BOOL, 0, "true", offsetof(struct schedule_options, strict), NULL, "an error if monitor is missing"},
    {"name", OPTION_STRING, OPTION_IGNORED | OPTION_NULLABLE, NULL, 0, NULL, "accepted; it has no meaning here"},
};

static int read_schedule(const struct config_node *config, struct schedule_options *out, struct arena *arena,
                         struct error *error)
{
    int code = options_read(schedule_rows, sizeof schedule_rows / sizeof *schedule_rows, config, NULL, out, arena, error);
    if (!code)
        code = scheduler_check(out->scheduler, error);
    if (!code && scheduler_config_is_plateau(out->scheduler) && !out->monitor)
        code = config_error(config, error, ERROR_NAME, "'monitor' is missing: ReduceLROnPlateau judges by a metric");
    return code;
}

/* ---------------------------------------------------------------- the check before data is read */

/* Adds the names under which a manager's values are logged. */
static int add_names(const struct config_node *config, const struct config_node *types, const char *const *prefixes,
                     size_t nprefixes, struct arena *arena, const char **names, size_t *n, size_t most,
                     struct error *error)
{
    struct metrics *metrics;
    const char *type_names[256];
    int ntypes = 0;
    for (size_t k = 0; k < config_count(types) && ntypes < 256; k++)
        type_names[ntypes++] = config_text(config_at(types, k));
    int code = metrics_new(&metrics, config, ntypes, type_names, NULL, "", error);
    if (code)
        return code;
    for (size_t p = 0; p < nprefixes; p++)
        for (size_t k = 0; k < metrics_count(metrics) && *n < most; k++)
            names[(*n)++] = arena_format(arena, "%s%s", prefixes[p], metrics_name(metrics, k));
    metrics_free(metrics);
    return 0;
}

static int check_monitor(const struct config_node *node, const char *name, const char *const *names, size_t count,
                         struct error *error)
{
    if (!name)
        return 0;
    for (size_t k = 0; k < count; k++)
        if (!strcmp(name, names[k]))
            return 0;
    const char *near = text_nearest(name, names, count);
    return config_error(config_get(node, "monitor"), error, ERROR_NAME, "no metric '%.200s' will be logged%s%s%s", name,
                        near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
}

static int check_all(const struct config_node *root, struct arena *arena, struct error *error)
{
    enum { MOST = 4096 };
    struct trainer_settings settings;
    struct composition composition;
    struct module_options module;
    struct callbacks callbacks;
    struct schedule_options schedule = {0};
    const char **runs, **names = arena_alloc(arena, MOST * sizeof *names);
    size_t nruns, n = 0;
    int trains = 0, tests = 0, vals = 0, code;
    if (!names)
        return error_set(error, ERROR_MEMORY, "out of memory");
    const struct config_node *module_node = config_get(root, "training_module"), *data = config_get(root, "data");
    if ((code = check_sections(root, error)) || (code = read_runs(root, arena, &runs, &nruns, error)))
        return code;
    for (size_t k = 0; k < nruns; k++) {
        trains |= !strcmp(runs[k], "train");
        tests |= !strcmp(runs[k], "test");
        vals |= !strcmp(runs[k], "val");
    }
    if ((code = trainer_settings_read(&settings, config_get(root, "trainer"), arena, error)) ||
        (code = composition_read(&composition, &module, module_node, &settings, arena, error)) ||
        (code = model_check(module.model, error)) || (code = datamodule_check(data, error)))
        return code;
    if (trains && !module.loss)
        return config_error(module_node, error, ERROR_NAME, "'loss' is missing: there is nothing to train on");
    if (trains && !module.optimizer)
        return config_error(module_node, error, ERROR_NAME, "'optimizer' is missing: nothing steps");
    if ((trains || vals) && !module.val_metrics)
        return config_error(module_node, error, ERROR_NAME, "'val_metrics' is missing");
    if (tests && !module.test_metrics)
        return config_error(module_node, error, ERROR_NAME, "'test_metrics' is missing: run has a test");

    /* every name that will be logged, so that a monitor can be judged now */
    const struct config_node *types = config_get(module.model, "type_names");
    static const char *const loss_prefixes[] = {"train_loss_step/", "train_loss_epoch/"};
    static const char *const train_prefixes[] = {"train_metric_step/", "train_metric_epoch/"};
    const char *val_prefixes[MAX_SETS], *test_prefixes[MAX_SETS];
    int nval = datamodule_configured(data, ROLE_VAL), ntest = datamodule_configured(data, ROLE_TEST);
    nval = nval < MAX_SETS ? nval : MAX_SETS;
    ntest = ntest < MAX_SETS ? ntest : MAX_SETS;
    for (int k = 0; k < nval; k++)
        val_prefixes[k] = arena_format(arena, "val%d_epoch/", k);
    for (int k = 0; k < ntest; k++)
        test_prefixes[k] = arena_format(arena, "test%d_epoch/", k);
    if (arena_failed(arena))
        return error_set(error, ERROR_MEMORY, "out of memory");
    if (module.loss) {
        if ((code = metrics_check(module.loss, error)) ||
            (code = add_names(module.loss, types, loss_prefixes, 2, arena, names, &n, MOST, error)))
            return code;
        if (!n || strcmp(names[n - 1], "train_loss_epoch/weighted_sum"))
            return config_error(module.loss, error, ERROR_VALUE, "the loss has no coefficients to weigh its terms by");
    }
    if (module.train_metrics &&
        ((code = metrics_check(module.train_metrics, error)) ||
         (code = add_names(module.train_metrics, types, train_prefixes, 2, arena, names, &n, MOST, error))))
        return code;
    if (module.val_metrics && ((code = metrics_check(module.val_metrics, error)) ||
                               (code = add_names(module.val_metrics, types, val_prefixes, (size_t)nval, arena, names, &n,
                                                 MOST, error))))
        return code;
    if (module.test_metrics && ((code = metrics_check(module.test_metrics, error)) ||
                                (code = add_names(module.test_metrics, types, test_prefixes, (size_t)ntest, arena, names,
                                                  &n, MOST, error))))
        return code;
    if (module.optimizer) {
        const struct optimizer_kind *kind;
        void *options;
        if ((code = optimizer_read(&kind, &options, module.optimizer, arena, error)))
            return code;
    }
    if (module.lr_scheduler) {
        if ((code = read_schedule(module.lr_scheduler, &schedule, arena, error)) ||
            (code = check_monitor(module.lr_scheduler, schedule.monitor, names, n, error)))
            return code;
    }
    if ((code = callbacks_read(&callbacks, settings.callbacks, arena, error)))
        return code;
    for (int k = 0; k < callbacks.count; k++) {
        const struct callback *callback = &callbacks.list[k];
        const char *name = callback->kind->monitor ? callback->kind->monitor(callback->options) : NULL;
        if ((code = check_monitor(callback->config, name, names, n, error)))
            return code;
    }
    return 0;
}

int trainer_check(const struct config_node *root, struct error *error)
{
    struct arena *arena = arena_new();
    if (!arena)
        return error_set(error, ERROR_MEMORY, "out of memory");
    int code = check_all(root, arena, error);
    arena_free(arena);
    return code;
}

/* ---------------------------------------------------------------- opening */

static int open_data(struct trainer *trainer, struct error *error)
{
    const struct config_node *root = config_root(trainer->config);
    unsigned roles = 0;
    for (size_t k = 0; k < trainer->nruns; k++)
        roles |= !strcmp(trainer->runs[k], "train") ? 1u << ROLE_TRAIN | 1u << ROLE_VAL
                 : !strcmp(trainer->runs[k], "val") ? 1u << ROLE_VAL
                                                    : 1u << ROLE_TEST;
    if (config_get(config_get(root, "data"), "stats_manager"))
        roles |= 1u << ROLE_TRAIN;
    return datamodule_open(&trainer->data, config_get(root, "data"), roles, error);
}

/* Types of the frames must be those of the model, and its cutoff theirs. */
static int check_data(struct trainer *trainer, struct error *error)
{
    const struct metrics *by_role[ROLE_COUNT][2] = {{trainer->loss, trainer->train_metrics},
                                                    {trainer->nval ? trainer->val_metrics[0] : NULL, NULL},
                                                    {trainer->ntest ? trainer->test_metrics[0] : NULL, NULL},
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
                    return error_set(error, ERROR_DATA,
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

static int open_metrics(struct trainer *trainer, const struct module_options *module, struct error *error)
{
    int ntypes = model_ntypes(trainer->model), code = 0;
    const char *const *names = model_type_names(trainer->model);
    char prefix[64];
    if (module->loss)
        code = metrics_new(&trainer->loss, module->loss, ntypes, names, trainer->state, "metrics.train_loss.", error);
    if (!code && module->train_metrics)
        code = metrics_new(&trainer->train_metrics, module->train_metrics, ntypes, names, trainer->state,
                           "metrics.train.", error);
    trainer->nval = module->val_metrics ? datamodule_count(trainer->data, ROLE_VAL) : 0;
    trainer->ntest = module->test_metrics ? datamodule_count(trainer->data, ROLE_TEST) : 0;
    if (!code && (trainer->nval > MAX_SETS || trainer->ntest > MAX_SETS))
        code = error_set(error, ERROR_VALUE, "more than %d validation or test sets", MAX_SETS);
    for (size_t k = 0; !code && k < trainer->nval; k++) {
        snprintf(prefix, sizeof prefix, "metrics.val%zu.", k);
        code = metrics_new(&trainer->val_metrics[k], module->val_metrics, ntypes, names, trainer->state, prefix, error);
    }
    for (size_t k = 0; !code && k < trainer->ntest; k++) {
        snprintf(prefix, sizeof prefix, "metrics.test%zu.", k);
        code = metrics_new(&trainer->test_metrics[k], module->test_metrics, ntypes, names, trainer->state, prefix,
                           error);
    }
    if (!code && trainer->loss && metrics_nterms(trainer->loss) > MAX_TERMS)
        code = error_set(error, ERROR_VALUE, "a loss of more than %d terms", MAX_TERMS);
    return code;
}

static void *slab_new(size_t count, enum dtype dtype)
{
    size_t size = (count * dtype_size(dtype) + 63) / 64 * 64 + 64;
    void *slab = aligned_alloc(64, size);
    if (slab)
        memset(slab, 0, size);
    return slab;
}

static int open_slabs(struct trainer *trainer, struct error *error)
{
    static const char *const names[] = {"model.f32", "model.f64"};
    int separate = composition_separate(&trainer->composition);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_slab_size(trainer->model, (enum dtype)d), size = dtype_size((enum dtype)d);
        if (!(trainer->slab[d] = slab_new(count, (enum dtype)d)))
            return error_set(error, ERROR_MEMORY, "out of memory");
        if (count)
            memcpy(trainer->slab[d], model_slab(trainer->model, (enum dtype)d), count * size);
        trainer->parameters[d] = state_adopt(trainer->state, names[d], d == F32 ? STATE_F32 : STATE_F64, count,
                                             &trainer->slab[d], error);
        if (!trainer->parameters[d])
            return ERROR_MEMORY;
        trainer->grads[d] = slab_new(count, (enum dtype)d);
        if (trainer->options.accumulate_grad_batches > 1)
            trainer->sum_grads[d] = slab_new(count, (enum dtype)d);
        if (!trainer->grads[d] || (trainer->options.accumulate_grad_batches > 1 && !trainer->sum_grads[d]))
            return error_set(error, ERROR_MEMORY, "out of memory");
        for (size_t k = 0; separate && trainer->loss && k < metrics_nterms(trainer->loss); k++)
            if (!(trainer->term_grads[k][d] = slab_new(count, (enum dtype)d)))
                return error_set(error, ERROR_MEMORY, "out of memory");
    }
    return 0;
}

static int open_loop(struct trainer *trainer, struct error *error)
{
    trainer->cursor_variable =
        state_add(trainer->state, "loop.cursor", STATE_I64, sizeof(struct cursor) / sizeof(int64_t), 0, error);
    trainer->loader_variable = state_add(trainer->state, "loop.loader", STATE_U8, sizeof(struct loader), 0, error);
    int has_train = datamodule_count(trainer->data, ROLE_TRAIN) > 0;
    size_t count = has_train ? datamodule_dataset(trainer->data, ROLE_TRAIN, 0)->count : 0;
    trainer->order = state_add(trainer->state, "loop.order", STATE_I64, count, 0, error);
    if (!trainer->cursor_variable || !trainer->loader_variable || !trainer->order)
        return ERROR_MEMORY;
    if (!has_train)
        return 0;
    struct loader *loader = trainer->loader_variable->data;
    const struct loader_settings *settings = datamodule_loader(trainer->data, ROLE_TRAIN);
    loader_init(loader, (int64_t)count, settings, datamodule_seed(trainer->data));
    int64_t batches = loader_batches(loader);
    int64_t limit = trainer_settings_limit(trainer->options.limit_train, trainer->options.limit_train_count, batches);
    if (limit < batches)
        loader->limit = limit;
    trainer->nbatches = limit;
    trainer->nframes = (size_t)settings->batch_size;
    trainer->frames = calloc(trainer->nframes + 1, sizeof *trainer->frames);
    if (!trainer->frames)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; k < trainer->nruns; k++)
        if (!strcmp(trainer->runs[k], "train") && trainer->nbatches < 1)
            return error_set(error, ERROR_DATA, "an epoch has no batches: %zu frames, batch_size %lld%s", count,
                             (long long)settings->batch_size, settings->drop_last ? ", drop_last" : "");
    return 0;
}

static int open_schedule(struct trainer *trainer, const struct config_node *config, struct error *error)
{
    struct schedule_options options;
    int code = read_schedule(config, &options, trainer->arena, error);
    if (code)
        return code;
    struct optimizer *optimizer = &trainer->optimizer;
    struct scheduler_subject subject = {
        .lr = optimizer->lr->data,
        .initial_lr = ((double *)optimizer->lr->data)[1],
        .momentum = optimizer->kind->momentum ? optimizer->kind->momentum(optimizer->options) : NULL,
    };
    trainer->schedule = (struct schedule){.monitor = options.monitor,
                                          .frequency = options.frequency,
                                          .by_step = !strcmp(options.interval, "step"),
                                          .strict = options.strict};
    return scheduler_new(&trainer->schedule.scheduler, options.scheduler, &subject, trainer->state, "scheduler.", error);
}

static int write_text(const char *folder, const char *name, const char *text, size_t size, struct error *error)
{
    struct file_writer *writer;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return error_set(error, ERROR_IO, "the name of the output folder is too long");
    int code = file_writer_open(&writer, path, error);
    if (code)
        return code;
    if (size)
        fwrite(text, 1, size, file_writer_stream(writer));
    return file_writer_commit(writer, error);
}

static int open_folder(struct trainer *trainer, int resumed, struct error *error)
{
    if (!trainer->output)
        return 0;
    struct text given = {0}, resolved = {0};
    char path[4096];
    int code = file_make_directories(trainer->output, error);
    config_write_yaml(config_root(trainer->given), &given);
    config_write_yaml(config_root(trainer->config), &resolved);
    if (!code && (given.failed || resolved.failed))
        code = error_set(error, ERROR_MEMORY, "out of memory");
    if (!code)
        code = write_text(trainer->output, "config.yaml", given.data, given.size, error);
    if (!code)
        code = write_text(trainer->output, "config_resolved.yaml", resolved.data, resolved.size, error);
    if (!code && snprintf(path, sizeof path, "%s/metrics.csv", trainer->output) >= (int)sizeof path)
        code = error_set(error, ERROR_IO, "the name of the output folder is too long");
    if (!code)
        code = csv_log_open(&trainer->csv, path, resumed ? cursor_of(trainer)->rows : -1, error);
    text_free(&given);
    text_free(&resolved);
    return code;
}

static int open_all(struct trainer *trainer, struct error *error)
{
    struct config_context context = {.output_dir = trainer->output};
    struct module_options module;
    int code = config_resolve(trainer->config, &context, error);
    const struct config_node *root = config_root(trainer->config);
    if (code || (code = trainer_check(root, error)) ||
        (code = read_runs(root, trainer->arena, &trainer->runs, &trainer->nruns, error)) ||
        (code = open_data(trainer, error)))
        return code;
    context.statistic = datamodule_statistic;
    context.statistic_context = trainer->data;
    if ((code = config_resolve(trainer->config, &context, error)) || (code = trainer_check(root, error)) ||
        (code = trainer_settings_read(&trainer->options, config_get(root, "trainer"), trainer->arena, error)) ||
        (code = composition_read(&trainer->composition, &module, config_get(root, "training_module"), &trainer->options,
                                 trainer->arena, error)) ||
        (code = callbacks_read(&trainer->callbacks, trainer->options.callbacks, trainer->arena, error)) ||
        (code = model_build(&trainer->model, module.model, error)))
        return code;
    if (model_directed(trainer->model) && (code = datamodule_make_directed(trainer->data, error)))
        return code;
    int threads = trainer->how.threads > 0 ? trainer->how.threads : team_default_size();
    trainer->state = state_new();
    trainer->team = team_new(threads);
    if (!trainer->state || !trainer->team)
        return error_set(error, ERROR_MEMORY, "cannot start %d threads", threads);
    if ((code = open_metrics(trainer, &module, error)) || (code = check_data(trainer, error)) ||
        (code = open_slabs(trainer, error)))
        return code;
    if (module.optimizer && (code = optimizer_open(trainer, module.optimizer, error)))
        return code;
    if (module.optimizer && module.lr_scheduler && (code = open_schedule(trainer, module.lr_scheduler, error)))
        return code;
    if ((code = open_loop(trainer, error)))
        return code;
    if (trainer->how.init) {
        /* before the layers open: an average begins as a copy of these weights */
        if ((code = checkpoint_read(trainer, trainer->how.init, 1, error)))
            return code;
    }
    if ((code = composition_open(&trainer->composition, trainer, error)) ||
        (code = callbacks_open(&trainer->callbacks, trainer, error)))
        return code;
    const char *resume = trainer->how.resume;
    if (!resume && config_kind(config_get(root, "ckpt_path")) == CONFIG_STRING)
        resume = config_text(config_get(root, "ckpt_path"));
    if (resume && (code = checkpoint_read(trainer, resume, 0, error)))
        return code;
    if ((code = open_folder(trainer, resume != NULL, error)))
        return code;
    if (trainer->loss && (code = train_program_make(trainer, error)))
        return code;
    if (log_threshold() <= LOG_DEBUG) {
        struct text tree = {0};
        model_print(trainer->model, &tree);
        for (char *line = tree.data ? strtok(tree.data, "\n") : NULL; line; line = strtok(NULL, "\n"))
            log_message(LOG_DEBUG, "%s", line);
        text_free(&tree);
    }
    return 0;
}

int trainer_open(struct trainer **out, const struct config *config, const struct trainer_options *options,
                 struct error *error)
{
    *out = NULL;
    struct trainer *trainer = calloc(1, sizeof *trainer);
    int code = 0;
    if (trainer) {
        trainer->arena = arena_new();
        trainer->given = config_copy(config);
        trainer->config = config_copy(config);
        trainer->output = options->output ? strdup(options->output) : NULL;
        trainer->how = *options;
        trainer->saved = now_seconds();
    }
    if (!trainer || !trainer->arena || !trainer->given || !trainer->config || (options->output && !trainer->output))
        code = error_set(error, ERROR_MEMORY, "out of memory");
    else
        code = open_all(trainer, error);
    if (code) {
        trainer_free(trainer);
        return code;
    }
    *out = trainer;
    return 0;
}

void trainer_free(struct trainer *trainer)
{
    if (!trainer)
        return;
    if (trainer->state)
        trainer_abandon(trainer);
    train_program_free(trainer);
    eval_program_free(trainer);
    composition_close(&trainer->composition);
    scheduler_free(trainer->schedule.scheduler);
    metrics_free(trainer->loss);
    metrics_free(trainer->train_metrics);
    for (int k = 0; k < MAX_SETS; k++) {
        metrics_free(trainer->val_metrics[k]);
        metrics_free(trainer->test_metrics[k]);
    }
    csv_log_free(trainer->csv);
    log_drop(trainer);
    free(trainer->pending);
    history_free(&trainer->history);
    batch_free(trainer->batch);
    batch_free(trainer->eval_batch);
    free(trainer->frames);
    state_free(trainer->state);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        free(trainer->slab[d]);
        free(trainer->grads[d]);
        free(trainer->sum_grads[d]);
        for (int k = 0; k < MAX_TERMS; k++)
            free(trainer->term_grads[k][d]);
    }
    model_free(trainer->model);
    datamodule_free(trainer->data);
    team_free(trainer->team);
    config_free(trainer->given);
    config_free(trainer->config);
    arena_free(trainer->arena);
    free(trainer->output);
    free(trainer);
}

/* ---------------------------------------------------------------- looking */

int64_t trainer_epoch_now(const struct trainer *trainer)
{
    return cursor_of(trainer)->epoch;
}

int64_t trainer_global_step(const struct trainer *trainer)
{
    return cursor_of(trainer)->step;
}

int64_t trainer_batch_now(const struct trainer *trainer)
{
    return cursor_of(trainer)->batch;
}

int64_t trainer_batches(const struct trainer *trainer)
{
    return trainer->nbatches;
}

int64_t trainer_max_epochs(const struct trainer *trainer)
{
    return trainer->options.max_epochs;
}

int64_t trainer_max_steps(const struct trainer *trainer)
{
    return trainer->options.max_steps;
}

const char *trainer_output(const struct trainer *trainer)
{
    return trainer->output;
}

struct model *trainer_model(const struct trainer *trainer)
{
    return trainer->model;
}

struct state *trainer_state(const struct trainer *trainer)
{
    return trainer->state;
}

struct datamodule *trainer_data(const struct trainer *trainer)
{
    return trainer->data;
}

struct team *trainer_team(const struct trainer *trainer)
{
    return trainer->team;
}

const struct config_node *trainer_config(const struct trainer *trainer)
{
    return config_root(trainer->config);
}

const char *trainer_strategy(const struct trainer *trainer)
{
    return trainer->composition.kind->target.target;
}

struct program *trainer_program(const struct trainer *trainer)
{
    return trainer->train.program;
}

int trainer_save(struct trainer *trainer, const char *path, struct error *error)
{
    if (trainer->open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, before saving");
    return checkpoint_write(trainer, path, error);
}

int trainer_validate(struct trainer *trainer, struct error *error)
{
    if (trainer->open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it before a validation");
    if (!trainer->nval)
        return error_set(error, ERROR_STATE, "there is no validation data, or there are no val_metrics");
    int code = evaluate_role(trainer, ROLE_VAL, -1, 1, error);
    log_drop(trainer); /* looked at, not logged */
    return code;
}
