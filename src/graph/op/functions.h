#ifndef FETTLE_GRAPH_OP_FUNCTIONS_H
#define FETTLE_GRAPH_OP_FUNCTIONS_H

#include "graph/op/op.h"

struct unary_attr {
    enum unary_kind kind;
    int order;
    double p;
};

#endif
