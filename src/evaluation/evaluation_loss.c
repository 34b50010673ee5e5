#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/interrupt.h"
#include "base/team.h"
#include "config/node.h"
#include "data/frame/batch.h"
#include "evaluation/evaluation.h"
#include "graph/kernel/blas.h"
#include "graph/graph.h"
#include "graph/run/program.h"
#include "model/api.h"
#include "model/evaluator.h"
#include "model/file/safetensors.h"
#include "train/metric/metrics.h"

/* All frames as one batch, the metrics on it, and what these need to live. */
struct joint {
    struct batch *batch;
    struct config *config;
    struct metrics *metrics; /* NULL where there are no labels */
};

/* ---------------------------------------------------------------- what the labels allow */

static int all_have(const struct evaluation *e, const char *field) {
    for (size_t f = 0; f < e->count; f++)
        if (!frame_field(e->frames[f], field))
            return 0;
    return e->count > 0;
}

static int all_have_stress(const struct evaluation *e) {
    for (size_t f = 0; f < e->count; f++) {
        const struct field *stress = frame_field(e->frames[f], "stress");
        if (!stress || !e->frames[f]->has_cell || isnan(stress->values[0]))
            return 0;
    }
    return e->count > 0;
}

static void add_metric(struct text *yaml, const char *name, const char *field, int per_atom) {
    text_format(yaml, "  - name: %s_mse\n    metric: {_target_: nequip.train.MeanSquaredError}\n", name);
    text_add(yaml, "    coeff: 1.0\n    field: ");
    if (per_atom)
        text_format(yaml, "{_target_: nequip.data.PerAtomModifier, field: %s}\n", field);
    else
        text_format(yaml, "%s\n", field);
}

static int make_config(struct config **out, const struct evaluation *e, struct error *error) {
    int energy = all_have(e, "total_energy"), derivatives = fettle_has_forces(e->model);
    int forces = derivatives && all_have(e, "forces"), stress = derivatives && all_have_stress(e);
    struct text yaml = {0};
    int code = 0;

    *out = NULL;
    if (!energy && !forces && !stress)
        return 0;
    text_add(&yaml, "_target_: nequip.train.MetricsManager\nmetrics:\n");
    if (energy)
        add_metric(&yaml, "per_atom_energy", "total_energy", 1);
    if (forces)
        add_metric(&yaml, "forces", "forces", 0);
    if (stress)
        add_metric(&yaml, "stress", "stress", 0);
    if (yaml.failed)
        code = error_memory(error);
    else
        code = config_parse(out, "metrics", yaml.data, yaml.size, error);
    text_free(&yaml);
    return code;
}

/* ---------------------------------------------------------------- the joint batch */

static void joint_free(struct joint *joint) {
    metrics_free(joint->metrics);
    config_free(joint->config);
    batch_free(joint->batch);
}

/* edges: with neighbours; else only labels and types matter. */
static int joint_make(struct joint *out, const struct evaluation *e, int edges, struct error *error) {
    const struct model *model = fettle_inner(e->model);
    int code;

    memset(out, 0, sizeof *out);
    if ((code = make_config(&out->config, e, error)) || !out->config)
        return code;
    for (size_t f = 0; f < e->count && !code && !(code = interrupt_check(error)); f++)
        code = frame_neighbours(e->frames[f], edges ? model_r_max(model) : 1e-9, model_directed(model), 0, error);
    if (!code)
        code = batch_join(&out->batch, (const struct frame *const *)e->frames, (int)e->count,
                          model_batch_options(model), error);
    if (!code)
        code = metrics_new(&out->metrics, config_root(out->config), model_ntypes(model), model_type_names(model), NULL,
                           "", error);
    return code;
}

int evaluation_loss(const struct evaluation *e, struct evaluation_terms *out, struct error *error) {
    struct prediction prediction = {
        .total_energy = e->energy, .atomic_energy = e->atomic_energy, .forces = e->forces, .stress = e->stress};
    struct joint joint;
    double *values = NULL;
    int code;

    out->count = 0;
    if ((code = joint_make(&joint, e, 0, error)) || !joint.metrics)
        goto out;
    values = calloc(metrics_count(joint.metrics), sizeof *values);
    if (!values) {
        code = error_memory(error);
        goto out;
    }
    if ((code = metrics_update(joint.metrics, joint.batch, &prediction, NULL, error)))
        goto out;
    metrics_compute(joint.metrics, values);
    for (size_t k = 0; k < metrics_count(joint.metrics); k++) {
        const char *name = metrics_name(joint.metrics, k);
        if (strcmp(name, "weighted_sum") == 0 || out->count == sizeof out->term / sizeof *out->term)
            continue;
        snprintf(out->term[out->count].name, sizeof out->term[0].name, "%s", name);
        out->term[out->count++].value = values[k];
    }
out:
    free(values);
    joint_free(&joint);
    return code;
}

/* ---------------------------------------------------------------- gradients */

enum { MAX_TERMS = 8 };

/* The graph of one term's gradient by all parameters, evaluated into arrays of the parameters' dtypes. */
static int run_term(const struct joint *joint, const struct model *model, struct graph *graph, struct node *term,
                    struct node *const *parameters, int nparameters, void *const *outputs, struct error *error) {
    struct program_options options = {0};
    struct program *program = NULL;
    struct team *team = NULL;
    struct node **gradients = calloc((size_t)nparameters + 1, sizeof *gradients);
    const void **inputs = NULL;
    int code = 0;

    if (!gradients) {
        code = error_memory(error);
        goto out;
    }
    if ((code = blas_team_new(&team, team_default_size(), error)))
        goto out;
    graph_grad(graph, term, NULL, parameters, nparameters, gradients);
    if ((code = graph_error(graph, error)) ||
        (code = program_build(&program, graph, gradients, nparameters, &options, error)))
        goto out;
    inputs = calloc((size_t)program_inputs(program) + 1, sizeof *inputs);
    code = inputs ? evaluator_bind(program, joint->batch, NULL, NULL, inputs, error) : error_memory(error);
    struct program_binding binding = {.topology = &joint->batch->topology,
                                      .inputs = inputs,
                                      .params = {model_slab(model, F32), model_slab(model, F64)},
                                      .outputs = outputs,
                                      .may_stop = 1};
    if (!code)
        code = program_run(program, team, &binding, error);
out:
    free(inputs);
    free(gradients);
    program_free(program);
    blas_team_free(team);
    return code;
}

static int add_tensors(struct safetensors *file, const char *term, const struct parameter *const *parameters, int count,
                       void *const *values, struct error *error) {
    int code = 0;

    for (int k = 0; k < count && !code; k++) {
        const struct parameter *parameter = parameters[k];
        struct text name = {0};
        size_t shape[4] = {0};
        for (int d = 0; d < parameter->ndim; d++)
            shape[d] = (size_t)parameter->shape[d];
        text_format(&name, "%s/%s", term, parameter->name);
        code = name.failed ? error_memory(error)
                           : safetensors_add(file, name.data, parameter->dtype == F32 ? "F32" : "F64", parameter->ndim,
                                             shape, values[k], error);
        text_free(&name);
    }
    return code;
}

int evaluation_write_gradients(const struct evaluation *e, const char *path, struct error *error) {
    const struct model *model = fettle_inner(e->model);
    int entries = model_nparameters(model), count = 0, code;
    const struct parameter **parameters = calloc((size_t)entries + 1, sizeof *parameters);
    struct node **nodes = calloc((size_t)entries + 1, sizeof *nodes);
    void **values = calloc((size_t)entries + 1, sizeof *values);
    struct graph *graph = graph_new();
    struct safetensors *file = safetensors_new();
    struct node *terms[MAX_TERMS] = {NULL};
    struct model_outputs outputs = {0};
    struct joint joint = {0};

    if (!parameters || !nodes || !values || !graph || !file) {
        code = error_memory(error);
        goto out;
    }
    if ((code = joint_make(&joint, e, 1, error)))
        goto out;
    if (!joint.metrics) {
        code = error_set(error, ERROR_DATA, "the frames have no labels that a loss could use");
        goto out;
    }
    if ((code = model_emit(model, graph, fettle_has_forces(e->model), &outputs, error)) ||
        (code = metrics_emit(joint.metrics, graph, &outputs, terms, error)))
        goto out;
    for (int k = 0; k < entries; k++) {
        const struct parameter *parameter = model_parameter(model, k);
        if (parameter->is_buffer)
            continue;
        parameters[count] = parameter;
        nodes[count] = model_parameter_node(model, graph, k);
        values[count] = calloc(parameter->numel + 1, dtype_size(parameter->dtype));
        if (!values[count]) {
            code = error_memory(error);
            goto out;
        }
        count++;
    }
    for (size_t t = 0; t < metrics_nterms(joint.metrics) && !code && !(code = interrupt_check(error)); t++) {
        code = run_term(&joint, model, graph, terms[t], nodes, count, values, error);
        if (!code)
            code = add_tensors(file, metrics_term_name(joint.metrics, t), parameters, count, values, error);
    }
    char *target = code ? NULL : file_follow(path);
    if (!code)
        code = target ? safetensors_write(file, target, error) : error_memory(error);
    free(target);
out:
    for (int k = 0; k < count; k++)
        free(values[k]);
    free(values);
    free(nodes);
    free(parameters);
    joint_free(&joint);
    safetensors_free(file);
    graph_free(graph);
    return code;
}
