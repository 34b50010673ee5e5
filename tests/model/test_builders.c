/* What registration does around every builder, and what bad arguments are told. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"
#include "model/builder/builder.h"
#include "model/module/modules.h"

static const char good[] = "_target_: NequIPGNNModel\nseed: 5\nmodel_dtype: float32\ntype_names: [C, H]\nr_max: 3.5\n"
                           "avg_num_neighbors: 9\nnum_layers: 1\nnum_features: 2\nradial_mlp_width: 4\n";

/* ---------------------------------------------------------------- builders made for these tests */

struct seen {
    int calls, building;
    enum dtype dtype;
    double first; /* number drawn */
    int ntypes;
};

/* Where test builders note what they saw; one per test process. */
static struct seen outer_seen, inner_seen;

struct test_options {
    int64_t mode;
};
enum { PLAIN, FAIL, NEST_RAW, NEST_FRESH, NEST_FRESH_OTHER, NEST_FAIL };

static const struct option test_rows[] = {
    {"mode", OPTION_INT, 0, "0", offsetof(struct test_options, mode), NULL, "what the builder does"}};

static void note(struct build *build, struct seen *seen) {
    seen->calls++;
    seen->building = build->building;
    seen->dtype = build->dtype;
    seen->ntypes = build->ntypes;
    random_uniform_f64(build->random, &seen->first, 1, 0, 1);
}

static struct module *small_module(struct build *build) {
    struct module *sequence = sequence_new(build);
    return module_add(build, sequence, "edge_norm", edge_norm_new(build, 3, NULL)) ? sequence : NULL;
}

static int inner_build(struct build *build, const void *options, const struct config_node *args, struct module **out) {
    (void)args;
    note(build, &inner_seen);
    if (((const struct test_options *)options)->mode == FAIL)
        return error_set(build->error, ERROR_VALUE, "the inner one fails");
    *out = small_module(build);
    return 0;
}

static const struct builder inner = {.name = "Inner",
                                     .target = "test.Inner",
                                     .options = test_rows,
                                     .noptions = 1,
                                     .size = sizeof(struct test_options),
                                     .build = inner_build};

static int outer_build(struct build *build, const void *options, const struct config_node *args, struct module **out) {
    int64_t mode = ((const struct test_options *)options)->mode;
    const struct config_node *nested = config_get(args, "mode");
    (void)nested;
    note(build, &outer_seen);
    struct config *config = NULL;
    struct module *child = NULL;
    int code = 0;
    if (mode == FAIL)
        return error_set(build->error, ERROR_VALUE, "the outer one fails");
    if (mode == NEST_RAW || mode == NEST_FRESH || mode == NEST_FRESH_OTHER || mode == NEST_FAIL) {
        config = parse_config(mode == NEST_FRESH_OTHER ? "seed: 99\nmodel_dtype: float32\nmode: 0\n"
                              : mode == NEST_FAIL      ? "mode: 1\n"
                                                       : "mode: 0\n");
        code = mode == NEST_RAW ? builder_call(build, &inner, config_root(config), &child)
                                : builder_call_fresh(build, &inner, config_root(config), &child);
        config_free(config);
        if (code)
            return code;
        struct module *sequence = sequence_new(build);
        *out = module_add(build, sequence, "child", child) ? sequence : NULL;
        return 0;
    }
    *out = small_module(build);
    return 0;
}

static const struct builder outer = {.name = "Outer",
                                     .target = "test.Outer",
                                     .options = test_rows,
                                     .noptions = 1,
                                     .size = sizeof(struct test_options),
                                     .build = outer_build};

struct bench {
    struct build build;
    struct error error;
    struct random_stream stream;
    struct config *config;
};

/* A build in the middle of which a builder is called: with a stream and a dtype of its own. */
static struct bench *new_bench(const char *args) {
    struct bench *bench = calloc(1, sizeof *bench);
    cr_assert_not_null(bench);
    random_seed(&bench->stream, 7);
    bench->config = parse_config(args);
    bench->build = (struct build){
        .arena = arena_new(), .scratch = arena_new(), .error = &bench->error, .dtype = F32, .random = &bench->stream};
    return bench;
}

static void free_bench(struct bench *bench) {
    arena_free(bench->build.arena);
    arena_free(bench->build.scratch);
    config_free(bench->config);
    free(bench);
}

static double first_of_seed(uint64_t seed) {
    struct random_stream stream;
    double value;
    random_seed(&stream, seed);
    random_uniform_f64(&stream, &value, 1, 0, 1);
    return value;
}

static int call_outer(struct bench *bench, struct module **out) {
    return builder_call(&bench->build, &outer, config_root(bench->config), out);
}

/* The build is as before: stream, dtype, state. */
static void expect_put_back(const struct bench *bench) {
    cr_expect_eq(bench->build.dtype, F32);
    cr_expect_eq(bench->build.building, 0);
    cr_expect_eq(bench->build.random, &bench->stream);
    cr_expect_eq(bench->build.outer.set, 0);
    cr_expect_eq(bench->build.ntypes, 0);
    double next;
    struct random_stream copy = bench->stream;
    random_uniform_f64(&copy, &next, 1, 0, 1);
    cr_expect_eq(next, first_of_seed(7), "another stream was drawn from");
}

#define ARGS "seed: 31\nmodel_dtype: float64\ntype_names: [C, H, O]\n"

Test(builders, seed_dtype_and_types_are_required) {
    static const char *const lacking[] = {"model_dtype: float64\ntype_names: [C]\n", "seed: 1\ntype_names: [C]\n",
                                          "seed: 1\nmodel_dtype: float64\n"};
    static const char *const names[] = {"seed", "model_dtype", "type_names"};
    for (int k = 0; k < 3; k++) {
        struct bench *bench = new_bench(lacking[k]);
        struct module *module;
        cr_expect_eq(call_outer(bench, &module), ERROR_VALUE);
        cr_expect(strstr(bench->error.message, names[k]) != NULL, "%s", bench->error.message);
        cr_expect_eq(outer_seen.calls, 0);
        expect_put_back(bench);
        free_bench(bench);
    }
}

Test(builders, a_call_from_outside_is_seeded_typed_and_wrapped) {
    struct bench *bench = new_bench(ARGS);
    struct module *module;
    cr_assert_eq(call_outer(bench, &module), 0, "%s", bench->error.message);
    cr_expect_str_eq(module->class->name, "GraphModel");
    cr_expect_not_null(module_child(module, "model"));
    cr_expect_eq(outer_seen.building, 1);
    cr_expect_eq(outer_seen.dtype, F64);
    cr_expect_eq(outer_seen.ntypes, 3);
    cr_expect_eq(outer_seen.first, first_of_seed(31));
    cr_expect_eq(bench->build.finished.dtype, F64);
    expect_put_back(bench);
    free_bench(bench);
}

Test(builders, compile_mode_is_accepted_without_meaning) {
    struct bench *bench = new_bench(ARGS "compile_mode: compile\n");
    struct module *module;
    cr_expect_eq(call_outer(bench, &module), 0, "%s", bench->error.message);
    free_bench(bench);
}

Test(builders, failure_puts_everything_back) {
    struct bench *bench = new_bench(ARGS "mode: 1\n");
    struct module *module;
    cr_expect_eq(call_outer(bench, &module), ERROR_VALUE);
    cr_expect_null(module);
    expect_put_back(bench);
    free_bench(bench);
    bench = new_bench(ARGS "mode: 5\n");
    cr_expect_eq(call_outer(bench, &module), ERROR_VALUE);
    cr_expect_str_eq(bench->error.message, "the inner one fails");
    expect_put_back(bench);
    free_bench(bench);
}

Test(builders, a_nested_call_runs_raw) {
    struct bench *bench = new_bench(ARGS "mode: 2\n");
    struct module *module;
    cr_assert_eq(call_outer(bench, &module), 0, "%s", bench->error.message);
    const struct module *child = module_child(module_child(module, "model"), "child");
    cr_expect_str_eq(child->class->name, "SequentialGraphNetwork", "wrapped again");
    /* the second number of the outer stream: no second seeding */
    struct random_stream stream;
    double numbers[2];
    random_seed(&stream, 31);
    random_uniform_f64(&stream, numbers, 1, 0, 1);
    random_uniform_f64(&stream, numbers + 1, 1, 0, 1);
    cr_expect_eq(inner_seen.first, numbers[1]);
    cr_expect_eq(inner_seen.dtype, F64);
    expect_put_back(bench);
    free_bench(bench);
}

Test(builders, seed_is_unknown_to_a_raw_call) {
    struct bench *bench = new_bench("seed: 3\nmode: 0\n");
    struct module *module;
    bench->build.building = 1;
    cr_expect_eq(builder_call(&bench->build, &inner, config_root(bench->config), &module), ERROR_NAME);
    cr_expect(strstr(bench->error.message, "seed") != NULL, "%s", bench->error.message);
    free_bench(bench);
}

Test(builders, a_fresh_nested_build_inherits_the_three) {
    struct bench *bench = new_bench(ARGS "mode: 3\n");
    struct module *module;
    cr_assert_eq(call_outer(bench, &module), 0, "%s", bench->error.message);
    const struct module *child = module_child(module_child(module, "model"), "child");
    cr_expect_str_eq(child->class->name, "GraphModel");
    cr_expect_eq(inner_seen.first, first_of_seed(31), "not seeded afresh");
    cr_expect_eq(inner_seen.dtype, F64);
    cr_expect_eq(inner_seen.ntypes, 3);
    expect_put_back(bench);
    free_bench(bench);
}

Test(builders, a_fresh_nested_build_may_have_its_own) {
    struct bench *bench = new_bench(ARGS "mode: 4\n");
    struct module *module;
    cr_assert_eq(call_outer(bench, &module), 0, "%s", bench->error.message);
    cr_expect_eq(inner_seen.first, first_of_seed(99));
    cr_expect_eq(inner_seen.dtype, F32);
    cr_expect_eq(inner_seen.ntypes, 3);
    cr_expect_eq(bench->build.finished.dtype, F64, "the outer build's dtype was lost");
    expect_put_back(bench);
    free_bench(bench);
}

/* ---------------------------------------------------------------- bad arguments */

struct bad {
    const char *lines, *message;
};

static const struct bad bad[] = {
    {"num_featurs: 3\n", "num_features"},
    {"num_layers: two\n", "num_layers"},
    {"num_layers: 0\n", "num_layers"},
    {"l_max: 12\n", "l_max"},
    {"l_max: 2\nnum_features: [4, 3]\n", "num_features"},
    {"num_features: [4, -3]\n", "num_features"},
    {"model_dtype: float16\n", "float32"},
    {"type_names: []\n", "type_names"},
    {"type_names: [C, C]\n", "twice"},
    {"type_names: [C, \"H+\"]\n", "H+"},
    {"avg_num_neighbors: {C: 5}\n", "\"H\""},
    {"avg_num_neighbors: {C: 5, Hh: 3, H: 2}\n", "did you mean \"H\""},
    {"avg_num_neighbors: 0\n", "avg_num_neighbors"},
    {"avg_num_neighbors: many\n", "avg_num_neighbors"},
    {"per_type_energy_shifts: [1, 2]\n", "per_type_energy_shifts"},
    {"per_type_energy_shifts: {C: a, H: 1}\n", "number"},
    {"per_edge_type_cutoff: {C: 9}\n", "r_max"},
    {"per_edge_type_cutoff: {X: 2}\n", "\"X\""},
    {"readout_mlp_nonlinearity: sillu\n", "silu"},
    {"readout_mlp_hidden_layers_depth: 1\nreadout_mlp_hidden_layers_width: 0\n", "readout_mlp_hidden_layers_width"},
    {"type_embed_num_features: 0\n", "type_embed_num_features"},
    {"convnet_nonlinearity_type: gates\n", "gate"},
    {"convnet_nonlinearity_scalars: {e: silu, o: silu}\nnum_layers: 4\n", "odd"},
    {"convnet_nonlinearity_scalars: {e: sil, o: tanh}\n", "silu"},
    {"convnet_nonlinearity_gates: {e: silu}\n", "\"o\""},
    {"learnable_shift: true\nconvnet_sc: false\n", "learnable_shift"},
    {"polynomial_cutoff_p: 1\n", "polynomial_cutoff_p"},
    {"polynomial_cutoff_p: 1.9\n", "polynomial_cutoff_p"},
    {"r_max: -1\n", "r_max"},
    {"r_max: null\n", "r_max"},
    {"pair_potential: {_target_: nequip.nn.pair_potential.ZLB, units: metal}\n", "ZBL"},
    {"pair_potential: {_target_: zbl, units: metal, chemical_species: [C]}\n", "chemical_species"},
    {"pair_potential: {_target_: zbl, units: metal, chemical_species: [C, Qq]}\n", "Qq"},
    {"pair_potential: {_target_: zbl, units: imperial, chemical_species: [C, H]}\n", "metal"},
    {"pair_potential: {_target_: lennard_jones, lj_sigma: [[1, 2], [3, 4]], lj_epsilon: 1}\n", "symmetric"},
    {"pair_potential: {_target_: lennard_jones, lj_sigma: 1}\n", "lj_epsilon"},
    {"categorical_graph_field_embed: [{field: chrge, num_features: 1, min: 0, max: 1}]\n", "charge"},
    {"categorical_graph_field_embed: [{field: charge, num_features: 1, min: 2, max: 1}]\n", "min"},
    {"seed: x\n", "seed"},
    {"_target_: nequip.model.NequipGNNModel\n", "NequIPGNNModel"},
    {"_target_: FullNequIPGNNModel\n", "num_layers"},
    {"_target_: nequip.model.modify\n", "per_type_energy_scales"},
    {"_target_: nequip.model.saved_models.ModelFromPackage\n", "ModelFromCheckpoint"},
    {"num_layers: 2\nnum_features: 65536\n", "too"},
    {"num_features: 1000000000\n", "65536"},
};
enum { BAD = sizeof bad / sizeof *bad };

ParameterizedTestParameters(builders, bad_arguments_have_one_clear_error) {
    static int k[BAD];
    for (int n = 0; n < BAD; n++)
        k[n] = n;
    return cr_make_param_array(int, k, BAD);
}

/* good, but with the lines' keys in place of its own. */
static char *with_lines(const char *lines) {
    char *text = calloc(1, sizeof good + strlen(lines) + 1);
    for (const char *line = good; *line; line = strchr(line, '\n') + 1) {
        size_t key = strcspn(line, ":") + 1, size = strcspn(line, "\n") + 1;
        int replaced = 0;
        for (const char *own = lines; *own; own = strchr(own, '\n') + 1)
            replaced = replaced || strncmp(own, line, key) == 0;
        if (!replaced)
            strncat(text, line, size);
    }
    return strcat(text, lines);
}

ParameterizedTest(int *k, builders, bad_arguments_have_one_clear_error) {
    char *yaml = with_lines(bad[*k].lines);
    struct config *config = parse_config(yaml);
    struct error error = {0};
    struct model *model;
    int code = model_build(&model, config_root(config), &error);
    cr_expect(code != 0, "%s was accepted", bad[*k].lines);
    cr_expect_null(model);
    cr_expect(strstr(error.message, bad[*k].message) != NULL, "%s: %s", bad[*k].lines, error.message);
    cr_expect(error.line > 0, "no place: %s", error.message);
    free(yaml);
    config_free(config);
}

Test(builders, check_waits_for_statistics) {
    static const char yaml[] = "_target_: NequIPGNNModel\nseed: 5\nmodel_dtype: float64\ntype_names: [C, H]\n"
                               "r_max: 3.5\navg_num_neighbors: ${training_data_stats:num_neighbors_mean}\n"
                               "per_type_energy_scales: ${training_data_stats:forces_rms}\n";
    struct error error = {0};
    struct config *config;
    struct config_context context = {.output_dir = "."};
    struct model *model;
    cr_assert_eq(config_parse(&config, "test.yaml", yaml, strlen(yaml), &error), 0);
    cr_assert_eq(config_resolve(config, &context, &error), 0, "%s", error.message);
    cr_expect_eq(model_check(config_root(config), &error), 0, "%s", error.message);
    cr_expect_eq(model_build(&model, config_root(config), &error), ERROR_STATE);
    config_free(config);
}

Test(builders, the_registry_describes_itself) {
    struct text text = {0};
    static const char *const expected[] = {"nequip.model.NequIPGNNModel", "num_layers: int = 4",
                                           "nequip.model.ModelFromCheckpoint", "nequip.nn.pair_potential.ZBL",
                                           "r_max: float, required"};
    builders_print(&text);
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++)
        cr_expect(strstr(text.data, expected[k]) != NULL, "%s", expected[k]);
    text_free(&text);
}
