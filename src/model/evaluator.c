#include "model/evaluator.h"

#include <stdlib.h>
#include <string.h>

const char *const predicted_fields[PREDICTIONS] = {"total_energy", "atomic_energy", "forces", "stress", "virial"};

struct evaluator {
    struct graph *graph;
    struct program *program;
    const void **inputs;
    int output[PREDICTIONS]; /* its number, or -1 */
    int noutputs;
};

void predicted_nodes(const struct model_outputs *outputs, struct node *nodes[PREDICTIONS]) {
    nodes[PREDICTED_ENERGY] = outputs->total_energy;
    nodes[PREDICTED_ATOMIC] = outputs->atomic_energy;
    nodes[PREDICTED_FORCES] = outputs->forces;
    nodes[PREDICTED_STRESS] = outputs->stress;
    nodes[PREDICTED_VIRIAL] = outputs->virial;
}

int evaluator_bind(const struct program *program, const struct batch *batch,
                   const void *(*other)(void *context, const char *name), void *context, const void **inputs,
                   struct error *error) {
    for (int k = 0; k < program_inputs(program); k++) {
        const char *name = program_input_name(program, k);
        if ((inputs[k] = other ? other(context, name) : NULL) || (inputs[k] = batch_input(batch, name)))
            continue;
        const struct frame *first = batch->source[0];
        if (!*first->source)
            return error_set(error, ERROR_DATA, "the model needs \"%s\", which the frame does not give", name);
        return error_set(error, ERROR_DATA, "frame %ld of %s has no '%s'", first->ordinal, first->source,
                         strncmp(name, "target:", 7) ? name : name + 7);
    }
    return 0;
}

static int build(struct evaluator *evaluator, const struct model *model, const struct evaluator_options *options,
                 struct error *error) {
    struct model_outputs outputs;
    struct node *nodes[PREDICTIONS], *wanted[PREDICTIONS];
    int code = model_emit(model, evaluator->graph, options->derivatives, &outputs, error);
    if (code)
        return code;
    predicted_nodes(&outputs, nodes);
    for (int k = 0; k < PREDICTIONS; k++) {
        evaluator->output[k] = -1;
        if (options->wanted[k] == WANTED_NOT || (options->wanted[k] == WANTED_WHERE_THERE && !nodes[k]))
            continue;
        if (!nodes[k])
            return error_set(error, ERROR_VALUE, "the model does not predict %s%s%s", predicted_fields[k],
                             options->needed ? ", " : "", options->needed ? options->needed : "");
        evaluator->output[k] = evaluator->noutputs;
        wanted[evaluator->noutputs++] = nodes[k];
    }
    if ((code = program_build(&evaluator->program, evaluator->graph, wanted, evaluator->noutputs, NULL, error)))
        return code;
    if (options->memory)
        program_set_memory(evaluator->program, options->memory);
    evaluator->inputs = calloc((size_t)program_inputs(evaluator->program) + 1, sizeof *evaluator->inputs);
    return evaluator->inputs ? 0 : error_memory(error);
}

int evaluator_new(struct evaluator **out, const struct model *model, const struct evaluator_options *options,
                  struct error *error) {
    struct evaluator *evaluator = calloc(1, sizeof *evaluator);
    if (evaluator)
        evaluator->graph = graph_new();
    int code = evaluator && evaluator->graph ? build(evaluator, model, options, error) : error_memory(error);
    if (code) {
        evaluator_free(evaluator);
        evaluator = NULL;
    }
    *out = evaluator;
    return code;
}

void evaluator_free(struct evaluator *evaluator) {
    if (!evaluator)
        return;
    program_free(evaluator->program);
    graph_free(evaluator->graph);
    free(evaluator->inputs);
    free(evaluator);
}

struct program *evaluator_program(struct evaluator *evaluator) {
    return evaluator ? evaluator->program : NULL;
}

int evaluator_has(const struct evaluator *evaluator, enum predicted what) {
    return evaluator->output[what] >= 0;
}

int evaluator_run(struct evaluator *evaluator, struct team *team, const struct batch *batch,
                  const void *const params[DTYPE_COUNT], void *const *outputs, struct error *error) {
    void *places[PREDICTIONS] = {NULL};
    int code = evaluator_bind(evaluator->program, batch, NULL, NULL, evaluator->inputs, error);
    if (code)
        return code;
    for (int k = 0; outputs && k < PREDICTIONS; k++)
        if (evaluator->output[k] >= 0)
            places[evaluator->output[k]] = outputs[k];
    struct program_binding binding = {.topology = &batch->topology,
                                      .inputs = evaluator->inputs,
                                      .params = {params[F32], params[F64]},
                                      .outputs = outputs ? places : NULL,
                                      .may_stop = 1};
    return program_run(evaluator->program, team, &binding, error);
}

const double *evaluator_output(const struct evaluator *evaluator, enum predicted what) {
    int k = evaluator->output[what];
    return k < 0 ? NULL : program_output(evaluator->program, k, NULL, NULL);
}
