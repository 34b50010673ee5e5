/* What nobody reads is not made: each op has a rule by which the pass marks what is read, from the outputs to the
 * leaves, and makes the narrow nodes, from the leaves to the outputs. */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"
#include "graph/op/narrowing.h"

static const struct narrow_rule *rule_of(const struct node *node) {
    const struct narrow_rule *rule = node->op->narrow;
    return rule && (!rule->applies || rule->applies(node)) ? rule : NULL;
}

static int has_columns(const struct node *node) {
    const struct narrow_rule *rule = rule_of(node);
    return rule && rule->columns && rule->columns(node);
}

/* What a node that is read reads of its operands. */
static void read_operands(const struct narrowing *n, const struct node *node) {
    const struct narrow_rule *rule = rule_of(node);
    if (rule && rule->read) {
        rule->read(n, node);
        return;
    }
    if (!rule)
        narrow_read_all(n, node);
    for (int k = 0; k < node->ninputs; k++)
        narrow_read_all(n, node->inputs[k]);
}

/* Whether something of its operands is read; else it is zero, as what no entry and no path writes. */
static int has_operands(const struct narrowing *n, const struct node *node) {
    for (int k = 0; k < node->ninputs; k++)
        if (!narrow_part(n, node->inputs[k])->read)
            return 0;
    return 1;
}

static struct node *narrow_node(const struct narrowing *n, struct node *node) {
    const struct narrow_rule *rule = rule_of(node);
    if (!has_operands(n, node))
        return node_fill(n->graph, node->dtype, node->dim, node->rows, narrow_layout(n, node), 0);
    if (rule)
        return rule->make(n, node);
    struct node **inputs = malloc((size_t)(node->ninputs + 1) * sizeof *inputs), *made;
    if (!inputs)
        return graph_no_memory(n->graph);
    for (int k = 0; k < node->ninputs; k++)
        inputs[k] = n->map[node->inputs[k]->id];
    made = node_remake(n->graph, node, inputs);
    free(inputs);
    return made;
}

static int is_same(const struct narrowing *n, const struct node *node) {
    const struct narrow_part *part = narrow_part(n, node);
    for (int k = 0; k < node->ninputs; k++)
        if (n->map[node->inputs[k]->id] != node->inputs[k])
            return 0;
    return !memchr(part->blocks, 0, (size_t)node->layout->nblocks) &&
           !(part->columns && memchr(part->columns, 0, (size_t)node->layout->cols));
}

void graph_narrow(struct graph *graph, struct node **const *outputs, int noutputs) {
    struct narrowing n = {.graph = graph};
    int top = graph->nnodes, modules = graph->nmodules;
    n.parts = calloc((size_t)top + 1, sizeof *n.parts);
    n.map = calloc((size_t)top + 1, sizeof *n.map);
    if (!n.parts || !n.map)
        goto memory;
    for (int id = 0; id < top; id++) {
        const struct node *node = graph->nodes[id];
        n.parts[id].blocks = calloc((size_t)node->layout->nblocks + 1, 1);
        n.parts[id].columns = has_columns(node) ? calloc((size_t)node->layout->cols + 1, 1) : NULL;
        if (!n.parts[id].blocks || (has_columns(node) && !n.parts[id].columns))
            goto memory;
    }
    for (int k = 0; k < noutputs; k++)
        if (*outputs[k])
            narrow_read_all(&n, *outputs[k]);
    for (int id = top - 1; id >= 0; id--)
        if (n.parts[id].read)
            read_operands(&n, graph->nodes[id]);
    for (int id = 0; id < top; id++) {
        struct node *node = graph->nodes[id];
        if (!n.parts[id].read)
            continue;
        graph_push_module(graph, node->module);
        n.map[id] = is_same(&n, node) ? node : narrow_node(&n, node);
        graph_pop_module(graph);
    }
    for (int k = 0; k < noutputs; k++)
        if (*outputs[k])
            *outputs[k] = n.map[(*outputs[k])->id];
    goto out;
memory:
    error_memory(&graph->error);
out:
    graph->nmodules = modules;
    for (int id = 0; n.parts && id < top; id++) {
        free(n.parts[id].blocks);
        free(n.parts[id].columns);
    }
    free(n.parts);
    free(n.map);
}
