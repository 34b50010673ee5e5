/* Options of the builders against NequIP: the tree's text, the state dict, energies and forces. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

enum { MAX_CASES = 64 };

/* The folders of options, by name. */
static int list_cases(char names[MAX_CASES][64]) {
    struct dirent **entries;
    int count = 0, n = scandir(TEST_DATA_DIR "/options", &entries, NULL, alphasort);
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
    snprintf(path, sizeof path, "%s/options/%s/%s", TEST_DATA_DIR, names[k], file);
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
    ParameterizedTestParameters(options, name) {                                                                       \
        return indices();                                                                                              \
    }                                                                                                                  \
    ParameterizedTest(int *k, options, name)

static struct model *case_model(int k) {
    struct config *config = read_config(path_of(k, "model.yaml"));
    struct error error = {0};
    cr_expect_eq(model_check(config_root(config), &error), 0, "%s", error.message);
    struct model *model = build_model(config);
    config_free(config);
    return model;
}

EACH_CASE(print_as_in_pytorch) {
    struct model *model = case_model(*k);
    struct text text = {0};
    model_print(model, &text);
    text_add(&text, "\n");
    char *want = read_text(path_of(*k, "model.txt"));
    cr_expect_str_eq(text.data, want, "%s", path_of(*k, ""));
    free(want);
    text_free(&text);
    model_free(model);
}

EACH_CASE(keep_the_state_of_pytorch) {
    struct model *model = case_model(*k);
    struct text text = {0};
    for (int n = 0; n < model_nparameters(model); n++) {
        const struct parameter *p = model_parameter(model, n);
        text_format(&text, "%s %s %s", p->name, dtype_name(p->dtype), p->is_buffer ? "b" : p->frozen ? "f" : "p");
        for (int d = 0; d < p->ndim; d++)
            text_format(&text, " %d", p->shape[d]);
        text_add(&text, "\n");
    }
    char *want = read_text(path_of(*k, "state.txt"));
    cr_expect_str_eq(text.data, want, "%s", path_of(*k, ""));
    free(want);
    text_free(&text);
    model_free(model);
}

static void hold(int k, const char *what, const double *got, const struct config_node *want, double tolerance) {
    double flat[1000];
    double worst = deviation(got, flat, flatten(want, flat, 1000));
    cr_expect(worst <= tolerance, "%s: %s deviates by %.2e", path_of(k, ""), what, worst);
}

EACH_CASE(give_energies_and_forces) {
    struct config *expected = read_config(path_of(*k, "expected.json"));
    const struct config_node *want = config_get(config_root(expected), "frames");
    struct machine *machine = machine_new(case_model(*k));
    struct frames frames = read_frames(TEST_DATA_DIR "/frames.xyz");
    double tolerance = model_dtype(machine->model) == F32 ? 2e-4 : 1e-9;
    for (size_t f = 0; f < config_count(want); f++) {
        const double charge = 1, spin = 2, dataset = 1;
        frame_set_field(frames.frames[f], "charge", 0, 1, &charge);
        frame_set_field(frames.frames[f], "spin", 0, 1, &spin);
        frame_set_field(frames.frames[f], "dataset", 0, 1, &dataset);
        struct result r = evaluate(machine, &frames.frames[f], 1);
        const struct config_node *frame = config_at(want, f);
        hold(*k, "total_energy", r.total_energy, config_get(frame, "total_energy"), tolerance);
        hold(*k, "atomic_energy", r.atomic_energy, config_get(frame, "atomic_energy"), tolerance);
        if (config_get(frame, "forces"))
            hold(*k, "forces", r.forces, config_get(frame, "forces"), tolerance);
        free_result(&r);
    }
    machine_free(machine);
    free_frames(&frames);
    config_free(expected);
}
