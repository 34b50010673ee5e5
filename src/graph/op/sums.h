#ifndef FETTLE_GRAPH_OP_SUMS_H
#define FETTLE_GRAPH_OP_SUMS_H

#include "graph/op/op.h"

struct add_attr {
    int count, pad;
    double factor[];
};

/* The sum of factors[k] * inputs[k], which have one shape and differ; as it stands, unlike graph_add. */
struct node *node_sum(struct graph *graph, struct node *const *inputs, const double *factors, int count);

#endif
