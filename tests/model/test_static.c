/* Against NequIP: the tree's text, the weights of a seed, energies, forces, stress, loss terms and their gradients. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

enum { MAX_CASES = 64 };

/* The folders of TEST_REFERENCE_DIR/static, by name. */
static int list_cases(char names[MAX_CASES][64]) {
    struct dirent **entries;
    int count = 0, n = scandir(TEST_REFERENCE_DIR "/static", &entries, NULL, alphasort);
    for (int k = 0; k < n; k++) {
        if (entries[k]->d_name[0] != '.' && count < MAX_CASES)
            snprintf(names[count++], 64, "%.63s", entries[k]->d_name);
        free(entries[k]);
    }
    if (n >= 0)
        free(entries);
    return count;
}

static char *path_of(int k, const char *file) {
    static char path[512], names[MAX_CASES][64];
    cr_assert(k < list_cases(names));
    snprintf(path, sizeof path, "%s/static/%s/%s", TEST_REFERENCE_DIR, names[k], file);
    return path;
}

static struct criterion_test_params indices(void) {
    static int k[MAX_CASES];
    char names[MAX_CASES][64];
    for (int n = 0; n < MAX_CASES; n++)
        k[n] = n;
    return cr_make_param_array(int, k, (size_t)list_cases(names));
}

#define EACH_CASE(name)                                                                                                \
    ParameterizedTestParameters(static_cases, name) {                                                                  \
        return indices();                                                                                              \
    }                                                                                                                  \
    ParameterizedTest(int *k, static_cases, name)

static struct model *case_model(int k) {
    struct config *config = read_config(path_of(k, "model.yaml"));
    struct model *model = build_model(config);
    config_free(config);
    return model;
}

static struct model *case_model_with_weights(int k) {
    struct error error = {0};
    struct safetensors *file;
    struct model *model = case_model(k);
    cr_assert_eq(safetensors_read(&file, path_of(k, "weights.safetensors"), &error), 0, "%s", error.message);
    cr_assert_eq(model_load_weights(model, file, &error), 0, "%s", error.message);
    safetensors_free(file);
    return model;
}

static double number(const struct tensor *tensor, size_t k) {
    float single;
    double value;
    if (strcmp(tensor->dtype, "F32") == 0) {
        memcpy(&single, (const char *)tensor->data + 4 * k, 4);
        return single;
    }
    memcpy(&value, (const char *)tensor->data + 8 * k, 8);
    return value;
}

EACH_CASE(print_as_in_pytorch) {
    struct model *model = case_model(*k);
    struct text text = {0};
    model_print(model, &text);
    text_add(&text, "\n");
    char *want = read_text(path_of(*k, "model.txt"));
    cr_expect_str_eq(text.data, want);
    free(want);
    text_free(&text);
    model_free(model);
}

EACH_CASE(draw_the_weights_of_the_seed) {
    struct error error = {0};
    struct model *model = case_model(*k);
    struct safetensors *file;
    cr_assert_eq(safetensors_read(&file, path_of(*k, "weights.safetensors"), &error), 0, "%s", error.message);
    cr_expect_eq((size_t)model_nparameters(model), safetensors_count(file));
    for (int n = 0; n < model_nparameters(model); n++) {
        const struct parameter *p = model_parameter(model, n);
        const struct tensor *tensor = safetensors_find(file, p->name);
        cr_assert_not_null(tensor, "%s", p->name);
        cr_assert_eq(tensor->ndim, p->ndim, "%s", p->name);
        cr_expect_str_eq(tensor->dtype, p->dtype == F64 ? "F64" : "F32");
        const double *f64 = (const double *)model_slab(model, F64) + p->offset;
        const float *f32 = (const float *)model_slab(model, F32) + p->offset;
        double tolerance = strstr(p->name, "_w3j_") ? 1e-15 : p->dtype == F64 ? 0 : 1e-6;
        if (strstr(path_of(*k, ""), "odd_scalars") && strstr(p->name, "edge_mlp"))
            tolerance = INFINITY; /* this case has larger radial weights, so that rare features count */
        for (size_t m = 0; m < p->numel; m++) {
            double got = p->dtype == F64 ? f64[m] : (double)f32[m];
            cr_assert(fabs(got - number(tensor, m)) <= tolerance, "%s[%zu]: %.17g, NequIP %.17g", p->name, m, got,
                      number(tensor, m));
        }
    }
    cr_expect_eq(model_load_weights(model, file, &error), 0, "%s", error.message);
    safetensors_free(file);
    model_free(model);
}

static void hold(const char *what, const double *got, const struct config_node *want, double tolerance) {
    static double flat[20000];
    size_t count = flatten(want, flat, 20000);
    cr_assert(count > 0, "%s", what);
    double worst = deviation(got, flat, count);
    cr_expect(worst <= tolerance, "%s deviates by %.2e", what, worst);
}

EACH_CASE(give_energies_forces_and_stress) {
    struct config *expected = read_config(path_of(*k, "expected.json"));
    const struct config_node *want = config_get(config_root(expected), "frames");
    struct frames frames = read_frames(path_of(*k, "frames.xyz"));
    struct machine *machine = machine_new(case_model_with_weights(*k));
    cr_assert_eq((size_t)frames.count, config_count(want));
    for (int f = 0; f < frames.count; f++) {
        struct result r = evaluate(machine, &frames.frames[f], 1);
        const struct config_node *frame = config_at(want, (size_t)f);
        cr_expect_eq(machine->batch->edges, config_int(config_get(frame, "num_edges")));
        double scale = model_dtype(machine->model) == F32 ? 2e5 : 1;
        hold("total_energy", r.total_energy, config_get(frame, "total_energy"), 1e-10 * scale);
        hold("atomic_energy", r.atomic_energy, config_get(frame, "atomic_energy"), 1e-10 * scale);
        hold("forces", r.forces, config_get(frame, "forces"), 1e-9 * scale);
        if (config_get(frame, "stress"))
            hold("stress", r.stress, config_get(frame, "stress"), 1e-9 * scale);
        free_result(&r);
    }
    machine_free(machine);
    free_frames(&frames);
    config_free(expected);
}

/* The mean square error of forces and of energies per atom: its gradients go through second derivatives. */
EACH_CASE(give_losses_and_their_gradients) {
    struct error error = {0};
    struct model *model = case_model_with_weights(*k);
    struct frames frames = read_frames(path_of(*k, "frames.xyz"));
    struct config *expected = read_config(path_of(*k, "expected.json"));
    const struct config_node *want = config_get(config_root(expected), "loss_terms");
    struct graph *graph = graph_new();
    struct model_outputs out;
    cr_assert_eq(model_emit(model, graph, 1, &out, &error), 0, "%s", error.message);
    for (int f = 0; f < frames.count; f++)
        prepare_frame(frames.frames[f], model);
    struct batch *batch = NULL;
    cr_assert_eq(batch_join(&batch, (const struct frame *const *)frames.frames, frames.count,
                            model_batch_options(model), &error),
                 0, "%s", error.message);

    struct node *per_atom = graph_unary(graph, UNARY_POWER, graph_input(graph, "num_atoms", F64, DIM_FRAMES, 0, 1), -1);
    struct node *energy =
        graph_sub(graph, out.total_energy, graph_input(graph, "target:total_energy", F64, DIM_FRAMES, 0, 1));
    struct node *forces = graph_sub(graph, out.forces, graph_input(graph, "target:forces", F64, DIM_ATOMS, 0, 3));
    energy = graph_mul(graph, energy, per_atom);
    struct node *terms[] = {
        graph_scale(graph, graph_sum(graph, graph_mul(graph, energy, energy), AXIS_ALL), 1.0 / batch->frames),
        graph_scale(graph, graph_sum(graph, graph_mul(graph, forces, forces), AXIS_ALL), 1.0 / (3 * batch->atoms))};
    static const char *const names[] = {"per_atom_energy_mse", "forces_mse"};

    int count = 0, entries = model_nparameters(model);
    struct node **wrt = calloc((size_t)entries + 1, sizeof *wrt);
    struct node **outputs = calloc(2 * (size_t)entries + 2, sizeof *outputs);
    const struct parameter **of = calloc((size_t)entries + 1, sizeof *of);
    for (int n = 0; n < entries; n++)
        if (!model_parameter(model, n)->is_buffer) {
            of[count] = model_parameter(model, n);
            wrt[count++] = model_parameter_node(model, graph, n);
        }
    for (int t = 0; t < 2; t++) {
        outputs[t * (count + 1)] = terms[t];
        cr_assert_eq(graph_grad(graph, terms[t], NULL, wrt, count, outputs + t * (count + 1) + 1), 0);
    }
    struct program *program;
    struct program_options options = {0};
    struct team *team = team_new(1);
    cr_assert_eq(program_build(&program, graph, outputs, 2 * (count + 1), &options, &error), 0, "%s", error.message);
    void **values = calloc(2 * (size_t)count + 2, sizeof *values);
    for (int n = 0; n < 2 * (count + 1); n++) {
        int p = n % (count + 1) - 1;
        values[n] = calloc(p < 0 ? 1 : of[p]->numel, sizeof(double));
    }
    run_program(program, team, model, batch, NULL, values);

    double scale = model_dtype(model) == F32 ? 2e5 : 1;
    struct safetensors *grads;
    cr_assert_eq(safetensors_read(&grads, path_of(*k, "grads.safetensors"), &error), 0, "%s", error.message);
    for (int t = 0; t < 2; t++) {
        hold(names[t], values[t * (count + 1)], config_get(want, names[t]), 1e-9 * scale);
        for (int p = 0; p < count; p++) {
            char name[256];
            snprintf(name, sizeof name, "%s/%s", names[t], of[p]->name);
            const struct tensor *tensor = safetensors_find(grads, name);
            cr_assert_not_null(tensor, "%s", name);
            double *flat = calloc(of[p]->numel, sizeof *flat);
            for (size_t m = 0; m < of[p]->numel; m++)
                flat[m] = number(tensor, m);
            const void *got = values[t * (count + 1) + 1 + p];
            double *wide = calloc(of[p]->numel, sizeof *wide);
            for (size_t m = 0; m < of[p]->numel; m++)
                wide[m] = of[p]->dtype == F64 ? ((const double *)got)[m] : ((const float *)got)[m];
            double worst = deviation(wide, flat, of[p]->numel);
            free(wide);
            cr_expect(worst <= 1e-8 * scale, "gradient %s deviates by %.2e", name, worst);
            free(flat);
        }
    }
    for (int n = 0; n < 2 * (count + 1); n++)
        free(values[n]);
    free(values);
    free(wrt);
    free(outputs);
    free(of);
    safetensors_free(grads);
    program_free(program);
    team_free(team);
    graph_free(graph);
    batch_free(batch);
    config_free(expected);
    free_frames(&frames);
    model_free(model);
}
