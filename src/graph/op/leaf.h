/* Leaves, and the fills that stand for constants of any shape. */
#ifndef FETTLE_GRAPH_OP_LEAF_H
#define FETTLE_GRAPH_OP_LEAF_H

#include "graph/op/op.h"

struct input_attr {
    const char *name; /* interned in the graph's arena by content: see graph_input */
};
struct param_attr {
    size_t offset;
    const char *name;
};
struct fill_attr {
    double value;
};

/* An input in the shape of a node. */
struct node *node_input_like(struct graph *graph, const char *name, const struct node *like);

int node_is_fill(const struct node *node, double *value);
/* One value everywhere in a shape that no node has yet. */
struct node *node_fill(struct graph *graph, enum dtype dtype, enum dim dim, int rows, const struct layout *layout,
                       double value);
struct node *node_zero_like(struct graph *graph, const struct node *like);

/* Both record the first error and return a node to go on with. */
struct node *graph_no_memory(struct graph *graph);
struct node *graph_fail(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
