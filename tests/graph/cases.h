/* The cases of the walk over the op table: one small graph for every op and every way of using it. */
#ifndef TESTS_GRAPH_CASES_H
#define TESTS_GRAPH_CASES_H

#include "graph/graph.h"
#include "graph/run/program.h"

enum { CASE_MAX_INPUTS = 4 };

struct case_inputs {
    struct node *x[CASE_MAX_INPUTS];
    int count;
    double low, high; /* range of the numbers drawn; (-1, 1) unless the case says otherwise */
};

struct op_case {
    const char *name;
    const char *op; /* the op that it is about */
    struct node *(*build)(struct graph *graph, enum dtype dtype, struct case_inputs *in);
    int derivatives; /* how often it may be differentiated: 2, or 0 where the derivative is zero by definition */
};

extern const struct op_case op_cases[];
extern const int op_case_count;

/* A made-up batch: 2 frames, 7 atoms, 3 types; undirected pairs or one pair an edge. */
struct topology *case_topology(int directed);
void case_topology_free(struct topology *topology);

#endif
