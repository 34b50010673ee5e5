/* Functions of one operand, number by number; the largest of its numbers. */
#include "graph/op/functions.h"

#include "graph/op/leaf.h"
#include "graph/op/structure.h"

/* ---------------------------------------------------------------- cast */

static struct node *cast_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_cast(graph, adjoint, node->inputs[0]->dtype);
}

const struct op op_cast = {
    OP_NAME(cast),
    .derivative = cast_derivative,
    .narrow = &narrow_blockwise,
    .traits = OP_OWN_ROWS | OP_AGAIN,
};

struct node *graph_cast(struct graph *graph, struct node *a, enum dtype dtype) {
    double value;
    if (a->dtype == dtype)
        return a;
    if (node_is_fill(a, &value))
        return graph_fill(graph, dtype, a, value);
    if (a->op->data == DATA_CONSTANT)
        return graph_const(graph, dtype, a->rows, a->layout->cols, a->attr);
    return node_make(graph, &op_cast, dtype, a->dim, a->rows, a->layout, &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- largest */

const struct op op_argmax = {OP_NAME(argmax), .traits = OP_ALL_ROWS};

static struct node *max_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    struct node *a = node->inputs[0];
    struct node *mask = node_make(graph, &op_argmax, a->dtype, a->dim, a->rows, a->layout, &a, 1, NULL, 0);
    return graph_mul(graph, mask, adjoint);
}

const struct op op_max = {OP_NAME(max), .derivative = max_derivative, .traits = OP_ALL_ROWS};

struct node *graph_max(struct graph *graph, struct node *a) {
    return node_make(graph, &op_max, a->dtype, DIM_STATIC, 1, layout_plain(graph, 1), &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- functions of one variable */

static struct node *unary_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input);

const struct op op_unary = {
    OP_NAME(unary),
    .derivative = unary_derivative,
    .narrow = &narrow_blockwise,
    .traits = OP_OWN_ROWS | OP_AGAIN,
};

static struct node *unary_order(struct graph *graph, enum unary_kind kind, int order, struct node *a, double p) {
    struct unary_attr attr = {kind, order, p};
    return node_make(graph, &op_unary, a->dtype, a->dim, a->rows, a->layout, &a, 1, &attr, sizeof attr);
}

static struct node *unary_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    const struct unary_attr *attr = node->attr;
    struct node *a = node->inputs[0];
    if (attr->kind == UNARY_STEP || attr->kind == UNARY_FINITE)
        return NULL;
    if (attr->kind == UNARY_NAN0)
        return attr->order ? NULL : graph_mul(graph, adjoint, unary_order(graph, UNARY_FINITE, 0, a, 0));
    return graph_mul(graph, adjoint, unary_order(graph, attr->kind, attr->order + 1, a, attr->p));
}

struct node *graph_unary(struct graph *graph, enum unary_kind kind, struct node *a, double p) {
    if (kind == UNARY_POWER && p == 1)
        return a;
    return unary_order(graph, kind, 0, a, p);
}
