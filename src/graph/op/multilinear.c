/* Multilinear forms of two operands: products with broadcasting, folding of node attributes, sparse couplings. */
#include "graph/op/form.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"
#include "graph/op/structure.h"

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

static struct node *mul_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    const struct form_attr *attr = node->attr;
    if (attr->role == 2) { /* a plain product may turn out simpler */
        const struct slot *slot = &attr->slots[input % 2];
        const struct slot *out = &attr->slots[2];
        if (slot->layout == out->layout && slot->dim == out->dim && slot->rows == out->rows) {
            struct node *part = graph_mul(graph, adjoint, node->inputs[input ^ 1]);
            return graph_scale(graph, part, form_factors(attr)[input / 2]);
        }
    }
    return form_derivative(graph, node, adjoint, input);
}

static int is_product(const struct node *node) {
    return form_is_plain(node, 2);
}

static struct node *narrow_mul(const struct narrowing *n, struct node *node) {
    return graph_mul(n->graph, narrow_operand(n, node->inputs[0], node), narrow_operand(n, node->inputs[1], node));
}

static const struct narrow_rule mul_rule = {.applies = is_product, .read = narrow_read_blocks, .make = narrow_mul};
const struct op op_mul = {OP_NAME(mul), .derivative = mul_derivative, .narrow = &mul_rule, .traits = OP_OWN_ROWS};

/* ---------------------------------------------------------------- fold */

const struct op op_fold = {OP_NAME(fold), .derivative = form_derivative, .traits = OP_TERMS};

struct node *graph_fold(struct graph *graph, struct node *a, struct node *w, int out_cols,
                        const struct fold_path *paths, int npaths) {
    w = graph_reshape(graph, w, 1, w->rows * w->layout->cols);
    int fits = a->dim == DIM_STATIC && a->layout->nblocks == 1 && w->dim == DIM_STATIC;
    for (int k = 0; fits && k < npaths; k++) {
        const struct fold_path *p = &paths[k];
        fits = p->a_offset >= 0 && p->a_offset + p->attrs <= a->layout->cols && p->w_offset >= 0 &&
               (long)p->w_offset + (long)p->mul_in * p->attrs * p->mul_out <= (long)w->layout->cols &&
               p->out_offset >= 0 && (long)p->out_offset + (long)p->mul_in * p->mul_out <= (long)out_cols;
    }
    if (!fits)
        return graph_fail(graph, "a fold whose paths do not fit its operands");
    return form_of(graph, &op_fold, (struct node *[]){a, w}, 2, layout_plain(graph, out_cols), -1, paths, npaths,
                   sizeof *paths);
}

/* ---------------------------------------------------------------- couple */

const struct op op_couple = {OP_NAME(couple), .derivative = form_derivative, .traits = OP_OWN_ROWS | OP_TERMS};

struct node *graph_couple(struct graph *graph, struct node *a, struct node *b, int out_cols,
                          const struct couple_entry *entries, int nentries) {
    struct couple_entry *clean = calloc((size_t)nentries + 1, sizeof *clean);
    if (!clean)
        return graph_no_memory(graph);
    int fits = a->dim == b->dim && a->rows == b->rows && a->layout->nblocks == 1 && b->layout->nblocks == 1;
    for (int k = 0; fits && k < nentries; k++) {
        clean[k].i = entries[k].i;
        clean[k].j = entries[k].j;
        clean[k].k = entries[k].k;
        clean[k].coefficient = entries[k].coefficient;
        fits = clean[k].i >= 0 && clean[k].i < a->layout->cols && clean[k].j >= 0 && clean[k].j < b->layout->cols &&
               clean[k].k >= 0 && clean[k].k < out_cols;
    }
    if (!fits) {
        free(clean);
        return graph_fail(graph, "a coupling whose entries do not fit its operands");
    }
    struct node *node = form_of(graph, &op_couple, (struct node *[]){a, b}, 2, layout_plain(graph, out_cols), -1, clean,
                                nentries, sizeof *clean);
    free(clean);
    return node;
}
