/* Differentiation: from a node back to its operands, each op giving its own rule. */
#include "graph/graph.h"

#include <stdlib.h>

#include "graph/op/leaf.h"

/* Adjoints collected for one node before they are summed. */
struct pending {
    struct node **parts;
    int count, capacity;
};

static int pending_add(struct pending *pending, struct node *part) {
    if (graph_grow((void **)&pending->parts, &pending->capacity, pending->count, sizeof *pending->parts))
        return -1;
    pending->parts[pending->count++] = part;
    return 0;
}

int graph_grad(struct graph *graph, struct node *y, struct node *seed, struct node *const *wrt, int nwrt,
               struct node **out) {
    /* what stands for a node that could not be made has no place in the graph */
    if (arena_result(graph->arena, graph->error.code, &graph->error)) {
        for (int k = 0; k < nwrt; k++)
            out[k] = wrt[k];
        return graph->error.code;
    }
    int top = y->id + 1; /* nodes up to y: what comes after cannot feed it */
    struct pending *pending = calloc((size_t)top, sizeof *pending);
    char *active = calloc((size_t)top, 1); /* depends on some wrt */
    int modules = graph->nmodules;
    graph->deriving++;
    if (!pending || !active ||
        graph_grow((void **)&graph->modules, &graph->module_capacity, modules, sizeof *graph->modules)) {
        error_memory(&graph->error);
        goto out;
    }
    for (int k = 0; k < nwrt; k++)
        if (wrt[k]->id < top)
            active[wrt[k]->id] = 1;
    for (int id = 0; id < top; id++)
        for (int k = 0; k < graph->nodes[id]->ninputs; k++)
            active[id] |= active[graph->nodes[id]->inputs[k]->id];

    if (!seed)
        seed = graph_fill(graph, y->dtype, y, 1);
    if (!node_same_shape(seed, y) || seed->dtype != y->dtype) {
        graph_fail(graph, "the seed of a gradient has another shape than what is differentiated");
        goto out;
    }
    if (active[y->id] && pending_add(&pending[y->id], seed))
        goto memory;

    for (int id = y->id; id >= 0; id--) {
        struct node *node = graph->nodes[id];
        if (!pending[id].count)
            continue;
        struct node *adjoint = pending[id].parts[0];
        graph->modules[graph->nmodules++] = node->module; /* room was made above */
        for (int k = 1; k < pending[id].count; k++)
            adjoint = graph_add(graph, adjoint, pending[id].parts[k]);
        graph->nmodules--;
        pending[id].parts[0] = adjoint;
        pending[id].count = 1;
        double value;
        if (node_is_fill(adjoint, &value) && value == 0)
            continue;
        if (!node->op->derivative)
            continue;
        graph->modules[graph->nmodules++] = node->module;
        for (int k = 0; k < node->ninputs; k++) {
            if (!active[node->inputs[k]->id])
                continue;
            struct node *part = node->op->derivative(graph, node, adjoint, k);
            if (part && pending_add(&pending[node->inputs[k]->id], part)) {
                graph->nmodules--;
                goto memory;
            }
        }
        graph->nmodules--;
    }
    for (int k = 0; k < nwrt; k++)
        out[k] = wrt[k]->id < top && pending[wrt[k]->id].count ? pending[wrt[k]->id].parts[0]
                                                               : node_zero_like(graph, wrt[k]);
    goto out;

memory:
    error_memory(&graph->error);
out:
    graph->deriving--;
    graph->nmodules = modules;
    for (int id = 0; pending && id < top; id++)
        free(pending[id].parts);
    free(pending);
    free(active);
    if (graph->error.code)
        for (int k = 0; k < nwrt; k++)
            out[k] = node_zero_like(graph, wrt[k]);
    return graph->error.code;
}
