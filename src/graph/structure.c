/* Ops that move data: reshapes, channel ranges, gathers and scatters.  Each comes with its transpose. */
#include "graph/node.h"
#include "graph/kernels.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- reshape: another view of a static matrix */

static struct node *reshape_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    struct node *a = node->inputs[0];
    return graph_reshape(graph, adjoint, a->rows, a->layout->cols);
}

const struct op op_reshape = {OP_NAME(reshape), .grad = reshape_grad};

struct node *graph_reshape(struct graph *graph, struct node *a, int rows, int cols) {
    if (a->dim != DIM_STATIC || a->layout->nblocks != 1 || a->layout->blocks[0].mid != 1 ||
        (long)rows * cols != (long)a->rows * a->layout->cols)
        return graph_fail(graph, "cannot see %d x %d numbers as %d x %d", a->rows, a->layout->cols, rows, cols);
    if (rows == a->rows)
        return a;
    const struct layout *layout = layout_plain(graph, cols);
    if (a->op == &op_fill)
        return node_make(graph, &op_fill, a->dtype, DIM_STATIC, rows, layout, NULL, 0, a->attr, a->attr_size);
    if (a->op == &op_reshape)
        return graph_reshape(graph, a->inputs[0], rows, cols);
    if (a->op == &op_param || a->op == &op_const)
        return node_make(graph, a->op, a->dtype, DIM_STATIC, rows, layout, NULL, 0, a->attr, a->attr_size);
    return node_make(graph, &op_reshape, a->dtype, DIM_STATIC, rows, layout, &a, 1, NULL, 0);
}

/* ---------------------------------------------------------------- remap */

static struct node *remap_make(struct graph *graph, struct node *a, const struct layout *out,
                               const struct remap_entry *entries, int nentries, int transposed);

static struct node *remap_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    const struct remap_attr *attr = node->attr;
    return remap_make(graph, adjoint, node->inputs[0]->layout, attr->entries, attr->count, 1);
}

const struct op op_remap = {OP_NAME(remap), .grad = remap_grad, .rowwise = 1};

static int entry_fits(const struct layout *layout, int block, int mid, int mul, int count) {
    return block >= 0 && block < layout->nblocks && mid >= -1 && mid < layout->blocks[block].mid && mul >= 0 &&
           count >= 0 && mul + count <= layout->blocks[block].mul;
}

static struct node *remap_make(struct graph *graph, struct node *a, const struct layout *out,
                               const struct remap_entry *entries, int nentries, int transposed) {
    double value;
    if (node_is_fill(a, &value) && value == 0)
        return node_fill(graph, a->dtype, a->dim, a->rows, out, 0);
    size_t size = sizeof(struct remap_attr) + (size_t)nentries * sizeof *entries;
    struct remap_attr *attr = calloc(1, size);
    if (!attr)
        return graph_no_memory(graph);
    attr->count = nentries;
    int fits = 1, identity = a->layout == out && nentries == out->nblocks;
    for (int k = 0; k < nentries; k++) {
        struct remap_entry *e = &attr->entries[k];
        const struct remap_entry *s = &entries[k];
        e->src_block = transposed ? s->dst_block : s->src_block;
        e->src_mid = transposed ? s->dst_mid : s->src_mid;
        e->src_mul = transposed ? s->dst_mul : s->src_mul;
        e->dst_block = transposed ? s->src_block : s->dst_block;
        e->dst_mid = transposed ? s->src_mid : s->dst_mid;
        e->dst_mul = transposed ? s->src_mul : s->dst_mul;
        e->count = s->count;
        e->factor = s->factor;
        fits = fits && entry_fits(a->layout, e->src_block, e->src_mid, e->src_mul, e->count) &&
               entry_fits(out, e->dst_block, e->dst_mid, e->dst_mul, e->count) &&
               (e->src_mid < 0) == (e->dst_mid < 0) &&
               (e->src_mid >= 0 || a->layout->blocks[e->src_block].mid == out->blocks[e->dst_block].mid);
        identity = identity && fits && e->src_block == k && e->dst_block == k && e->src_mid == -1 && e->src_mul == 0 &&
                   e->dst_mul == 0 && e->count == out->blocks[k].mul && e->factor == 1;
    }
    struct node *node = identity ? a
                        : fits   ? node_make(graph, &op_remap, a->dtype, a->dim, a->rows, out, &a, 1, attr, size)
                                 : graph_fail(graph, "a remap entry does not fit its blocks");
    free(attr);
    return node;
}

struct node *graph_remap(struct graph *graph, struct node *a, const struct block *blocks, int nblocks,
                         const struct remap_entry *entries, int nentries) {
    return remap_make(graph, a, layout_intern(graph, blocks, nblocks), entries, nentries, 0);
}

/* ---------------------------------------------------------------- gather and scatter */

static enum dim index_source(enum index_kind index) {
    return index == INDEX_PAIR_TYPE || index == INDEX_PAIR_FRAME || index == INDEX_PAIR_I || index == INDEX_PAIR_J
               ? DIM_PAIRS
               : DIM_ATOMS;
}

static struct node *gather_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    const struct index_attr *attr = node->attr;
    return graph_scatter(graph, adjoint, attr->index, node->inputs[0]->dim, node->inputs[0]->rows);
}

const struct op op_gather = {OP_NAME(gather), .grad = gather_grad};

struct node *graph_gather(struct graph *graph, struct node *table, enum index_kind index) {
    struct index_attr attr = {index, 0};
    double value;
    if (node_is_fill(table, &value))
        return node_fill(graph, table->dtype, index_source(index), 0, table->layout, value);
    return node_make(graph, &op_gather, table->dtype, index_source(index), 0, table->layout, &table, 1, &attr,
                     sizeof attr);
}

static struct node *scatter_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_gather(graph, adjoint, ((const struct index_attr *)node->attr)->index);
}

const struct op op_scatter = {OP_NAME(scatter), .grad = scatter_grad, .needs_inverse = 1};

struct node *graph_scatter(struct graph *graph, struct node *a, enum index_kind index, enum dim dim, int rows) {
    struct index_attr attr = {index, 0};
    double value;
    if (a->dim != index_source(index))
        return graph_fail(graph, "a scatter of rows that the index does not run over");
    if (node_is_fill(a, &value) && value == 0)
        return node_fill(graph, a->dtype, dim, rows, a->layout, 0);
    return node_make(graph, &op_scatter, a->dtype, dim, rows, a->layout, &a, 1, &attr, sizeof attr);
}

/* ---------------------------------------------------------------- pairs and centres */

static struct node *pairs_to_centres_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)node;
    (void)input;
    return graph_centres_to_pairs(graph, adjoint);
}

static struct node *centres_to_pairs_grad(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)node;
    (void)input;
    return graph_pairs_to_centres(graph, adjoint);
}

const struct op op_pairs_to_centres = {OP_NAME(pairs_to_centres), .grad = pairs_to_centres_grad};
const struct op op_centres_to_pairs = {OP_NAME(centres_to_pairs), .grad = centres_to_pairs_grad};

static struct node *centre_sum(struct graph *graph, const struct op *op, struct node *a, enum dim from, enum dim to) {
    double value;
    if (a->dim != from)
        return graph_fail(graph, "%s of rows of another kind", op->name);
    if (node_is_fill(a, &value) && value == 0)
        return node_fill(graph, a->dtype, to, 0, a->layout, 0);
    return node_make(graph, op, a->dtype, to, 0, a->layout, &a, 1, NULL, 0);
}

struct node *graph_pairs_to_centres(struct graph *graph, struct node *a) {
    return centre_sum(graph, &op_pairs_to_centres, a, DIM_PAIRS, DIM_ATOMS);
}

struct node *graph_centres_to_pairs(struct graph *graph, struct node *a) {
    return centre_sum(graph, &op_centres_to_pairs, a, DIM_ATOMS, DIM_PAIRS);
}
