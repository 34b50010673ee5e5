#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/print.h"
#include "data/frame/batch.h"
#include "data/module/datamodule.h"
#include "data/transform/transforms.h"
#include "evaluation/evaluation.h"
#include "model/api.h"
#include "verb.h"

static const struct argument options[] = {
    {"model", 'm', "M", "a model YAML, a whole training config or a checkpoint"},
    {"weights", 'w', "FILE", "weights to use instead of the model's own (safetensors)"},
    {"json", 0, "FILE", "write predictions and loss terms as JSON"},
    {"loss-grads", 0, "FILE", "write the gradient of every loss term by every parameter (safetensors)"},
    {"output", 'o', "FILE", "where the predictions go as extxyz; standard output without it"},
    {"threads", 0, "N", "threads to compute with"},
    {"raw", 0, NULL, "the weights as trained, not their moving average"},
    {"times", 0, NULL, "print how long each frame took, and the memory at most"},
    {"memory", 0, "MB", "larger buffers are worked through in chunks; 64 without it, 0: no bound"},
};
enum { MODEL, WEIGHTS, JSON, LOSS_GRADS, OUTPUT, THREADS, RAW, TIMES, MEMORY, OPTIONS };

static int write_file(const struct evaluation *evaluation, const struct evaluation_terms *terms, const char *path,
                      struct error *error) {
    struct file_writer *writer = NULL;
    int code = file_writer_open(&writer, path, error);

    if (code)
        return code;
    if (terms)
        code = evaluation_write_json(evaluation, terms, file_writer_stream(writer), error);
    else
        code = evaluation_write_xyz(evaluation, file_writer_stream(writer), error);
    if (!code)
        return file_writer_commit(writer, error);
    file_writer_abort(writer);
    return code;
}

/* With a training config, frames are read as it reads its own: its names of keys, its transforms.  What else the model
 * takes is read as well. */
static int read_frames(struct dataset **out, struct fettle_model *model, const char *path, struct error *error) {
    const struct config_node *list, *data = config_get(fettle_inner_config(model), "data");
    const struct batch_options *takes = model_batch_options(fettle_inner(model));
    struct arena *arena = arena_new();
    struct transforms *transforms = NULL;
    struct extxyz_keys *keys;
    int code;

    *out = arena ? dataset_new() : NULL;
    code = *out ? datamodule_reading(data, takes->category_fields, takes->ncategories, arena, &keys, &list, error)
                : error_memory(error);
    if (!code)
        code = dataset_read(*out, path, keys, error);
    arena_free(arena);
    if (code || !list)
        return code;
    code = transforms_new(&transforms, list, error);
    for (size_t f = 0; f < (*out)->count && !code && !(code = interrupt_check(error)); f++)
        code = transforms_apply(transforms, (*out)->frames[f], error);
    transforms_free(transforms);
    return code;
}

/* Errors in the units people quote. */
static void print_errors(const struct evaluation_terms *errors, FILE *out) {
    static const struct {
        const char *prefix, *unit;
    } units[] = {{"per_atom_energy_", "meV/atom"}, {"forces_", "meV/A"}, {"stress_", "meV/A^3"}};

    for (size_t k = 0; k < errors->count; k++)
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            if (strncmp(errors->term[k].name, units[u].prefix, strlen(units[u].prefix)) == 0)
                print_file(out, "%-22s %12.4f %s\n", errors->term[k].name, 1e3 * errors->term[k].value, units[u].unit);
    if (!errors->count)
        fprintf(out, "no labels to compare with\n");
}

static void print_times(const struct evaluation *evaluation, FILE *out) {
    fprintf(out, "%8s %10s %12s %14s\n", "frame", "atoms", "s", "us an atom");
    for (size_t f = 0; f < evaluation->count; f++)
        print_file(out, "%8zu %10d %12.4f %14.3f\n", f, evaluation->frames[f]->atoms, evaluation->seconds[f],
                   1e6 * evaluation->seconds[f] / evaluation->frames[f]->atoms);
    print_file(out, "memory: %.1f MB at most\n", 1e-6 * (double)memory_high_water());
}

/* Nothing that is read, or written as well, may be written over.  config: what else is read, once that is known. */
static int check_outputs(const struct arguments *arguments, const struct config_node *config, struct error *error) {
    static const int outputs[] = {OUTPUT, JSON, LOSS_GRADS};
    const char *const inputs[] = {arguments->rest[0], arguments->value[MODEL], arguments->value[WEIGHTS]};
    const char *gradients = arguments->value[LOSS_GRADS];
    int code = 0;

    for (int k = 0; k < 3 && !code; k++) {
        const char *output = arguments->value[outputs[k]], *name = options[outputs[k]].name;
        code = verb_check_output(name, output, inputs, 3, config, error);
        if (!code && output && gradients && outputs[k] != LOSS_GRADS && strcmp(output, gradients) == 0)
            code =
                error_set(error, ERROR_VALUE, "--%s and --%s are one file, %s", name, options[LOSS_GRADS].name, output);
    }
    return code;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct fettle_options open = {.version = FETTLE_OPTIONS_VERSION,
                                  .weights = arguments->value[WEIGHTS],
                                  .raw_weights = arguments->value[RAW] != NULL};
    struct fettle_model *model = NULL;
    struct fettle_error cause = {0};
    struct evaluation evaluation = {0};
    struct evaluation_terms terms = {0};
    struct dataset *dataset = NULL;
    long threads = 0;
    int code;

    if (!arguments->value[MODEL])
        return error_set(error, ERROR_USAGE, "--model is missing");
    if ((code = arguments_integer(arguments, options, THREADS, 1, 1024, &threads, error)) ||
        (code = arguments_memory(arguments, options, MEMORY, &open.buffer_memory, error)))
        return code;
    open.threads = (int)threads;
    if ((code = check_outputs(arguments, NULL, error)) || (code = verb_check_config(arguments->value[MODEL], error)))
        goto out;
    if (fettle_open(&model, arguments->value[MODEL], &open, &cause)) {
        code = fettle_error_import(error, &cause);
        goto out;
    }
    if ((code = check_outputs(arguments, config_get(fettle_inner_config(model), "data"), error)) ||
        (code = read_frames(&dataset, model, arguments->rest[0], error)) ||
        (code = evaluation_run(&evaluation, model, dataset, error)))
        goto out;
    if (arguments->value[JSON]) {
        if ((code = evaluation_errors(&evaluation, EVALUATION_LOSS, &terms, error)) ||
            (code = write_file(&evaluation, &terms, arguments->value[JSON], error)))
            goto out;
    } else {
        const char *path = arguments->value[OUTPUT];
        if ((code = evaluation_errors(&evaluation, EVALUATION_ERRORS, &terms, error)))
            goto out;
        if (path && (code = write_file(&evaluation, NULL, path, error)))
            goto out;
        if (!path && (code = evaluation_write_xyz(&evaluation, stdout, error)))
            goto out;
        print_errors(&terms, path ? stdout : stderr);
        if (arguments->value[TIMES])
            print_times(&evaluation, path ? stdout : stderr);
    }
    if (arguments->value[LOSS_GRADS])
        code = evaluation_write_gradients(&evaluation, arguments->value[LOSS_GRADS], error);
out:
    evaluation_free(&evaluation);
    dataset_free(dataset);
    fettle_free(model);
    return code;
}

const struct verb verb_eval = {
    .name = "eval",
    .usage =
        "--model M [--weights W] [-o OUT.xyz | --json OUT.json] [--loss-grads G] [--times] [--memory MB] FRAMES.xyz",
    .summary = "evaluate frames: energies, forces, stress, and errors against their labels",
    .help =
        "Without --json the frames are written as extxyz with energy, forces, stress and energies per atom as the\n"
        "model predicts them (the labels as label_energy, label_forces, label_stress), and the errors are printed:\n"
        "on standard output, or on standard error where the frames go to standard output.",
    .options = options,
    .noptions = OPTIONS,
    .low = 1,
    .high = 1,
    .run = run,
};
