#include "graph/run/workspace.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "graph/op/leaf.h"
#include "graph/run/inverse.h"

/* A value of the plan in this run. */
struct bound {
    void *data;
    long rows;
};

struct workspace {
    void *buffer, *scratch;
    size_t capacity, scratch_capacity;
    size_t scratch_size; /* a member's */
    struct inverses inverses;
    int *split[DIM_COUNT]; /* [members + 1] */
    int members;

    /* the run that was begun: */
    const struct plan *plan;
    struct team *team;
    void *const *outputs;
    struct timing *timing;
    void **storages;
    struct bound *values;
    struct kernel_args *args; /* of the instructions; member and scratch are filled in by each member */
    struct operand *operands;
    int storage_capacity, value_capacity, args_capacity, operand_capacity;
    int from, to; /* instructions to run now */
};

struct workspace *workspace_new(void) {
    return calloc(1, sizeof(struct workspace));
}

void workspace_free(struct workspace *w) {
    if (!w)
        return;
    memory_free(w->buffer);
    memory_free(w->scratch);
    inverses_free(&w->inverses);
    for (int d = 0; d < DIM_COUNT; d++)
        free(w->split[d]);
    free(w->storages);
    free(w->values);
    free(w->args);
    free(w->operands);
    free(w);
}

size_t workspace_bytes(const struct workspace *w) {
    return w->capacity + w->scratch_capacity;
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

/* The same for an array of so many elements, which are not kept. */
static int reserve_array(void **array, int *capacity, int count, size_t size) {
    if (*array && count <= *capacity)
        return 0;
    free(*array);
    *array = malloc((size_t)(count + 1) * size);
    *capacity = *array ? count : 0;
    return *array ? 0 : -1;
}

static int reserve_plan(struct workspace *w, const struct plan *plan) {
    return reserve_array((void **)&w->storages, &w->storage_capacity, plan->nstorages, sizeof *w->storages) ||
           reserve_array((void **)&w->values, &w->value_capacity, plan->nvalues, sizeof *w->values) ||
           reserve_array((void **)&w->args, &w->args_capacity, plan->ninstructions, sizeof *w->args) ||
           reserve_array((void **)&w->operands, &w->operand_capacity, plan->noperands, sizeof *w->operands);
}

static int reserve_members(struct workspace *w, int members) {
    if (members <= w->members)
        return 0;
    for (int d = 0; d < DIM_COUNT; d++) {
        free(w->split[d]);
        w->split[d] = calloc((size_t)members + 1, sizeof *w->split[d]);
        if (!w->split[d]) {
            w->members = 0;
            return -1;
        }
    }
    w->members = members;
    return 0;
}

/* Which rows of each dimension a member owns: atoms by their edges, the rest evenly. */
static void make_splits(struct workspace *w, const struct topology *t, int members) {
    for (int d = 0; d < DIM_COUNT; d++) {
        long rows = t->dim[d];
        int *split = w->split[d];
        for (int m = 0; m <= members; m++)
            split[m] = (int)(rows * m / members);
    }
    int atoms = t->dim[DIM_ATOMS], *split = w->split[DIM_ATOMS];
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

static int bind_values(struct workspace *w, const struct plan *plan, const struct program_binding *binding,
                       struct error *error) {
    char *at = w->buffer;
    for (int k = 0; k < plan->nstorages; at += storage_bytes(&plan->storages[k++], binding->topology))
        w->storages[k] = at;
    for (int k = 0; k < plan->nvalues; k++) {
        const struct value *v = &plan->values[k];
        void *data = v->constant;
        if (v->input >= 0) {
            data = (void *)binding->inputs[v->input];
        } else if (v->storage >= 0) {
            data = w->storages[v->storage];
        } else if (v->node->op->data == DATA_PARAM) {
            const struct param_attr *attr = v->node->attr;
            data = (char *)binding->params[v->node->dtype] + attr->offset * dtype_size(v->node->dtype);
        }
        w->values[k] = (struct bound){data, node_rows_now(v->node, binding->topology)};
        if (!data && v->holder == k && w->values[k].rows)
            return error_set(error, ERROR_STATE, "an input is not bound: %s",
                             v->input >= 0 ? plan_input_name(plan, v->input) : v->node->op->name);
    }
    for (int k = 0; k < plan->noutputs; k++)
        if (plan->outputs[k].direct && binding->outputs && binding->outputs[k])
            w->values[plan->outputs[k].value].data = binding->outputs[k];
    for (int k = 0; k < plan->nvalues; k++)
        w->values[k].data = w->values[plan->values[k].holder].data;
    return 0;
}

/* What the kernels are given; returns the bytes of scratch that one of them needs at most. */
static size_t bind_instructions(struct workspace *w, const struct plan *plan, const struct topology *t, int members) {
    struct operand *operand = w->operands;
    size_t scratch = 0;
    for (int i = 0; i < plan->ninstructions; i++) {
        const struct instruction *in = &plan->instructions[i];
        const struct bound *result = &w->values[in->value];
        struct kernel_args *args = &w->args[i];
        *args = (struct kernel_args){.node = in->node,
                                     .out = {result->data, result->rows, in->node->layout, in->node->dtype},
                                     .in = operand,
                                     .topology = t,
                                     .inverse = w->inverses.of,
                                     .members = members,
                                     .team = w->team};
        for (int d = 0; d < DIM_COUNT; d++)
            args->split[d] = w->split[d];
        for (int k = 0; k < in->node->ninputs; k++) {
            const struct bound *x = &w->values[in->inputs[k]];
            const struct node *node = in->node->inputs[k];
            *operand++ = (struct operand){x->data, x->rows, node->layout, node->dtype};
        }
        size_t need = in->node->op->scratch ? in->node->op->scratch(args) : 0;
        scratch = need > scratch ? need : scratch;
        if (w->timing)
            w->timing->flops[i] = in->node->op->flops ? in->node->op->flops(args) : 0;
    }
    return scratch;
}

int workspace_begin(struct workspace *w, const struct plan *plan, struct team *team,
                    const struct program_binding *binding, struct timing *timing, struct error *error) {
    const struct topology *t = binding->topology;
    int members = team ? team_size(team) : 1;
    w->plan = plan;
    w->team = team;
    w->outputs = binding->outputs;
    w->timing = timing;
    if (timing)
        timing->runs++;
    for (int k = 0; k < INDEX_COUNT; k++)
        if (plan->inverse[k]) {
            if (!t->index[k])
                return error_set(error, ERROR_DATA, "the batch lacks an index array that the model needs (%d)", k);
            if (inverse_make(&w->inverses, k, t, plan->least_rows[k]))
                return error_memory(error);
        }
    if (reserve_plan(w, plan) || reserve_members(w, members))
        return error_memory(error);
    make_splits(w, t, members);
    size_t size = plan_bytes(plan, t);
    if (reserve(&w->buffer, &w->capacity, size + 64))
        return error_set(error, ERROR_MEMORY, "not enough memory for a batch of %d atoms and %d edges (%zu MiB)",
                         t->dim[DIM_ATOMS], t->edges, size >> 20);
    int code = bind_values(w, plan, binding, error);
    if (code)
        return code;
    w->scratch_size = (bind_instructions(w, plan, t, members) + 127) / 64 * 64;
    if (reserve(&w->scratch, &w->scratch_capacity, w->scratch_size * (size_t)members + 64))
        return error_memory(error);
    return 0;
}

/* ---------------------------------------------------------------- running */

static void run_member(void *context, int member, int members) {
    struct workspace *w = context;
    struct timing *timing = w->timing;
    double last = member == 0 && timing ? clock_seconds() : 0;
    for (int i = w->from; i < w->to; i++) {
        const struct instruction *in = &w->plan->instructions[i];
        struct kernel_args args = w->args[i];
        if (members > 1 && in->barrier && !timing)
            team_barrier(w->team, member);
        args.member = member;
        args.scratch = (char *)w->scratch + w->scratch_size * (size_t)member;
        in->run(&args);
        if (members > 1 && timing)
            team_barrier(w->team, member); /* so that a time is the time of all */
        if (member == 0 && timing) {
            double time = clock_seconds();
            timing->seconds[i] += time - last;
            last = time;
        }
    }
}

void workspace_run(struct workspace *w, int first, int last) {
    const struct plan *plan = w->plan;
    w->from = first > 0 ? plan->stage_end[first - 1] : 0;
    w->to = plan->stage_end[last];
    if (w->team)
        team_run(w->team, run_member, w);
    else
        run_member(w, 0, 1);
    for (int k = 0; k < plan->noutputs; k++) {
        const struct plan_output *output = &plan->outputs[k];
        const struct bound *v = &w->values[output->value];
        const struct node *node = plan->values[output->value].node;
        if (output->stage >= first && output->stage <= last && w->outputs && w->outputs[k] && !output->direct)
            memcpy(w->outputs[k], v->data, (size_t)v->rows * (size_t)node->layout->cols * dtype_size(node->dtype));
    }
}

const void *workspace_value(const struct workspace *w, int value, long *rows) {
    if (rows)
        *rows = w->values[value].rows;
    return w->values[value].data;
}
