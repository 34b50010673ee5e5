#ifndef FETTLE_GRAPH_KERNEL_UNARY_VALUE_H
#define FETTLE_GRAPH_KERNEL_UNARY_VALUE_H

#include "graph/graph.h"

/* Value of unary(kind, order) at x, by truncated power series: any kind, any order up to UNARY_MAX_ORDER. */
enum { UNARY_MAX_ORDER = 12 };
double unary_value(enum unary_kind kind, int order, double p, double x);

#endif
