/* Elementwise ops: linear combinations, products with broadcasting, casts, functions of one variable, and the sums and
 * spreads that broadcasting needs. */
#include "graph/node.h"
#include "graph/kernels.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- linear combinations */

static struct node *combination(struct graph *graph, struct node *const *inputs, const double *factors, int count) {
    struct node *kept[64];
    double factor[64];
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
    struct {
        struct add_attr attr;
        double factor[64];
    } attr;
    memset(&attr, 0, sizeof attr);
    attr.attr.count = n;
    memcpy(attr.attr.factor, factor, (size_t)n * sizeof *factor);
    return node_make(graph, &op_add, kept[0]->dtype, kept[0]->dim, kept[0]->rows, kept[0]->layout, kept, n, &attr,
                     sizeof attr.attr + (size_t)n * sizeof *factor);
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

static struct node *add_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    return graph_scale(graph, adjoint, ((const struct add_attr *)node->attr)->factor[input]);
}

const struct op op_add = {OP_NAME(add), .grad = add_grad, .rowwise = 1};

/* ---------------------------------------------------------------- product */

static int broadcast_size(int a, int b) {
    return a == b || b == 1 ? a : a == 1 ? b : -1;
}

struct node *graph_mul(struct graph *graph, struct node *a, struct node *b) {
    if (a->dtype != b->dtype)
        return graph_fail(graph, "a product of %s and %s", dtype_name(a->dtype), dtype_name(b->dtype));
    const struct layout *la = a->layout, *lb = b->layout;
    int nblocks = broadcast_size(la->nblocks, lb->nblocks);
    struct block *blocks = nblocks > 0 ? malloc((size_t)nblocks * sizeof *blocks) : NULL;
    struct slot shape[3];
    int fits = nblocks > 0;
    if (fits && !blocks)
        return graph_no_memory(graph);
    memset(shape, 0, sizeof shape);
    for (int k = 0; fits && k < nblocks; k++) {
        struct block ba = la->blocks[la->nblocks == 1 ? 0 : k], bb = lb->blocks[lb->nblocks == 1 ? 0 : k];
        blocks[k].mid = broadcast_size(ba.mid, bb.mid);
        blocks[k].mul = broadcast_size(ba.mul, bb.mul);
        fits = blocks[k].mid > 0 && blocks[k].mul > 0;
    }
    int one_a = a->dim == DIM_STATIC && a->rows == 1, one_b = b->dim == DIM_STATIC && b->rows == 1;
    fits = fits && (one_a || one_b || (a->dim == b->dim && a->rows == b->rows));
    if (!fits) {
        free(blocks);
        return graph_fail(graph, "a product of tensors whose shapes do not fit (%d and %d columns)", la->cols,
                          lb->cols);
    }
    node_slot(a, &shape[0]);
    node_slot(b, &shape[1]);
    node_slot(one_a ? b : a, &shape[2]);
    shape[2].layout = layout_intern(graph, blocks, nblocks);
    free(blocks);

    double value;
    for (int k = 0; k < 2; k++) {
        struct node *other = k ? a : b;
        if (node_is_fill(k ? b : a, &value) && other->layout == shape[2].layout && other->dim == shape[2].dim &&
            other->rows == shape[2].rows)
            return graph_scale(graph, other, value);
    }
    struct node *slots[] = {a, b, NULL};
    return form_node(graph, &op_mul, 2, 3, shape, -1, NULL, 0, 0, slots);
}

static struct node *mul_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    const struct form_attr *attr = node->attr;
    if (attr->role == 2) { /* a plain product may turn out simpler */
        const struct slot *slot = &attr->slots[input % 2];
        const struct slot *out = &attr->slots[2];
        if (slot->layout == out->layout && slot->dim == out->dim && slot->rows == out->rows) {
            struct node *part = graph_mul(graph, adjoint, node->inputs[input ^ 1]);
            return graph_scale(graph, part, form_factors(attr)[input / 2]);
        }
    }
    return form_grad(graph, node, adjoint, input);
}

const struct op op_mul = {OP_NAME(mul), .grad = mul_grad, .rowwise = 1};

/* ---------------------------------------------------------------- cast */

static struct node *cast_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_cast(graph, adjoint, node->inputs[0]->dtype);
}

const struct op op_cast = {OP_NAME(cast), .grad = cast_grad, .rowwise = 1};

struct node *graph_cast(struct graph *graph, struct node *a, enum dtype dtype) {
    double value;
    if (a->dtype == dtype)
        return a;
    if (node_is_fill(a, &value))
        return graph_fill(graph, dtype, a, value);
    if (a->op == &op_const)
        return graph_const(graph, dtype, a->rows, a->layout->cols, a->attr);
    return node_make(graph, &op_cast, dtype, a->dim, a->rows, a->layout, &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- sum and spread */

struct sum_attr {
    unsigned axes;
    int pad;
};

static struct node *sum_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_spread(graph, adjoint, node->inputs[0]);
}

const struct op op_sum = {OP_NAME(sum), .grad = sum_grad, .rowwise = 1};

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

static struct node *spread_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
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

const struct op op_spread = {OP_NAME(spread), .grad = spread_grad, .rowwise = 1};

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

/* ---------------------------------------------------------------- largest */

const struct op op_argmax = {OP_NAME(argmax)};

static struct node *max_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    struct node *a = node->inputs[0];
    struct node *mask = node_make(graph, &op_argmax, a->dtype, a->dim, a->rows, a->layout, &a, 1, NULL, 0);
    return graph_mul(graph, mask, adjoint);
}

const struct op op_max = {OP_NAME(max), .grad = max_grad};

struct node *graph_max(struct graph *graph, struct node *a) {
    return node_make(graph, &op_max, a->dtype, DIM_STATIC, 1, layout_plain(graph, 1), &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- functions of one variable */

static struct node *unary_grad(struct graph *graph, struct node *node, struct node *adjoint, int input);

const struct op op_unary = {OP_NAME(unary), .grad = unary_grad, .rowwise = 1};

static struct node *unary_order(struct graph *graph, enum unary_kind kind, int order, struct node *a, double p) {
    struct unary_attr attr = {kind, order, p};
    return node_make(graph, &op_unary, a->dtype, a->dim, a->rows, a->layout, &a, 1, &attr, sizeof attr);
}

static struct node *unary_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
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
