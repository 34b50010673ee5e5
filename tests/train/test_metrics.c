#include "metrics_cases.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/core/state.h"

static struct metrics *metrics_of(const char *yaml, struct state *state) {
    struct config *config = config_of(yaml);
    struct error error = {0};
    struct metrics *metrics = NULL;
    cr_assert_eq(metrics_check(config_root(config), 0, &error), 0, "%s", error.message);
    cr_assert_eq(metrics_new(&metrics, config_root(config), TYPES, metrics_type_names, state, "metrics.", &error), 0,
                 "%s", error.message);
    config_free(config);
    return metrics;
}

ParameterizedTestParameters(metrics, follow_nequip) {
    static int cases[METRIC_CASES];
    for (int k = 0; k < METRIC_CASES; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, METRIC_CASES);
}

static void expect_names(const struct metrics *metrics, const char *names) {
    char text[1024], *save = NULL;
    size_t k = 0;
    snprintf(text, sizeof text, "%s", names);
    for (char *name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save), k++) {
        /* blanks in names are written as ~ in the file */
        for (char *c = name; *c; c++)
            if (*c == '~')
                *c = ' ';
        cr_assert_lt(k, metrics_count(metrics));
        cr_expect_str_eq(metrics_name(metrics, k), name);
    }
    cr_expect_eq(k, metrics_count(metrics));
}

static void expect_values(const struct metrics *metrics, const double *values, const char *line) {
    double wanted[MAX_VALUES];
    cr_assert_eq(numbers_read(line, wanted, MAX_VALUES), metrics_count(metrics));
    for (size_t k = 0; k < metrics_count(metrics); k++)
        /* torchmetrics takes cosines in single precision */
        expect_near(values[k], wanted[k], strstr(metrics_name(metrics, k), "osine") ? 1e-6 : 1e-13,
                    metrics_name(metrics, k));
}

ParameterizedTest(int *which, metrics, follow_nequip) {
    struct metrics_reference *reference = metrics_reference_read();
    const struct metrics_case *wanted = &reference->cases[*which];
    struct state *state = state_new();
    struct metrics *metrics = metrics_of(wanted->yaml, state);
    expect_names(metrics, wanted->names);
    /* twice, to see that an epoch begins afresh */
    for (int epoch = 0; epoch < 2; epoch++) {
        double values[MAX_VALUES];
        for (int b = 0; b < BATCHES; b++) {
            struct error error = {0};
            cr_assert_eq(
                metrics_update(metrics, reference->batch[b].batch, &reference->batch[b].prediction, values, &error), 0,
                "%s", error.message);
            expect_values(metrics, values, wanted->step[b]);
        }
        metrics_compute(metrics, values);
        expect_values(metrics, values, wanted->epoch);
        metrics_reset(metrics);
    }
    metrics_free(metrics);
    state_free(state);
    metrics_reference_free(reference);
}

/* A sum, and moments. */
Test(metrics, an_interrupted_epoch_goes_on_from_the_state) {
    static const int cases[] = {9, METRIC_CASES - 1};
    struct metrics_reference *reference = metrics_reference_read();
    for (int k = 0; k < 2; k++) {
        struct state *state = state_new();
        struct metrics *metrics = metrics_of(reference->cases[cases[k]].yaml, state);
        double values[MAX_VALUES];
        struct error error = {0};
        metrics_update(metrics, reference->batch[0].batch, &reference->batch[0].prediction, NULL, &error);
        struct snapshot *snapshot = state_save(state);
        for (int b = 0; b < BATCHES; b++)
            metrics_update(metrics, reference->batch[b].batch, &reference->batch[b].prediction, NULL, &error);
        cr_assert_eq(state_restore(state, snapshot, &error), 0, "%s", error.message);
        for (int b = 1; b < BATCHES; b++)
            metrics_update(metrics, reference->batch[b].batch, &reference->batch[b].prediction, NULL, &error);
        metrics_compute(metrics, values);
        expect_values(metrics, values, reference->cases[cases[k]].epoch);
        snapshot_free(snapshot);
        metrics_free(metrics);
        state_free(state);
    }
    metrics_reference_free(reference);
}

Test(metrics, coefficients_are_normalised) {
    struct metrics *metrics = metrics_of(
        "{_target_: nequip.train.EnergyForceStressLoss, coeffs: {total_energy: 1, forces: null, stress: 3}}", NULL);
    cr_assert_eq(metrics_nterms(metrics), 3);
    cr_expect_eq(metrics_coefficient(metrics, 0), 0.25);
    cr_expect(isnan(metrics_coefficient(metrics, 1)));
    cr_expect_eq(metrics_coefficient(metrics, 2), 0.75);
    cr_expect_eq(metrics_find_term(metrics, "stress_mse"), 2);
    cr_expect_eq(metrics_find_term(metrics, "stress_rmse"), -1);
    cr_expect_eq(metrics_count(metrics), 4);
    double values[] = {NAN, 2, 2}, none[] = {NAN, NAN, NAN}, zero[] = {0, 0, NAN}, endless[] = {1, INFINITY, 1};
    struct error error = {0};
    cr_expect_eq(metrics_set_coefficients(metrics, values, &error), 0);
    cr_expect(isnan(metrics_coefficient(metrics, 0)));
    cr_expect_eq(metrics_coefficient(metrics, 1), 0.5);
    cr_expect_eq(metrics_set_coefficients(metrics, endless, &error), ERROR_VALUE);
    cr_expect_eq(metrics_coefficient(metrics, 1), 0.5);
    cr_expect_eq(metrics_set_coefficients(metrics, zero, &error), 0);
    cr_expect_eq(metrics_has_weighted_sum(metrics), 0);
    cr_expect_eq(metrics_set_coefficients(metrics, none, &error), 0);
    cr_expect_eq(metrics_count(metrics), 3);
    cr_expect_eq(metrics_max_count(metrics), 4);
    cr_expect_eq(metrics_nfields(metrics), 3);
    cr_expect_str_eq(metrics_field(metrics, 2), "stress");
    cr_expect(metrics_predicts(metrics, "stress"));
    cr_expect_not(metrics_predicts(metrics, "virial"));
    cr_expect(metrics_needs_derivatives(metrics));
    metrics_free(metrics);
}

Test(metrics, frames_without_the_labels_are_named) {
    struct metrics_reference *reference = metrics_reference_read();
    struct metrics *metrics =
        metrics_of("{_target_: nequip.train.EnergyForceStressLoss, ignore_nan: {forces: true}}", NULL);
    struct frame *frame = reference->batch[2].frames[0];
    struct error error = {0};
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), 0, "%s", error.message);
    frame->ordinal = 17;
    double *forces = frame_field(frame, "forces")->values, *stress = frame_field(frame, "stress")->values;
    forces[4] = NAN;
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), 0, "%s", error.message);
    forces[4] = INFINITY;
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), ERROR_DATA);
    cr_expect_str_eq(error.message, "frame 17 of made.xyz: \"forces\" is infinite for atom 1");
    forces[4] = 0;
    stress[2] = NAN;
    error = (struct error){0};
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "\"stress\" is NaN"), "%s", error.message);
    frame_set_field(frame, "stress", 0, 6, NULL);
    error = (struct error){0};
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "6 numbers in all, not 9"), "%s", error.message);
    frame_remove_field(frame, "stress");
    error = (struct error){0};
    cr_expect_eq(metrics_check_frame(metrics, frame, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "frame 17 of made.xyz has no \"stress\""), "%s", error.message);
    cr_expect(strstr(error.message, "it has total_energy, "), "%s", error.message);
    metrics_free(metrics);
    metrics_reference_free(reference);
}

Test(metrics, a_model_that_gives_too_little_is_named) {
    struct metrics_reference *reference = metrics_reference_read();
    struct metrics *metrics = metrics_of("{_target_: nequip.train.EnergyForceLoss}", NULL);
    struct prediction prediction = reference->batch[0].prediction;
    prediction.forces = NULL;
    struct error error = {0};
    cr_expect_eq(metrics_update(metrics, reference->batch[0].batch, &prediction, NULL, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "forces"), "%s", error.message);
    double values[MAX_VALUES];
    metrics_compute(metrics, values);
    cr_expect(isnan(values[0]), "nothing was counted");
    metrics_free(metrics);
    metrics_reference_free(reference);
}

#define N "nequip.train."
#define MSE "metric: {_target_: " N "MeanSquaredError}"
static const struct {
    const char *yaml, *message;
    int line;
} wrong[] = {
    {"_target_: " N "EnergyForceLos\n", "EnergyForceLoss", 1},
    {"_target_: " N "EnergyForceLoss\ncoeffs: {total_energy: 1, force: 1}\n", "forces", 2},
    {"_target_: " N "EnergyForceLoss\ncoeffs:\n  total_energy: 1\n", "forces", 3},
    {"_target_: " N "EnergyForceLoss\ncoeffs: {total_energy: 1, forces: much}\n", "number", 2},
    {"_target_: " N "EnergyForceLoss\nignore_nan: {stress: true}\n", "ignore_nan", 2},
    {"_target_: " N "EnergyForceLoss\nper_type_forces_coeffs: {C: 1, H: 1, N: 1}\n", "\"N\"", 2},
    {"_target_: " N "EnergyForceLoss\nper_type_forces_coeffs: {C: 1, H: 1}\n", "\"O\" is missing", 2},
    {"_target_: " N "EnergyForceLoss\nper_type_forces_coeffs: {C: 1, H: 0, O: 1}\n", "above 0", 2},
    {"_target_: " N "EnergyForceMetrics\ncoeffs:\n  forces_mse: 1.0\n", "forces_rmse", 3},
    {"_target_: " N "EnergyForceStressMetrics\nignore_nan:\n  stress: 1\n", "true or false", 3},
    {"_target_: " N "MetricsManager\n", "metrics", 1},
    {"_target_: " N "MetricsManager\nmetrics: []\n", "no metric", 0},
    {"_target_: " N "MetricsManager\nmetrics: [3]\n", "map", 2},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n", "metric", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: force\n    " MSE "\n", "forces", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - " MSE "\n", "field", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    metric: {_target_: " N "MeanError}\n", "Mean", 4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    weight: 3\n    " MSE "\n", "weight", 4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - {field: forces, " MSE "}\n  - {field: forces, " MSE "}\n", "F_mse",
     4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - {field: forces, name: weighted_sum, " MSE "}\n", "weighted_sum", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - {field: total_energy, per_type: true, " MSE "}\n", "per_type", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - {field: forces, per_type_coeffs: {C: 1, H: 1, O: 1}, " MSE "}\n",
     "per_type: true", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: {_target_: nequip.data.PerAtomModifier, field: forces}\n"
     "    " MSE "\n",
     "PerAtomModifier", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: {_target_: nequip.data.EdgeLengths}\n    " MSE "\n",
     "neighbours", 3},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    metric: {_target_: " N
     "StratifiedHuberForceLoss, delta_dict: {0: 1.0}}\n",
     "HuberLoss", 4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    metric: {_target_: " N
     "StratifiedHuberForceLoss, delta_dict: {3: 1.0, 2: 1.0}}\n",
     "ascend", 4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    metric: {_target_: " N
     "StratifiedHuberForceLoss, delta_dict: {low: 1.0, 2: 1.0}}\n",
     "low", 4},
    {"_target_: " N "MetricsManager\nmetrics:\n  - field: forces\n    metric: {_target_: " N "HuberLoss, delta: -1}\n",
     "delta", 4},
};

ParameterizedTestParameters(metrics, say_what_is_wrong) {
    enum { COUNT = sizeof wrong / sizeof *wrong };
    static int cases[COUNT];
    for (int k = 0; k < COUNT; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, COUNT);
}

ParameterizedTest(int *which, metrics, say_what_is_wrong) {
    struct config *config = config_of(wrong[*which].yaml);
    struct state *state = state_new();
    struct metrics *metrics = NULL;
    struct error error = {0};
    cr_expect_neq(metrics_new(&metrics, config_root(config), TYPES, metrics_type_names, state, "metrics.", &error), 0,
                  "%s", wrong[*which].yaml);
    cr_expect(strstr(error.message, wrong[*which].message), "%s\n%s", wrong[*which].yaml, error.message);
    if (wrong[*which].line)
        cr_expect_eq(error.line, wrong[*which].line, "line %d: %s", error.line, error.message);
    cr_expect_eq(state_count(state), 0);
    state_free(state);
    config_free(config);
}
