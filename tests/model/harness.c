#include "harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "data/format/extxyz.h"

char *read_text(const char *path) {
    struct error error = {0};
    char *text;
    size_t size;
    cr_assert_eq(file_read(path, &text, &size, &error), 0, "%s", error.message);
    return text;
}

static struct config *resolved(struct config *config) {
    struct error error = {0};
    struct config_context context = {.output_dir = "."};
    cr_assert_eq(config_resolve(config, &context, &error), 0, "%s", error.message);
    return config;
}

struct config *read_config(const char *path) {
    struct error error = {0};
    struct config *config;
    cr_assert_eq(config_read(&config, path, &error), 0, "%s", error.message);
    return resolved(config);
}

struct config *parse_config(const char *yaml) {
    struct error error = {0};
    struct config *config;
    cr_assert_eq(config_parse(&config, "test.yaml", yaml, strlen(yaml), &error), 0, "%s", error.message);
    return resolved(config);
}

struct model *build_model(const struct config *config) {
    struct error error = {0};
    struct model *model;
    cr_assert_eq(model_build(&model, config_root(config), &error), 0, "%s:%d: %s", error.file, error.line,
                 error.message);
    return model;
}

struct model *build_from(const char *yaml) {
    struct config *config = parse_config(yaml);
    struct model *model = build_model(config);
    config_free(config);
    return model;
}

/* ---------------------------------------------------------------- frames */

struct frames read_frames(const char *path) {
    struct error error = {0};
    struct extxyz_reader *reader;
    struct frames frames = {0, NULL};
    struct frame *frame = NULL;
    char *text = read_text(path);
    cr_assert_eq(extxyz_open(&reader, "frames", text, strlen(text), NULL, &error), 0, "%s", error.message);
    for (;;) {
        cr_assert_eq(extxyz_next(reader, &frame, &error), 0, "%s", error.message);
        if (!frame)
            break;
        frames.frames = realloc(frames.frames, (size_t)(frames.count + 1) * sizeof *frames.frames);
        cr_assert_not_null(frames.frames);
        /* a copy holds nothing of the reader's */
        frames.frames[frames.count] = frame_copy(frame);
        cr_assert_not_null(frames.frames[frames.count++]);
        frame_free(frame);
    }
    extxyz_close(reader);
    free(text);
    return frames;
}

void free_frames(struct frames *frames) {
    for (int k = 0; k < frames->count; k++)
        frame_free(frames->frames[k]);
    free(frames->frames);
}

void prepare_frame(struct frame *frame, const struct model *model) {
    struct error error = {0};
    const char *const *names = model_type_names(model);
    for (int i = 0; i < frame->atoms; i++) {
        frame->types[i] = -1;
        for (int t = 0; t < model_ntypes(model); t++)
            if (strcmp(names[t], frame->symbols[i]) == 0)
                frame->types[i] = t;
        cr_assert(frame->types[i] >= 0, "%s", frame->symbols[i]);
    }
    cr_assert_eq(frame_neighbours(frame, model_r_max(model), model_directed(model), 0, &error), 0, "%s", error.message);
}

/* ---------------------------------------------------------------- evaluation */

struct machine *machine_new(struct model *model) {
    struct error error = {0};
    struct model_outputs outputs;
    struct program_options options = {0};
    struct machine *machine = calloc(1, sizeof *machine);
    cr_assert_not_null(machine);
    machine->model = model;
    machine->graph = graph_new();
    machine->team = team_new(1);
    cr_assert_eq(model_emit(model, machine->graph, 1, &outputs, &error), 0, "%s", error.message);
    struct node *nodes[] = {outputs.total_energy, outputs.atomic_energy, outputs.forces, outputs.stress,
                            outputs.virial};
    cr_assert_eq(program_build(&machine->program, machine->graph, nodes, outputs.forces ? 5 : 2, &options, &error), 0,
                 "%s", error.message);
    return machine;
}

void machine_free(struct machine *machine) {
    batch_free(machine->batch);
    program_free(machine->program);
    graph_free(machine->graph);
    team_free(machine->team);
    model_free(machine->model);
    free(machine);
}

void run_program(struct program *program, struct team *team, const struct model *model, const struct batch *batch,
                 const struct extra *extra, void *const *outputs) {
    struct error error = {0};
    const void *inputs[16];
    int count = program_inputs(program);
    cr_assert(count <= 16);
    for (int k = 0; k < count; k++) {
        const char *name = program_input_name(program, k);
        inputs[k] = NULL;
        for (const struct extra *e = extra; e && e->name && !inputs[k]; e++)
            if (strcmp(e->name, name) == 0)
                inputs[k] = e->values;
        if (!inputs[k])
            inputs[k] = batch_input(batch, name);
        cr_assert_not_null(inputs[k], "%s", name);
    }
    struct program_binding binding = {.topology = &batch->topology,
                                      .inputs = inputs,
                                      .params = {model_slab(model, F32), model_slab(model, F64)},
                                      .outputs = outputs};
    cr_assert_eq(program_run(program, team, &binding, &error), 0, "%s", error.message);
}

struct result evaluate(struct machine *machine, struct frame *const *frames, int nframes) {
    struct error error = {0};
    struct result r = {0};
    for (int k = 0; k < nframes; k++)
        prepare_frame(frames[k], machine->model);
    cr_assert_eq(batch_join(&machine->batch, (const struct frame *const *)frames, nframes,
                            model_batch_options(machine->model), &error),
                 0, "%s", error.message);
    const struct batch *batch = machine->batch;
    r.atoms = batch->atoms;
    r.frames = batch->frames;
    size_t atoms = (size_t)r.atoms, count = (size_t)r.frames;
    r.total_energy = calloc(count + 1, sizeof(double));
    r.atomic_energy = calloc(atoms + 1, sizeof(double));
    r.forces = calloc(3 * atoms + 1, sizeof(double));
    r.stress = calloc(9 * count + 1, sizeof(double));
    r.virial = calloc(9 * count + 1, sizeof(double));
    void *outputs[] = {r.total_energy, r.atomic_energy, r.forces, r.stress, r.virial};
    run_program(machine->program, machine->team, machine->model, batch, NULL, outputs);
    return r;
}

void free_result(struct result *result) {
    free(result->total_energy);
    free(result->atomic_energy);
    free(result->forces);
    free(result->stress);
    free(result->virial);
}

double deviation(const double *got, const double *want, size_t count) {
    double scale = 1e-3, worst = 0;
    for (size_t k = 0; k < count; k++) {
        if (isnan(want[k]) && isnan(got[k])) /* a stress where there is no volume */
            continue;
        scale = fmax(scale, fabs(want[k]));
        worst = isfinite(got[k]) ? fmax(worst, fabs(got[k] - want[k])) : INFINITY;
    }
    return worst / scale;
}

size_t flatten(const struct config_node *node, double *out, size_t max) {
    if (config_kind(node) != CONFIG_LIST) {
        if (max)
            *out = config_float(node);
        return max > 0;
    }
    size_t count = 0;
    for (size_t k = 0; k < config_count(node); k++)
        count += flatten(config_at(node, k), out + count, max - count);
    return count;
}
