#include "graph/program.h"
#include "base/clock.h"
#include "base/memory.h"
#include "graph/blas.h"
#include "graph/chunked.h"
#include "graph/program_internal.h"
#include "graph/kernels.h"
#include "graph/simplify.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"

/* ---------------------------------------------------------------- building */

/* Marks what an output needs that no earlier stage did, with 1 + its stage; returns how many nodes. */
static int mark(struct node *node, int stage, int *needed) {
    if (needed[node->id])
        return 0;
    needed[node->id] = 1 + stage;
    int count = 1;
    for (int k = 0; k < node->ninputs; k++)
        count += mark(node->inputs[k], stage, needed);
    return count;
}

static int add_input(struct program *program, const struct node *node) {
    const char *name = ((const struct input_attr *)node->attr)->name;
    for (int k = 0; k < program->ninputs; k++)
        if (!strcmp(program->inputs[k], name))
            return k;
    program->inputs[program->ninputs] = name;
    return program->ninputs++;
}

/* A storage holds one value at a time; its size is rows(dim) * cols * dtype_size. */

/* The free storage that suits best: one of the same layout, which members can go on with without meeting; else the one
 * that has been free for longest, if that is long enough for the members to have met since. */
static int take_storage(struct program *program, const struct node *node, int instruction, int reuse) {
    enum { LONG_AGO = 24 };
    size_t row = (size_t)node->layout->cols * dtype_size(node->dtype);
    if (node->dim == DIM_STATIC)
        row *= (size_t)node->rows;
    int best = -1, best_alike = 0;
    for (int k = 0; reuse && k < program->nstorages; k++) {
        const struct storage *s = &program->storages[k];
        int alike = s->layout == node->layout && s->dtype == node->dtype && s->dim != DIM_STATIC;
        if (s->busy || s->dim != node->dim || s->row < row / 2 || s->row > 2 * row || alike < best_alike)
            continue;
        if (!alike && instruction - s->freed_at < LONG_AGO)
            continue;
        if (best < 0 || alike > best_alike || s->freed_at < program->storages[best].freed_at) {
            best = k;
            best_alike = alike;
        }
    }
    if (best < 0) {
        best = program->nstorages++;
        program->storages[best] = (struct storage){.dim = node->dim};
    }
    struct storage *s = &program->storages[best];
    s->row = row > s->row ? row : s->row;
    s->busy = 1;
    s->layout = node->layout;
    s->dtype = node->dtype;
    return best;
}

static void plan(struct program *program, int reuse) {
    /* last use of each value, aliases counting for what they show */
    int n = program->nvalues;
    for (int k = 0; k < n; k++)
        program->values[k].last_use = -1;
    for (int i = 0; i < program->ninstructions; i++) {
        struct instruction *in = &program->instructions[i];
        for (int k = 0; k < in->node->ninputs; k++) {
            struct value *v = &program->values[in->inputs[k]];
            while (v->alias >= 0)
                v = &program->values[v->alias];
            v->last_use = i;
        }
    }
    for (int k = 0; k < program->noutputs; k++) {
        struct value *v = &program->values[program->outputs[k]];
        while (v->alias >= 0)
            v = &program->values[v->alias];
        v->last_use = program->ninstructions;
    }
    for (int i = 0; i < program->ninstructions; i++) {
        struct instruction *in = &program->instructions[i];
        struct value *v = &program->values[in->value];
        v->storage = take_storage(program, in->node, i, reuse);
        for (int k = 0; reuse && k < in->node->ninputs; k++) {
            struct value *input = &program->values[in->inputs[k]];
            while (input->alias >= 0)
                input = &program->values[input->alias];
            if (input->storage >= 0 && input->last_use == i && program->storages[input->storage].busy) {
                program->storages[input->storage].busy = 0;
                program->storages[input->storage].freed_at = i;
            }
        }
        if (reuse && v->last_use < 0) {
            program->storages[v->storage].busy = 0;
            program->storages[v->storage].freed_at = i;
        }
    }
}

/* ---------------------------------------------------------------- barriers
 *
 * Members may run on without meeting as long as each touches its own rows only.  They must meet before an instruction
 * that reads what another member has written, or writes over what another member may still read. */

static int reads_own_rows(const struct node *node, int input) {
    return node->dim != DIM_STATIC && node->inputs[input]->dim == node->dim &&
           op_has(node, node->dim == DIM_PAIRS ? OP_OWN_ROWS | OP_OWN_PAIRS : OP_OWN_ROWS);
}

static struct storage *storage_of(struct program *program, int value) {
    struct value *v = &program->values[value];
    while (v->alias >= 0)
        v = &program->values[v->alias];
    return v->storage < 0 ? NULL : &program->storages[v->storage];
}

static void touch(struct storage *s, const struct node *value, int own_rows, int writes) {
    s->touched = 1;
    s->shared |= !own_rows;
    s->written |= writes;
    s->layout = value->layout;
    s->dtype = value->dtype;
}

static void place_barriers(struct program *program) {
    for (int i = 0; i < program->ninstructions; i++) {
        struct instruction *in = &program->instructions[i];
        struct storage *out = storage_of(program, in->value);
        int own_out = in->node->dim != DIM_STATIC;
        in->barrier = program->inspect;
        /* over what was touched since: safe only if everybody kept to rows that lie where they lie now */
        if (out->touched &&
            (out->shared || !own_out || out->layout != in->node->layout || out->dtype != in->node->dtype))
            in->barrier = 1;
        for (int k = 0; k < in->node->ninputs; k++) {
            struct storage *s = storage_of(program, in->inputs[k]);
            if (s && s->written && (s->shared || !reads_own_rows(in->node, k)))
                in->barrier = 1;
        }
        if (in->barrier)
            for (int k = 0; k < program->nstorages; k++)
                program->storages[k].touched = program->storages[k].shared = program->storages[k].written = 0;
        for (int k = 0; k < in->node->ninputs; k++) {
            struct storage *s = storage_of(program, in->inputs[k]);
            if (s)
                touch(s, program->values[in->inputs[k]].node, reads_own_rows(in->node, k), 0);
        }
        touch(out, in->node, own_out, 1);
    }
}

/* Gives a node its value and, where it computes something, its instruction; -1 if out of memory. */
static int add_node(struct program *program, const struct node *node, int *value_of) {
    struct value *v = &program->values[program->nvalues];
    value_of[node->id] = program->nvalues++;
    *v = (struct value){.node = node, .alias = -1, .storage = -1, .input = -1};
    if (node->op->data == DATA_INPUT) {
        v->input = add_input(program, node);
    } else if (node->op->data == DATA_CONSTANT) {
        size_t n = (size_t)node->rows * (size_t)node->layout->cols;
        v->constant = aligned_alloc(64, (n * dtype_size(node->dtype) + 63) / 64 * 64 + 64);
        if (!v->constant)
            return -1;
        const double *values = node->attr;
        for (size_t i = 0; i < n; i++)
            if (node->dtype == F32)
                ((float *)v->constant)[i] = (float)values[i];
            else
                ((double *)v->constant)[i] = values[i];
    } else if (node->op->data == DATA_VIEW) {
        v->alias = value_of[node->inputs[0]->id];
    } else if (node->op->data == DATA_COMPUTED) {
        struct instruction *in = &program->instructions[program->ninstructions++];
        in->node = node;
        in->run = program->kernels->run[node->op->id][node->dtype];
        in->value = value_of[node->id];
        in->inputs = malloc((size_t)(node->ninputs + 1) * sizeof *in->inputs);
        in->operands = calloc((size_t)node->ninputs + 1, sizeof *in->operands);
        if (!in->inputs || !in->operands)
            return -1;
        for (int k = 0; k < node->ninputs; k++)
            in->inputs[k] = value_of[node->inputs[k]->id];
        if (node->op->inverse) {
            int rows, index = node->op->inverse(node, &rows);
            program->inverse_rows[index] = 1;
            if (rows > program->least_rows[index])
                program->least_rows[index] = rows;
        }
    }
    return 0;
}

/* How many nodes the outputs need; 0 if out of memory. */
static int count_needed(const struct graph *graph, struct node *const *outputs, int noutputs) {
    int *needed = calloc((size_t)graph->nnodes + 1, sizeof *needed);
    int count = 0;
    for (int k = 0; needed && k < noutputs; k++)
        count += mark(outputs[k], 1, needed);
    free(needed);
    return count;
}

static int collect(struct program *program, struct graph *graph, struct node *const *outputs, int noutputs,
                   const int *stages, struct error *error) {
    int *needed = calloc((size_t)graph->nnodes, sizeof *needed);
    int *value_of = malloc((size_t)graph->nnodes * sizeof *value_of);
    int count = 0, code = 0, leaves = 0;
    if (!needed || !value_of)
        goto memory;
    program->nstages = 1;
    for (int k = 0; stages && k < noutputs; k++)
        program->nstages = stages[k] >= program->nstages ? stages[k] + 1 : program->nstages;
    for (int stage = 0; stage < program->nstages; stage++)
        for (int k = 0; k < noutputs; k++)
            if (!stages || stages[k] == stage)
                count += mark(outputs[k], stage, needed);
    for (int id = 0; id < graph->nnodes; id++)
        leaves += needed[id] && graph->nodes[id]->op->data == DATA_INPUT;
    program->values = calloc((size_t)count + 1, sizeof *program->values);
    program->instructions = calloc((size_t)count + 1, sizeof *program->instructions);
    program->storages = calloc((size_t)count + 1, sizeof *program->storages);
    program->inputs = calloc((size_t)leaves + 1, sizeof *program->inputs);
    program->outputs = calloc((size_t)noutputs + 1, sizeof *program->outputs);
    program->owner = calloc((size_t)noutputs + 1, sizeof *program->owner);
    program->output_stage = calloc((size_t)noutputs + 1, sizeof *program->output_stage);
    program->stage_end = calloc((size_t)program->nstages, sizeof *program->stage_end);
    if (!program->values || !program->instructions || !program->storages || !program->inputs || !program->outputs ||
        !program->owner || !program->output_stage || !program->stage_end)
        goto memory;

    for (int stage = 0; stage < program->nstages; stage++) {
        for (int id = 0; id < graph->nnodes; id++)
            if (needed[id] == 1 + stage && add_node(program, graph->nodes[id], value_of))
                goto memory;
        program->stage_end[stage] = program->ninstructions;
    }
    for (int k = 0; k < noutputs; k++) {
        program->outputs[k] = value_of[outputs[k]->id];
        program->output_stage[k] = stages ? stages[k] : 0;
        struct value *v = &program->values[program->outputs[k]];
        /* the first output that shows a computed value may have it written straight to where the caller wants it */
        program->owner[k] = v->node->op->data == DATA_COMPUTED && !v->output;
        v->output = 1;
    }
    program->noutputs = noutputs;
    goto out;
memory:
    code = error_set(error, ERROR_MEMORY, "out of memory");
out:
    free(needed);
    free(value_of);
    return code;
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
    struct node **simple = malloc((size_t)(noutputs + 1) * sizeof *simple);
    int inspect = options && options->inspect;
    if (!program || !simple) {
        code = error_set(error, ERROR_MEMORY, "out of memory");
        goto out;
    }
    memcpy(simple, outputs, (size_t)noutputs * sizeof *simple);
    program->making = (struct program_making){.asked = graph->nnodes + graph->repeats,
                                              .repeated = graph->repeats,
                                              .needed = count_needed(graph, outputs, noutputs)};
    program->making.dead = graph->nnodes - program->making.needed;
    if (!inspect && (code = graph_simplify(graph, simple, noutputs, error)))
        goto out;
    program->inspect = inspect;
    program->kernels = kernels_active();
    if ((code = collect(program, graph, simple, noutputs, options ? options->stages : NULL, error)))
        goto out;
    plan(program, !inspect);
    place_barriers(program);
    program->graph = graph;
    program->roots = simple;
    program->memory = PROGRAM_MEMORY;
    simple = NULL;
    *out = program;
    program = NULL;
out:
    free(simple);
    program_free(program);
    return code;
}

void program_free(struct program *program) {
    if (!program)
        return;
    for (int k = 0; k < program->nvalues; k++)
        free(program->values[k].constant);
    for (int k = 0; k < program->ninstructions; k++) {
        free(program->instructions[k].inputs);
        free(program->instructions[k].operands);
    }
    for (int k = 0; k < INDEX_COUNT; k++) {
        free(program->inverse[k].row);
        free(program->inverse[k].member);
    }
    for (int k = 0; k < DIM_COUNT; k++)
        free(program->split[k]);
    chunked_free(program->chunked);
    free(program->roots);
    memory_free(program->buffer);
    memory_free(program->scratch);
    free(program->values);
    free(program->instructions);
    free(program->storages);
    free(program->inputs);
    free(program->outputs);
    free(program->owner);
    free(program->output_stage);
    free(program->stage_end);
    free(program);
}

int program_inputs(const struct program *program) {
    return program->ninputs;
}

const char *program_input_name(const struct program *program, int input) {
    return program->inputs[input];
}

/* ---------------------------------------------------------------- binding */

static int reserve(void **buffer, size_t *capacity, size_t size) {
    if (size <= *capacity)
        return 0;
    size = (size + size / 4 + 4095) / 4096 * 4096;
    void *bigger = memory_new(size);
    if (!bigger)
        return -1;
    memory_free(*buffer);
    *buffer = bigger;
    *capacity = size;
    return 0;
}

static int index_sizes(const struct topology *t, int index, int *sources) {
    *sources = t->dim[index_dim(index)];
    switch (index) {
    case INDEX_TYPE:
        return t->types;
    case INDEX_PAIR_TYPE:
        return t->types * t->types;
    case INDEX_FRAME:
    case INDEX_PAIR_FRAME:
        return t->dim[DIM_FRAMES];
    case INDEX_PAIR_I:
    case INDEX_PAIR_J:
        return t->dim[DIM_ATOMS];
    default: {
        int most = 0;
        for (int k = 0; k < *sources; k++)
            most = t->index[index][k] >= most ? t->index[index][k] + 1 : most;
        return most;
    }
    }
}

static int make_inverse(struct program *program, int index, const struct topology *t) {
    struct inverse *inverse = &program->inverse[index];
    int sources, rows = index_sizes(t, index, &sources);
    if (rows < program->least_rows[index])
        rows = program->least_rows[index];
    size_t need_rows = (size_t)rows + 2, need_members = (size_t)sources + 1;
    if (need_rows > program->inverse_capacity[index][0]) {
        free(inverse->row);
        program->inverse_capacity[index][0] = inverse->row ? need_rows * 5 / 4 : need_rows;
        inverse->row = malloc(program->inverse_capacity[index][0] * sizeof *inverse->row);
    }
    if (need_members > program->inverse_capacity[index][1]) {
        program->inverse_capacity[index][1] = inverse->member ? need_members * 5 / 4 : need_members;
        free(inverse->member);
        inverse->member = malloc(program->inverse_capacity[index][1] * sizeof *inverse->member);
    }
    if (!inverse->row || !inverse->member) {
        program->inverse_capacity[index][0] = program->inverse_capacity[index][1] = 0;
        free(inverse->row);
        free(inverse->member);
        inverse->row = inverse->member = NULL;
        return -1;
    }
    const int *target = t->index[index];
    memset(inverse->row, 0, need_rows * sizeof *inverse->row);
    for (int k = 0; k < sources; k++)
        inverse->row[target[k] + 2]++;
    for (int r = 0; r < rows; r++)
        inverse->row[r + 2] += inverse->row[r + 1];
    for (int k = 0; k < sources; k++)
        inverse->member[inverse->row[target[k] + 1]++] = k;
    return 0;
}

/* Which rows of each dimension a member owns: atoms by their edges, the rest evenly. */
static void make_splits(struct program *program, const struct topology *t, int members) {
    for (int d = 0; d < DIM_COUNT; d++) {
        long rows = t->dim[d];
        int *split = program->split[d];
        for (int m = 0; m <= members; m++)
            split[m] = (int)(rows * m / members);
    }
    int atoms = t->dim[DIM_ATOMS], *split = program->split[DIM_ATOMS];
    const int *row = t->by_centre.row;
    if (!row)
        return;
    /* an atom costs its edges and a share of the work that every atom makes */
    double total = t->edges + 4.0 * atoms;
    int n = 0;
    for (int m = 1; m < members; m++) {
        while (n < atoms && row[n] + 4.0 * n < total * m / members)
            n++;
        split[m] = n;
    }
    split[members] = atoms;
}

/* The buffers of all storages, whose offsets are set. */
static size_t lay_out(struct program *program, const struct topology *t) {
    size_t size = 0;
    for (int k = 0; k < program->nstorages; k++) {
        struct storage *s = &program->storages[k];
        s->offset = size;
        size_t rows = s->dim == DIM_STATIC ? 1 : (size_t)t->dim[s->dim];
        size += (rows * s->row + 127) / 64 * 64;
    }
    return size;
}

static long rows_now(const struct node *node, const struct topology *t) {
    return node->dim == DIM_STATIC ? node->rows : t->dim[node->dim];
}

static int bind(struct program *program, struct team *team, const struct program_binding *binding,
                struct error *error) {
    const struct topology *t = binding->topology;
    int members = team ? team_size(team) : 1;
    for (int k = 0; k < INDEX_COUNT; k++)
        if (program->inverse_rows[k]) {
            if (!t->index[k])
                return error_set(error, ERROR_DATA, "the batch lacks an index array that the model needs (%d)", k);
            if (make_inverse(program, k, t))
                return error_set(error, ERROR_MEMORY, "out of memory");
        }
    if (members > program->members) {
        for (int d = 0; d < DIM_COUNT; d++) {
            free(program->split[d]);
            program->split[d] = calloc((size_t)members + 1, sizeof *program->split[d]);
            if (!program->split[d])
                return error_set(error, ERROR_MEMORY, "out of memory");
        }
        program->members = members;
    }
    make_splits(program, t, members);

    size_t size = lay_out(program, t);
    if (reserve(&program->buffer, &program->capacity, size + 64))
        return error_set(error, ERROR_MEMORY, "not enough memory for a batch of %d atoms and %d edges (%zu MiB)",
                         t->dim[DIM_ATOMS], t->edges, size >> 20);

    for (int k = 0; k < program->nvalues; k++) {
        struct value *v = &program->values[k];
        v->rows = rows_now(v->node, t);
        if (v->alias >= 0)
            v->data = program->values[v->alias].data;
        else if (v->input >= 0)
            v->data = (void *)binding->inputs[v->input];
        else if (v->constant)
            v->data = v->constant;
        else if (v->node->op->data == DATA_PARAM) {
            const struct param_attr *attr = v->node->attr;
            v->data = (char *)binding->params[v->node->dtype] + attr->offset * dtype_size(v->node->dtype);
        } else
            v->data = (char *)program->buffer + program->storages[v->storage].offset;
        if (!v->data && v->rows)
            return error_set(error, ERROR_STATE, "an input is not bound: %s",
                             v->input >= 0 ? program->inputs[v->input] : v->node->op->name);
    }
    for (int k = 0; k < program->noutputs; k++)
        if (program->owner[k] && binding->outputs && binding->outputs[k])
            program->values[program->outputs[k]].data = binding->outputs[k];
    for (int k = 0; k < program->nvalues; k++) {
        struct value *v = &program->values[k];
        if (v->alias >= 0)
            v->data = program->values[v->alias].data;
    }

    size_t scratch = 0;
    for (int i = 0; i < program->ninstructions; i++) {
        struct instruction *in = &program->instructions[i];
        struct value *v = &program->values[in->value];
        struct kernel_args *args = &in->args;
        *args = (struct kernel_args){.node = in->node,
                                     .out = {v->data, v->rows, in->node->layout, in->node->dtype},
                                     .in = in->operands,
                                     .topology = t,
                                     .inverse = program->inverse,
                                     .members = members,
                                     .team = team};
        for (int d = 0; d < DIM_COUNT; d++)
            args->split[d] = program->split[d];
        for (int k = 0; k < in->node->ninputs; k++) {
            const struct value *x = &program->values[in->inputs[k]];
            in->operands[k] = (struct operand){x->data, x->rows, x->node->layout, x->node->dtype};
        }
        size_t need = in->node->op->scratch ? in->node->op->scratch(args) : 0;
        scratch = need > scratch ? need : scratch;
        in->flops = program->timing && in->node->op->flops ? in->node->op->flops(args) : 0;
    }
    program->scratch_size = (scratch + 127) / 64 * 64;
    if (reserve(&program->scratch, &program->scratch_capacity, program->scratch_size * (size_t)members + 64))
        return error_set(error, ERROR_MEMORY, "out of memory");
    return 0;
}

/* ---------------------------------------------------------------- running */

/* The buffers of a chunk stay in the processor's caches. */
enum { CHUNK_BYTES = 4 << 20 };

static void run_member(void *context, int member, int members) {
    struct program *program = context;
    double last = member == 0 && program->timing ? clock_seconds() : 0;
    for (int i = program->from; i < program->to; i++) {
        struct kernel_args args = program->instructions[i].args;
        if (members > 1 && program->instructions[i].barrier && !program->timing)
            team_barrier(program->team, member);
        args.member = member;
        args.scratch = (char *)program->scratch + program->scratch_size * (size_t)member;
        program->instructions[i].run(&args);
        if (members > 1 && program->timing)
            team_barrier(program->team, member); /* so that a time is the time of all */
        if (member == 0 && program->timing) {
            double time = clock_seconds();
            program->instructions[i].seconds += time - last;
            last = time;
        }
    }
}

static void run_stages(struct program *program, int first, int last) {
    program->from = first > 0 ? program->stage_end[first - 1] : 0;
    program->to = program->stage_end[last];
    if (program->team)
        team_run(program->team, run_member, program);
    else
        run_member(program, 0, 1);
    for (int k = 0; k < program->noutputs; k++) {
        const struct value *v = &program->values[program->outputs[k]];
        if (program->output_stage[k] >= first && program->output_stage[k] <= last && program->bound &&
            program->bound[k] && !program->owner[k])
            memcpy(program->bound[k], v->data,
                   (size_t)v->rows * (size_t)v->node->layout->cols * dtype_size(v->node->dtype));
    }
}

int program_begin(struct program *program, struct team *team, const struct program_binding *binding,
                  struct error *error) {
    program->team = team;
    program->bound = binding->outputs;
    program->timed_runs += program->timing;
    program->in_chunks = !program->inspect && !program->timing && lay_out(program, binding->topology) > program->memory;
    if (!program->in_chunks)
        return bind(program, team, binding, error);
    int code = 0;
    if (!program->chunked)
        code = chunked_make(&program->chunked, program->graph, program->roots, program->output_stage, program->noutputs,
                            program->inputs, program->ninputs, error);
    return code ? code
                : chunked_begin(program->chunked, team, binding,
                                program->memory < CHUNK_BYTES ? program->memory : CHUNK_BYTES, error);
}

int program_run_stage(struct program *program, int stage, struct error *error) {
    if (program->in_chunks)
        return chunked_run(program->chunked, stage, error);
    run_stages(program, stage, stage);
    return 0;
}

int program_run(struct program *program, struct team *team, const struct program_binding *binding,
                struct error *error) {
    int code = program_begin(program, team, binding, error);
    if (!code && program->in_chunks)
        return chunked_run(program->chunked, program->nstages - 1, error);
    if (!code)
        run_stages(program, 0, program->nstages - 1);
    return code;
}

void program_set_memory(struct program *program, size_t bytes) {
    program->memory = bytes;
}

const void *program_output(const struct program *program, int output, long *rows, int *cols) {
    if (program->in_chunks)
        return chunked_output(program->chunked, output, rows, cols);
    const struct value *v = &program->values[program->outputs[output]];
    if (rows)
        *rows = v->rows;
    if (cols)
        *cols = v->node->layout->cols;
    return v->data;
}
