#ifndef FETTLE_GRAPH_PASS_SIMPLIFY_H
#define FETTLE_GRAPH_PASS_SIMPLIFY_H

#include "graph/graph.h"

/* Replaces outputs by equal ones that cost less: sums of one form become one node with several terms, sums of sums
 * one sum, factors go into forms. */
int graph_simplify(struct graph *graph, struct node **outputs, int noutputs, struct error *error);

#endif
