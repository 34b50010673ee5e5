#include "graph/pass/simplify.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/form.h"
#include "graph/op/sums.h"

enum { MAX_PARTS = 64 };

struct part {
    struct node *node;
    double factor;
    int single; /* nobody else uses it: it may be taken apart */
};

static void count_uses(struct node *node, int *uses) {
    if (uses[node->id]++)
        return;
    for (int k = 0; k < node->ninputs; k++)
        count_uses(node->inputs[k], uses);
}

/* Forms that differ in their terms only. */
static int mergeable(const struct node *a, const struct node *b) {
    if (a->op != b->op || !op_has(a, OP_TERMS) || a->dtype != b->dtype)
        return 0;
    const struct form_attr *x = a->attr, *y = b->attr;
    struct form_attr p = *x, q = *y;
    p.nterms = q.nterms = 0;
    return !memcmp(&p, &q, sizeof p) &&
           (x->npaths == 0 || !memcmp(form_paths(x), form_paths(y), (size_t)x->npaths * (size_t)x->path_size));
}

/* One node for parts[0] and all parts that can be merged with it; those are taken out of the list. */
static struct node *merge(struct graph *graph, struct part *parts, int *nparts) {
    struct part merged[MAX_PARTS];
    int n = 0, rest = 0, terms = 0;
    for (int k = 0; k < *nparts; k++)
        if (k == 0 || (parts[k].single && mergeable(merged[0].node, parts[k].node)))
            merged[n++] = parts[k];
        else
            parts[rest++] = parts[k];
    *nparts = rest;
    for (int k = 0; k < n; k++)
        terms += ((const struct form_attr *)merged[k].node->attr)->nterms;
    double *factors = malloc((size_t)terms * sizeof *factors);
    struct node **inputs = malloc((size_t)terms * MAX_SLOTS * sizeof *inputs), *node = merged[0].node;
    if (!factors || !inputs) {
        error_memory(&graph->error);
    } else {
        int t = 0, i = 0;
        for (int k = 0; k < n; k++) {
            const struct form_attr *attr = merged[k].node->attr;
            for (int s = 0; s < attr->nterms; s++)
                factors[t++] = merged[k].factor * form_factors(attr)[s];
            for (int s = 0; s < merged[k].node->ninputs; s++)
                inputs[i++] = merged[k].node->inputs[s];
        }
        node = form_terms(graph, node->op, node->attr, terms, factors, inputs);
    }
    free(factors);
    free(inputs);
    return node;
}

static struct node *sum_of(struct graph *graph, struct part *parts, int nparts) {
    struct node *inputs[MAX_PARTS];
    double factors[MAX_PARTS];
    int n = 0;
    while (nparts) {
        if (parts[0].single && op_has(parts[0].node, OP_TERMS)) {
            inputs[n] = merge(graph, parts, &nparts);
            factors[n++] = 1;
        } else {
            inputs[n] = parts[0].node;
            factors[n++] = parts[0].factor;
            memmove(parts, parts + 1, (size_t)--nparts * sizeof *parts);
        }
    }
    if (n == 1 && factors[0] == 1)
        return inputs[0];
    return node_sum(graph, inputs, factors, n);
}

/* New nodes that more than one node uses, by id. */
struct shared {
    char *flags;
    int count;
};

static int is_shared(const struct shared *shared, const struct node *node) {
    return node->id < shared->count && shared->flags[node->id];
}

static int mark_shared(struct shared *shared, const struct node *node) {
    if (node->id >= shared->count) {
        int more = 2 * node->id + 64;
        char *bigger = realloc(shared->flags, (size_t)more);
        if (!bigger)
            return -1;
        memset(bigger + shared->count, 0, (size_t)(more - shared->count));
        shared->flags = bigger;
        shared->count = more;
    }
    shared->flags[node->id] = 1;
    return 0;
}

static struct node *rebuild_sum(struct graph *graph, const struct node *node, struct node *const *map,
                                const struct shared *shared) {
    const struct add_attr *attr = node->attr;
    struct part parts[MAX_PARTS];
    int n = 0, left = attr->count;
    for (int k = 0; k < attr->count; k++, left--) {
        struct node *input = map[node->inputs[k]->id];
        int single = !is_shared(shared, input);
        const struct add_attr *inner = input->attr;
        if (single && op_has(input, OP_SUM) && n + inner->count + left <= MAX_PARTS) {
            for (int j = 0; j < inner->count; j++)
                parts[n++] = (struct part){input->inputs[j], attr->factor[k] * inner->factor[j],
                                           !is_shared(shared, input->inputs[j])};
        } else {
            parts[n++] = (struct part){input, attr->factor[k], single};
        }
    }
    return sum_of(graph, parts, n);
}

int graph_simplify(struct graph *graph, struct node **outputs, int noutputs, struct error *error) {
    int top = graph->nnodes;
    int *uses = calloc((size_t)top, sizeof *uses);
    struct node **map = calloc((size_t)top, sizeof *map);
    struct shared shared = {NULL, 0};
    int modules = graph->nmodules;
    if (!uses || !map) {
        error_memory(&graph->error);
        goto out;
    }
    for (int k = 0; k < noutputs; k++)
        count_uses(outputs[k], uses);
    for (int id = 0; id < top; id++) {
        struct node *node = graph->nodes[id];
        if (!uses[id])
            continue;
        graph_push_module(graph, node->module);
        int changed = 0;
        for (int k = 0; k < node->ninputs; k++)
            changed |= map[node->inputs[k]->id] != node->inputs[k];
        if (op_has(node, OP_SUM)) {
            map[id] = rebuild_sum(graph, node, map, &shared);
        } else if (changed) {
            struct node **inputs = malloc((size_t)node->ninputs * sizeof *inputs);
            if (!inputs) {
                error_memory(&graph->error);
                goto out;
            }
            for (int k = 0; k < node->ninputs; k++)
                inputs[k] = map[node->inputs[k]->id];
            map[id] = node_remake(graph, node, inputs);
            free(inputs);
        } else {
            map[id] = node;
        }
        graph_pop_module(graph);
        if (uses[id] > 1 && mark_shared(&shared, map[id])) {
            error_memory(&graph->error);
            goto out;
        }
    }
    for (int k = 0; k < noutputs; k++)
        outputs[k] = map[outputs[k]->id];
out:
    graph->nmodules = modules;
    free(uses);
    free(map);
    free(shared.flags);
    return graph_error(graph, error);
}
