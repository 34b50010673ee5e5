/* Linear combinations, and the sums and spreads that broadcasting needs. */
#include "graph/op/sums.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"
#include "graph/op/structure.h"

/* ---------------------------------------------------------------- sum and spread */

static struct node *sum_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_spread(graph, adjoint, node->inputs[0]);
}

const struct op op_sum = {OP_NAME(sum), .derivative = sum_derivative, .traits = OP_OWN_ROWS};

struct node *graph_sum(struct graph *graph, struct node *a, unsigned axes) {
    const struct layout *layout = a->layout;
    struct block *blocks = calloc((size_t)layout->nblocks + 1, sizeof *blocks);
    if (!blocks)
        return graph_no_memory(graph);
    int nblocks = axes & AXIS_BLOCKS ? 1 : layout->nblocks, fits = 1;
    for (int b = 0; b < layout->nblocks; b++) {
        struct block block = layout->blocks[b];
        if (axes & AXIS_MID)
            block.mid = 1;
        if (axes & AXIS_MUL)
            block.mul = 1;
        if (b < nblocks)
            blocks[b] = block;
        fits &= blocks[b < nblocks ? b : 0].mid == block.mid && blocks[b < nblocks ? b : 0].mul == block.mul;
    }
    const struct layout *out = layout_intern(graph, blocks, nblocks);
    free(blocks);
    if (!fits)
        return graph_fail(graph, "a sum over blocks of different shapes");
    enum dim dim = axes & AXIS_ROWS ? DIM_STATIC : a->dim;
    int rows = axes & AXIS_ROWS ? 1 : a->rows;
    if (out == layout && dim == a->dim && rows == a->rows)
        return a;
    double value;
    if (node_is_fill(a, &value) && value == 0) {
        return node_fill(graph, a->dtype, dim, rows, out, 0);
    }
    return node_make(graph, &op_sum, a->dtype, dim, rows, out, &a, 1, NULL, 0);
}

static struct node *spread_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    struct node *a = node->inputs[0];
    unsigned axes = 0;
    if (a->dim != node->dim || a->rows != node->rows)
        axes |= AXIS_ROWS;
    if (a->layout->nblocks != node->layout->nblocks)
        axes |= AXIS_BLOCKS;
    if (a->layout->nblocks == 0 || node->layout->nblocks == 0)
        return node_zero_like(graph, a);
    for (int b = 0; b < node->layout->nblocks; b++) {
        const struct block *from = &a->layout->blocks[a->layout->nblocks == 1 ? 0 : b];
        axes |= from->mid != node->layout->blocks[b].mid ? AXIS_MID : 0;
        axes |= from->mul != node->layout->blocks[b].mul ? AXIS_MUL : 0;
    }
    return graph_sum(graph, adjoint, axes);
}

const struct op op_spread = {OP_NAME(spread), .derivative = spread_derivative, .traits = OP_OWN_ROWS | OP_AGAIN};

struct node *graph_spread(struct graph *graph, struct node *a, const struct node *like) {
    if (node_same_shape(a, like))
        return a;
    const struct layout *from = a->layout, *to = like->layout;
    int fits = (a->dim == like->dim && a->rows == like->rows) || (a->dim == DIM_STATIC && a->rows == 1);
    fits = fits && (from->nblocks == to->nblocks || from->nblocks == 1);
    for (int b = 0; fits && b < to->nblocks; b++) {
        struct block block = from->blocks[from->nblocks == 1 ? 0 : b];
        fits = (block.mid == to->blocks[b].mid || block.mid == 1) && (block.mul == to->blocks[b].mul || block.mul == 1);
    }
    if (!fits)
        return graph_fail(graph, "cannot spread %d columns over %d", from->cols, to->cols);
    double value;
    if (node_is_fill(a, &value))
        return graph_fill(graph, a->dtype, like, value);
    return node_make(graph, &op_spread, a->dtype, like->dim, like->rows, to, &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- linear combinations */

struct node *node_sum(struct graph *graph, struct node *const *inputs, const double *factors, int count) {
    const struct node *like = inputs[0];
    size_t size = sizeof(struct add_attr) + (size_t)count * sizeof *factors;
    struct add_attr *attr = calloc(1, size);
    if (!attr)
        return graph_no_memory(graph);
    attr->count = count;
    memcpy(attr->factor, factors, (size_t)count * sizeof *factors);
    struct node *node =
        node_make(graph, &op_add, like->dtype, like->dim, like->rows, like->layout, inputs, count, attr, size);
    free(attr);
    return node;
}

enum { OPERANDS = 2 }; /* of a combination, at most; the simplifier makes longer ones */

static struct node *combination(struct graph *graph, struct node *const *inputs, const double *factors, int count) {
    struct node *kept[OPERANDS];
    double factor[OPERANDS];
    int n = 0;
    for (int k = 0; k < count; k++) {
        double value;
        if (factors[k] == 0 || (node_is_fill(inputs[k], &value) && value == 0))
            continue;
        int same = 0;
        while (same < n && kept[same] != inputs[k])
            same++;
        if (same == n) {
            kept[n] = inputs[k];
            factor[n++] = 0;
        }
        factor[same] += factors[k];
    }
    if (n == 0)
        return node_zero_like(graph, inputs[0]);
    double value;
    if (n == 1 && factor[0] == 1)
        return kept[0];
    if (n == 1 && node_is_fill(kept[0], &value))
        return graph_fill(graph, kept[0]->dtype, kept[0], value * factor[0]);
    return node_sum(graph, kept, factor, n);
}

/* Spreads what is smaller, so that both have one shape. */
static int make_equal(struct graph *graph, struct node **a, struct node **b) {
    if (node_same_shape(*a, *b))
        return 0;
    if (node_cols(*a) * (long)((*a)->dim == DIM_STATIC ? (*a)->rows : 2) >
        node_cols(*b) * (long)((*b)->dim == DIM_STATIC ? (*b)->rows : 2))
        *b = graph_spread(graph, *b, *a);
    else
        *a = graph_spread(graph, *a, *b);
    if (node_same_shape(*a, *b))
        return 0;
    graph_fail(graph, "a sum of tensors of different shapes");
    return -1;
}

static struct node *combine(struct graph *graph, struct node *a, double fa, struct node *b, double fb) {
    if (a->dtype != b->dtype)
        return graph_fail(graph, "a sum of %s and %s", dtype_name(a->dtype), dtype_name(b->dtype));
    if (make_equal(graph, &a, &b))
        return a;
    struct node *inputs[] = {a, b};
    double factors[] = {fa, fb};
    return combination(graph, inputs, factors, 2);
}

struct node *graph_add(struct graph *graph, struct node *a, struct node *b) {
    return combine(graph, a, 1, b, 1);
}

struct node *graph_sub(struct graph *graph, struct node *a, struct node *b) {
    return combine(graph, a, 1, b, -1);
}

struct node *graph_scale(struct graph *graph, struct node *a, double factor) {
    return combination(graph, &a, &factor, 1);
}

struct node *graph_neg(struct graph *graph, struct node *a) {
    return graph_scale(graph, a, -1);
}

struct node *graph_offset(struct graph *graph, struct node *a, double constant) {
    return graph_add(graph, a, graph_fill(graph, a->dtype, a, constant));
}

static struct node *add_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    return graph_scale(graph, adjoint, ((const struct add_attr *)node->attr)->factor[input]);
}

const struct op op_add = {
    OP_NAME(add),
    .derivative = add_derivative,
    .narrow = &narrow_blockwise,
    .traits = OP_OWN_ROWS | OP_SUM,
};
