#include "graph/run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "graph/kernel/kernel_set.h"
#include "graph/op/leaf.h"
#include "graph/pass/simplify.h"

/* ---------------------------------------------------------------- order */

static int add_input(struct plan *plan, const struct node *node) {
    const char *name = ((const struct input_attr *)node->attr)->name;
    for (int k = 0; k < plan->ninputs; k++)
        if (!strcmp(plan_input_name(plan, k), name))
            return k;
    plan->inputs[plan->ninputs] = node;
    return plan->ninputs++;
}

static void *constant_of(const struct node *node) {
    size_t n = (size_t)node->rows * (size_t)node->layout->cols;
    void *constant = aligned_alloc(64, (n * dtype_size(node->dtype) + 63) / 64 * 64 + 64);
    const double *values = node->attr;
    for (size_t i = 0; constant && i < n; i++)
        if (node->dtype == F32)
            ((float *)constant)[i] = (float)values[i];
        else
            ((double *)constant)[i] = values[i];
    return constant;
}

static int add_instruction(struct plan *plan, const struct node *node, const int *value_of) {
    struct instruction *in = &plan->instructions[plan->ninstructions++];
    in->node = node;
    in->run = plan->kernels->run[node->dtype][node->op->id];
    in->value = value_of[node->id];
    in->inputs = malloc((size_t)(node->ninputs + 1) * sizeof *in->inputs);
    if (!in->inputs)
        return -1;
    for (int k = 0; k < node->ninputs; k++)
        in->inputs[k] = value_of[node->inputs[k]->id];
    plan->noperands += node->ninputs;
    if (node->op->inverse) {
        int rows, index = node->op->inverse(node, &rows);
        plan->inverse[index] = 1;
        if (rows > plan->least_rows[index])
            plan->least_rows[index] = rows;
    }
    return 0;
}

/* Gives a node its value and, where it computes something, its instruction; -1 if out of memory. */
static int add_node(struct plan *plan, const struct node *node, int *value_of) {
    int number = value_of[node->id] = plan->nvalues++;
    struct value *v = &plan->values[number];
    *v = (struct value){.node = node, .holder = number, .storage = -1, .input = -1};
    switch (node->op->data) {
    case DATA_INPUT:
        v->input = add_input(plan, node);
        break;
    case DATA_PARAM:
        break;
    case DATA_CONSTANT:
        v->constant = constant_of(node);
        return v->constant ? 0 : -1;
    case DATA_VIEW:
        v->holder = plan->values[value_of[node->inputs[0]->id]].holder;
        break;
    case DATA_COMPUTED:
        return add_instruction(plan, node, value_of);
    }
    return 0;
}

static int collect(struct plan *plan, const int *stages) {
    struct graph *graph = plan->graph;
    int *needed = calloc((size_t)graph->nnodes, sizeof *needed); /* 1 + the earliest stage that needs it */
    int *value_of = malloc((size_t)graph->nnodes * sizeof *value_of);
    char *shown = NULL;
    int count = 0, code = -1;
    if (!needed || !value_of)
        goto out;
    plan->nstages = 1;
    for (int k = 0; stages && k < plan->noutputs; k++)
        plan->nstages = stages[k] >= plan->nstages ? stages[k] + 1 : plan->nstages;
    for (int stage = 0; stage < plan->nstages; stage++)
        for (int k = 0; k < plan->noutputs; k++)
            if (!stages || stages[k] == stage)
                count += graph_mark(plan->roots[k], 1 + stage, needed);
    plan->values = calloc((size_t)count + 1, sizeof *plan->values);
    plan->instructions = calloc((size_t)count + 1, sizeof *plan->instructions);
    plan->inputs = calloc((size_t)count + 1, sizeof *plan->inputs);
    plan->outputs = calloc((size_t)plan->noutputs + 1, sizeof *plan->outputs);
    plan->stage_end = calloc((size_t)plan->nstages, sizeof *plan->stage_end);
    shown = calloc((size_t)count + 1, 1);
    if (!plan->values || !plan->instructions || !plan->inputs || !plan->outputs || !plan->stage_end || !shown)
        goto out;
    for (int stage = 0; stage < plan->nstages; stage++) {
        for (int id = 0; id < graph->nnodes; id++)
            if (needed[id] == 1 + stage && add_node(plan, graph->nodes[id], value_of))
                goto out;
        plan->stage_end[stage] = plan->ninstructions;
    }
    for (int k = 0; k < plan->noutputs; k++) {
        const struct node *node = plan->roots[k];
        int value = value_of[node->id];
        plan->outputs[k] = (struct plan_output){.value = value,
                                                .stage = stages ? stages[k] : 0,
                                                .direct = node->op->data == DATA_COMPUTED && !shown[value]};
        shown[value] = 1;
    }
    code = 0;
out:
    free(needed);
    free(value_of);
    free(shown);
    return code;
}

/* ---------------------------------------------------------------- memory */

/* What is remembered of a storage while the instructions are gone through. */
struct tenancy {
    const struct layout *layout; /* of its latest value */
    enum dtype dtype;
    int busy, freed_at;
    /* since the last barrier: */
    int touched; /* read or written */
    int shared;  /* by members that did not keep to their own rows */
    int written;
};

/* The free storage that suits best: one of the same layout, which members can go on with without meeting; else the one
 * that has been free for longest, if that is long enough for the members to have met since. */
static int take_storage(struct plan *plan, struct tenancy *tenancies, const struct node *node, int instruction) {
    enum { LONG_AGO = 24 };
    size_t row = (size_t)node->layout->cols * dtype_size(node->dtype);
    if (node->dim == DIM_STATIC)
        row *= (size_t)node->rows;
    int best = -1, best_alike = 0;
    for (int k = 0; !plan->inspect && k < plan->nstorages; k++) {
        const struct storage *s = &plan->storages[k];
        const struct tenancy *t = &tenancies[k];
        int alike = t->layout == node->layout && t->dtype == node->dtype && s->dim != DIM_STATIC;
        if (t->busy || s->dim != node->dim || s->row < row / 2 || s->row > 2 * row || alike < best_alike)
            continue;
        if (!alike && instruction - t->freed_at < LONG_AGO)
            continue;
        if (best < 0 || alike > best_alike || t->freed_at < tenancies[best].freed_at) {
            best = k;
            best_alike = alike;
        }
    }
    if (best < 0) {
        best = plan->nstorages++;
        plan->storages[best].dim = node->dim;
    }
    if (row > plan->storages[best].row)
        plan->storages[best].row = row;
    tenancies[best].busy = 1;
    tenancies[best].layout = node->layout;
    tenancies[best].dtype = node->dtype;
    return best;
}

static struct value *holder(const struct plan *plan, int value) {
    return &plan->values[plan->values[value].holder];
}

static int take_storages(struct plan *plan, struct tenancy *tenancies) {
    int *last_use = malloc((size_t)(plan->nvalues + 1) * sizeof *last_use); /* instruction, by holder */
    if (!last_use)
        return -1;
    for (int k = 0; k < plan->nvalues; k++)
        last_use[k] = -1;
    for (int i = 0; i < plan->ninstructions; i++)
        for (int k = 0; k < plan->instructions[i].node->ninputs; k++)
            last_use[plan->values[plan->instructions[i].inputs[k]].holder] = i;
    for (int k = 0; k < plan->noutputs; k++)
        last_use[plan->values[plan->outputs[k].value].holder] = plan->ninstructions;
    for (int i = 0; i < plan->ninstructions; i++) {
        const struct instruction *in = &plan->instructions[i];
        plan->values[in->value].storage = take_storage(plan, tenancies, in->node, i);
        for (int k = 0; k < in->node->ninputs; k++) {
            int input = plan->values[in->inputs[k]].holder, storage = plan->values[input].storage;
            if (storage >= 0 && last_use[input] == i && tenancies[storage].busy) {
                tenancies[storage].busy = 0;
                tenancies[storage].freed_at = i;
            }
        }
    }
    free(last_use);
    return 0;
}

/* ---------------------------------------------------------------- barriers
 *
 * Members may run on without meeting as long as each touches its own rows only.  They must meet before an instruction
 * that reads what another member has written, or writes over what another member may still read. */

static int reads_own_rows(const struct node *node, int input) {
    return node->dim != DIM_STATIC && node->inputs[input]->dim == node->dim &&
           op_has(node, node->dim == DIM_PAIRS ? OP_OWN_ROWS | OP_OWN_PAIRS : OP_OWN_ROWS);
}

static void touch(struct tenancy *t, const struct node *value, int own_rows, int writes) {
    t->touched = 1;
    t->shared |= !own_rows;
    t->written |= writes;
    t->layout = value->layout;
    t->dtype = value->dtype;
}

static void place_barriers(struct plan *plan, struct tenancy *tenancies) {
    for (int i = 0; i < plan->ninstructions; i++) {
        struct instruction *in = &plan->instructions[i];
        struct tenancy *out = &tenancies[plan->values[in->value].storage];
        int own_out = in->node->dim != DIM_STATIC;
        in->barrier = plan->inspect;
        /* over what was touched since: safe only if everybody kept to rows that lie where they lie now */
        if (out->touched &&
            (out->shared || !own_out || out->layout != in->node->layout || out->dtype != in->node->dtype))
            in->barrier = 1;
        for (int k = 0; k < in->node->ninputs; k++) {
            int storage = holder(plan, in->inputs[k])->storage;
            const struct tenancy *t = &tenancies[storage < 0 ? 0 : storage];
            if (storage >= 0 && t->written && (t->shared || !reads_own_rows(in->node, k)))
                in->barrier = 1;
        }
        if (in->barrier)
            for (int k = 0; k < plan->nstorages; k++)
                tenancies[k].touched = tenancies[k].shared = tenancies[k].written = 0;
        for (int k = 0; k < in->node->ninputs; k++) {
            int storage = holder(plan, in->inputs[k])->storage;
            if (storage >= 0)
                touch(&tenancies[storage], plan->values[in->inputs[k]].node, reads_own_rows(in->node, k), 0);
        }
        touch(out, in->node, own_out, 1);
    }
}

static int lay_out(struct plan *plan) {
    struct tenancy *tenancies = calloc((size_t)plan->ninstructions + 1, sizeof *tenancies);
    plan->storages = calloc((size_t)plan->ninstructions + 1, sizeof *plan->storages);
    int code = tenancies && plan->storages ? take_storages(plan, tenancies) : -1;
    if (!code)
        place_barriers(plan, tenancies);
    free(tenancies);
    return code;
}

/* ---------------------------------------------------------------- the plan */

int plan_make(struct plan **out, struct graph *graph, struct node *const *outputs, int noutputs,
              const struct plan_options *options, struct error *error) {
    struct plan *plan = calloc(1, sizeof *plan);
    int code = 0;
    *out = NULL;
    if (!plan || !(plan->roots = malloc((size_t)(noutputs + 1) * sizeof *plan->roots))) {
        code = error_memory(error);
        goto out;
    }
    memcpy(plan->roots, outputs, (size_t)noutputs * sizeof *plan->roots);
    plan->graph = graph;
    plan->noutputs = noutputs;
    plan->inspect = options->inspect;
    plan->kernels = options->kernels;
    if (!plan->inspect && (code = graph_simplify(graph, plan->roots, noutputs, error)))
        goto out;
    if (collect(plan, options->stages) || lay_out(plan))
        code = error_memory(error);
out:
    if (code)
        plan_free(plan);
    else
        *out = plan;
    return code;
}

void plan_free(struct plan *plan) {
    if (!plan)
        return;
    for (int k = 0; k < plan->nvalues; k++)
        free(plan->values[k].constant);
    for (int k = 0; k < plan->ninstructions; k++)
        free(plan->instructions[k].inputs);
    free(plan->roots);
    free(plan->values);
    free(plan->instructions);
    free(plan->stage_end);
    free(plan->storages);
    free(plan->inputs);
    free(plan->outputs);
    free(plan);
}

const char *plan_input_name(const struct plan *plan, int input) {
    return ((const struct input_attr *)plan->inputs[input]->attr)->name;
}

size_t storage_bytes(const struct storage *storage, const struct topology *topology) {
    size_t rows = storage->dim == DIM_STATIC ? 1 : (size_t)topology->dim[storage->dim];
    return (rows * storage->row + 127) / 64 * 64;
}

size_t plan_bytes(const struct plan *plan, const struct topology *topology) {
    size_t size = 0;
    for (int k = 0; k < plan->nstorages; k++)
        size += storage_bytes(&plan->storages[k], topology);
    return size;
}
