/* Terms as graph against terms as numbers, and their gradients against finite differences. */
#include "graph/run/program.h"
#include "metrics_cases.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"

enum { OUTPUTS = 5, MAX_TERMS = 16 };

/* What a model would give, as inputs of the graph. */
static const struct {
    const char *name;
    enum dim dim;
    int cols;
} output[OUTPUTS] = {
    {"total_energy", DIM_FRAMES, 1}, {"atomic_energy", DIM_ATOMS, 1}, {"forces", DIM_ATOMS, 3},
    {"stress", DIM_FRAMES, 9},       {"virial", DIM_FRAMES, 9},
};

struct emitted {
    struct metrics *metrics;
    struct graph *graph;
    struct program *program;
    int nterms;
};

static struct emitted emit(const char *yaml) {
    struct emitted emitted = {0};
    struct config *config = config_of(yaml);
    struct error error = {0};
    cr_assert_eq(metrics_new(&emitted.metrics, config_root(config), TYPES, metrics_type_names, NULL, "", &error), 0,
                 "%s", error.message);
    config_free(config);
    struct graph *graph = emitted.graph = graph_new();
    struct node *input[OUTPUTS], *terms[MAX_TERMS], *wanted[MAX_TERMS * (1 + OUTPUTS)];
    for (int k = 0; k < OUTPUTS; k++)
        input[k] = graph_input(graph, output[k].name, F64, output[k].dim, 0, output[k].cols);
    struct model_outputs model = {input[0], input[1], input[2], input[3], input[4]};
    emitted.nterms = (int)metrics_nterms(emitted.metrics);
    cr_assert_leq(emitted.nterms, MAX_TERMS);
    cr_assert_eq(metrics_emit(emitted.metrics, graph, &model, terms, &error), 0, "%s", error.message);
    int count = 0;
    for (int k = 0; k < emitted.nterms; k++) {
        wanted[count++] = terms[k];
        cr_assert_eq(graph_grad(graph, terms[k], NULL, input, OUTPUTS, wanted + count), 0);
        count += OUTPUTS;
    }
    cr_assert_eq(graph_error(graph, &error), 0, "%s", error.message);
    cr_assert_eq(program_build(&emitted.program, graph, wanted, count, NULL, &error), 0, "%s", error.message);
    return emitted;
}

static void emitted_free(struct emitted *emitted) {
    program_free(emitted->program);
    graph_free(emitted->graph);
    metrics_free(emitted->metrics);
}

/* The predictions of a batch, to be varied. */
static double *values_of(struct metrics_batch *batch, const char *name, int *count) {
    for (int f = 0; f < batch->nfields; f++)
        if (strcmp(batch->field[f].name, name) == 0) {
            *count = batch->field[f].cols * (batch->field[f].per_atom ? batch->atoms : batch->nframes);
            return batch->field[f].prediction;
        }
    cr_assert_fail("no field %s", name);
    return NULL;
}

static void run(const struct emitted *emitted, struct metrics_batch *batch, struct team *team) {
    const void *inputs[32];
    int count;
    struct error error = {0};
    for (int k = 0; k < program_inputs(emitted->program); k++) {
        const char *name = program_input_name(emitted->program, k);
        inputs[k] = batch_input(batch->batch, name);
        if (!inputs[k])
            inputs[k] = values_of(batch, name, &count);
    }
    struct program_binding binding = {.topology = &batch->batch->topology, .inputs = inputs};
    cr_assert_eq(program_run(emitted->program, team, &binding, &error), 0, "%s", error.message);
}

static double term_value(struct metrics *metrics, struct metrics_batch *batch, size_t term) {
    double values[MAX_VALUES];
    struct error error = {0};
    cr_assert_eq(metrics_update(metrics, batch->batch, &batch->prediction, values, &error), 0, "%s", error.message);
    return values[metrics_term_value(metrics, term)];
}

/* Five points: fourth order, so that h need not be tiny beside energies of 1000. */
static double slope(struct metrics *metrics, struct metrics_batch *batch, size_t term, double *value) {
    const double h = 1e-4, kept = *value;
    double at[4];
    for (int k = 0; k < 4; k++) {
        static const int steps[] = {-2, -1, 1, 2};
        *value = kept + steps[k] * h;
        at[k] = term_value(metrics, batch, term);
    }
    *value = kept;
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h);
}

ParameterizedTestParameters(metrics_emit, agrees_with_the_numbers) {
    static int cases[LOSS_CASES];
    for (int k = 0; k < LOSS_CASES; k++)
        cases[k] = k;
    return cr_make_param_array(int, cases, LOSS_CASES);
}

ParameterizedTest(int *which, metrics_emit, agrees_with_the_numbers) {
    struct metrics_reference *reference = metrics_reference_read();
    struct emitted emitted = emit(reference->cases[*which].yaml);
    struct team *team = team_new(1);
    for (int b = 0; b < BATCHES; b++) {
        struct metrics_batch *batch = &reference->batch[b];
        run(&emitted, batch, team);
        for (int k = 0; k < emitted.nterms; k++) {
            const char *name = metrics_term_name(emitted.metrics, (size_t)k);
            double wanted = term_value(emitted.metrics, batch, (size_t)k);
            long rows;
            int cols, first = k * (1 + OUTPUTS);
            const double *value = program_output(emitted.program, first, &rows, &cols);
            cr_assert(rows == 1 && cols == 1);
            expect_near(*value, wanted, 1e-13, name);
            for (int o = 0; o < OUTPUTS; o++) {
                const double *gradient = program_output(emitted.program, first + 1 + o, &rows, &cols);
                int count;
                double *values = values_of(batch, output[o].name, &count);
                cr_assert_eq(rows * cols, count);
                for (int i = 0; i < count; i++) {
                    double numeric = isfinite(wanted) ? slope(emitted.metrics, batch, (size_t)k, &values[i]) : 0;
                    if (!isfinite(wanted))
                        cr_expect(isfinite(gradient[i]), "%s by %s[%d]: %g", name, output[o].name, i, gradient[i]);
                    else
                        cr_expect(fabs(gradient[i] - numeric) < 2e-7 * fmax(1, fabs(numeric)),
                                  "%s by %s[%d]: %.12g, by differences %.12g", name, output[o].name, i, gradient[i],
                                  numeric);
                }
            }
        }
    }
    team_free(team);
    emitted_free(&emitted);
    metrics_reference_free(reference);
}

/* A term without any label is NaN, as NequIP has it, and pulls at nothing. */
Test(metrics_emit, a_term_without_labels_has_no_gradient) {
    struct metrics_reference *reference = metrics_reference_read();
    struct metrics_batch *batch = &reference->batch[0];
    struct emitted emitted = emit("{_target_: nequip.train.MetricsManager, metrics: [{field: stress, ignore_nan: true, "
                                  "metric: {_target_: nequip.train.RootMeanSquaredError}}, {field: forces, ignore_nan: "
                                  "true, per_type: true, metric: {_target_: nequip.train.MeanSquaredError}}]}");
    double *stress = batch_field(batch->batch, "stress")->values, *forces = batch_field(batch->batch, "forces")->values;
    for (int k = 0; k < 9 * batch->nframes; k++)
        stress[k] = NAN;
    for (int k = 0; k < 3 * batch->atoms; k++)
        forces[k] = NAN;
    struct team *team = team_new(1);
    run(&emitted, batch, team);
    for (int k = 0; k < 2; k++) {
        long rows;
        int cols, field = k == 0 ? 3 : 2;
        const double *value = program_output(emitted.program, k * (1 + OUTPUTS), &rows, &cols);
        cr_expect(isnan(*value));
        const double *gradient = program_output(emitted.program, k * (1 + OUTPUTS) + 1 + field, &rows, &cols);
        for (long i = 0; i < rows * cols; i++)
            cr_expect_eq(gradient[i], 0);
    }
    team_free(team);
    emitted_free(&emitted);
    metrics_reference_free(reference);
}

Test(metrics_emit, what_torchmetrics_has_besides_is_refused_for_a_reason) {
    struct config *config = config_of("{_target_: nequip.train.MetricsManager, metrics: [{field: total_energy, metric: "
                                      "{_target_: torchmetrics.regression.SpearmanCorrCoef}}]}");
    struct error error = {0};
    cr_expect_eq(metrics_check(config_root(config), 0, &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "PearsonCorrCoef") && error.line, "%s", error.message);
    config_free(config);
}

Test(metrics_emit, what_is_monitored_only_is_no_loss) {
    struct config *config =
        config_of("{_target_: nequip.train.MetricsManager, metrics: [{field: total_energy, coeff: 1, "
                  "metric: {_target_: torchmetrics.R2Score}}]}");
    struct error error = {0};
    cr_expect_eq(metrics_check(config_root(config), 0, &error), 0);
    cr_expect_eq(metrics_check(config_root(config), 1, &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "torchmetrics.R2Score") && error.line, "%s", error.message);
    config_free(config);
}

Test(metrics_emit, a_model_without_forces_is_refused) {
    struct config *config = config_of("{_target_: nequip.train.EnergyForceLoss}");
    struct metrics *metrics;
    struct error error = {0};
    cr_assert_eq(metrics_new(&metrics, config_root(config), TYPES, metrics_type_names, NULL, "", &error), 0);
    struct graph *graph = graph_new();
    struct model_outputs model = {.total_energy = graph_input(graph, "total_energy", F64, DIM_FRAMES, 0, 1)};
    struct node *terms[2];
    cr_expect_eq(metrics_emit(metrics, graph, &model, terms, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "forces_mse"), "%s", error.message);
    graph_free(graph);
    metrics_free(metrics);
    config_free(config);
}
