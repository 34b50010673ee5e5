#include "graph/run/program.h"

#include <stdlib.h>

#include "graph/kernel/blas.h"
#include "graph/kernel/kernels.h"
#include "graph/run/program_internal.h"

/* How many nodes the outputs need; 0 if out of memory. */
static int count_needed(const struct graph *graph, struct node *const *outputs, int noutputs) {
    int *needed = calloc((size_t)graph->nnodes + 1, sizeof *needed);
    int count = 0;
    for (int k = 0; needed && k < noutputs; k++)
        count += graph_mark(outputs[k], 1, needed);
    free(needed);
    return count;
}

int program_build(struct program **out, struct graph *graph, struct node *const *outputs, int noutputs,
                  const struct program_options *options, struct error *error) {
    *out = NULL;
    if (graph_error(graph, error))
        return graph->error.code;
    int code = blas_open(error);
    if (code)
        return code;
    struct program *program = calloc(1, sizeof *program);
    struct plan_options how = {.inspect = options && options->inspect,
                               .stages = options ? options->stages : NULL,
                               .kernels = kernels_active()};
    if (!program || !(program->workspace = workspace_new()))
        goto memory;
    program->memory = PROGRAM_MEMORY;
    program->making = (struct program_making){.asked = graph->nnodes + graph->repeats,
                                              .repeated = graph->repeats,
                                              .needed = count_needed(graph, outputs, noutputs)};
    program->making.dead = graph->nnodes - program->making.needed;
    if ((code = plan_make(&program->plan, graph, outputs, noutputs, &how, error)))
        goto out;
    size_t count = (size_t)program->plan->ninstructions + 1;
    program->timing.seconds = calloc(count, sizeof *program->timing.seconds);
    program->timing.flops = calloc(count, sizeof *program->timing.flops);
    if (program->timing.seconds && program->timing.flops)
        goto out;
memory:
    code = error_memory(error);
out:
    if (code)
        program_free(program);
    else
        *out = program;
    return code;
}

void program_free(struct program *program) {
    if (!program)
        return;
    chunked_free(program->chunked);
    workspace_free(program->workspace);
    plan_free(program->plan);
    free(program->timing.seconds);
    free(program->timing.flops);
    free(program);
}

int program_inputs(const struct program *program) {
    return program->plan->ninputs;
}

const char *program_input_name(const struct program *program, int input) {
    return plan_input_name(program->plan, input);
}

void program_set_memory(struct program *program, size_t bytes) {
    program->memory = bytes;
}

/* ---------------------------------------------------------------- running: as a whole, or in chunks */

/* The buffers of a chunk stay in the processor's caches. */
enum { CHUNK_BYTES = 4 << 20 };

int program_begin(struct program *program, struct team *team, const struct program_binding *binding,
                  struct error *error) {
    const struct plan *plan = program->plan;
    program->in_chunks = !plan->inspect && !program->timed && plan_bytes(plan, binding->topology) > program->memory;
    if (!program->in_chunks)
        return workspace_begin(program->workspace, plan, team, binding, program->timed ? &program->timing : NULL,
                               error);
    size_t bytes = program->memory < CHUNK_BYTES ? program->memory : CHUNK_BYTES;
    int code = program->chunked ? 0 : chunked_make(&program->chunked, plan, error);
    return code ? code : chunked_begin(program->chunked, team, binding, bytes, error);
}

static int run(struct program *program, int first, int last, struct error *error) {
    if (program->in_chunks)
        return chunked_run(program->chunked, last, error);
    workspace_run(program->workspace, first, last);
    return 0;
}

int program_run_stage(struct program *program, int stage, struct error *error) {
    return run(program, stage, stage, error);
}

int program_run(struct program *program, struct team *team, const struct program_binding *binding,
                struct error *error) {
    int code = program_begin(program, team, binding, error);
    return code ? code : run(program, 0, program->plan->nstages - 1, error);
}

const void *program_output(const struct program *program, int output, long *rows, int *cols) {
    int value = program->plan->outputs[output].value;
    if (cols)
        *cols = program->plan->values[value].node->layout->cols;
    return program->in_chunks ? chunked_output(program->chunked, output, rows)
                              : workspace_value(program->workspace, value, rows);
}
