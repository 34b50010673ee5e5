/* Ops that move data: reshapes, channel ranges, gathers and scatters.  Each comes with its transpose. */
#include "graph/op/structure.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/leaf.h"

/* ---------------------------------------------------------------- reshape: another view of a static matrix */

static struct node *reshape_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    struct node *a = node->inputs[0];
    return graph_reshape(graph, adjoint, a->rows, a->layout->cols);
}

const struct op op_reshape = {OP_NAME(reshape), .data = DATA_VIEW, .derivative = reshape_derivative};

struct node *node_view(struct graph *graph, struct node *a, int rows, int cols) {
    return node_make(graph, &op_reshape, a->dtype, DIM_STATIC, rows, layout_plain(graph, cols), &a, 1, NULL, 0);
}

struct node *graph_reshape(struct graph *graph, struct node *a, int rows, int cols) {
    if (a->dim != DIM_STATIC || a->layout->nblocks != 1 || a->layout->blocks[0].mid != 1 ||
        (long)rows * cols != (long)a->rows * a->layout->cols)
        return graph_fail(graph, "cannot see %d x %d numbers as %d x %d", a->rows, a->layout->cols, rows, cols);
    if (rows == a->rows)
        return a;
    const struct layout *layout = layout_plain(graph, cols);
    if (a->op == &op_reshape)
        return graph_reshape(graph, a->inputs[0], rows, cols);
    if (op_has(a, OP_ANY_SHAPE))
        return node_make(graph, a->op, a->dtype, DIM_STATIC, rows, layout, NULL, 0, a->attr, a->attr_size);
    return node_view(graph, a, rows, cols);
}

/* ---------------------------------------------------------------- remap */

static struct node *remap_make(struct graph *graph, struct node *a, const struct layout *out,
                               const struct remap_entry *entries, int nentries, int transposed);

static struct node *remap_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    const struct remap_attr *attr = node->attr;
    return remap_make(graph, adjoint, node->inputs[0]->layout, attr->entries, attr->count, 1);
}

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

static void read_remap(const struct narrowing *n, const struct node *node) {
    const struct remap_attr *attr = node->attr;
    const char *blocks = narrow_part(n, node)->blocks;
    if (narrow_part(n, node->inputs[0])->columns)
        narrow_read_all(n, node->inputs[0]);
    for (int k = 0; k < attr->count; k++)
        if (blocks[attr->entries[k].dst_block])
            narrow_read_block(n, node->inputs[0], attr->entries[k].src_block);
}

static struct node *narrow_remap(const struct narrowing *n, struct node *node) {
    const struct remap_attr *attr = node->attr;
    const char *have = narrow_part(n, node->inputs[0])->blocks, *want = narrow_part(n, node)->blocks;
    struct remap_entry *entries = calloc((size_t)attr->count + 1, sizeof *entries);
    int count = 0;
    if (!entries)
        return graph_no_memory(n->graph);
    for (int k = 0; k < attr->count; k++)
        if (want[attr->entries[k].dst_block]) {
            entries[count] = attr->entries[k];
            entries[count].src_block = narrow_place(have, attr->entries[k].src_block);
            entries[count++].dst_block = narrow_place(want, attr->entries[k].dst_block);
        }
    const struct layout *layout = narrow_layout(n, node);
    struct node *narrow =
        graph_remap(n->graph, n->map[node->inputs[0]->id], layout->blocks, layout->nblocks, entries, count);
    free(entries);
    return narrow;
}

static const struct narrow_rule remap_rule = {.read = read_remap, .make = narrow_remap};
const struct op op_remap = {
    OP_NAME(remap),
    .derivative = remap_derivative,
    .narrow = &remap_rule,
    .traits = OP_OWN_ROWS | OP_COLUMNS | OP_AGAIN,
};

/* ---------------------------------------------------------------- narrowing of ops that keep the blocks */

void narrow_read_blocks(const struct narrowing *n, const struct node *node) {
    const char *blocks = narrow_part(n, node)->blocks;
    const struct layout *layout = node->layout;
    for (int k = 0; k < node->ninputs; k++) {
        const struct node *input = node->inputs[k];
        if (narrow_part(n, input)->columns || !layout->nblocks)
            narrow_read_all(n, input);
        for (int b = 0; b < layout->nblocks; b++)
            if (blocks[b])
                narrow_read_block(n, input, input->layout->nblocks == 1 ? 0 : b);
    }
}

/* Of an operand with the same blocks as node: those that node keeps. */
struct node *narrow_operand(const struct narrowing *n, const struct node *operand, const struct node *node) {
    const char *have = narrow_part(n, operand)->blocks, *want = narrow_part(n, node)->blocks;
    struct node *narrow = n->map[operand->id];
    int nblocks = operand->layout->nblocks, count = 0;
    if (nblocks != node->layout->nblocks || !memcmp(have, want, (size_t)nblocks))
        return narrow;
    struct remap_entry *entries = calloc((size_t)nblocks, sizeof *entries);
    if (!entries)
        return graph_no_memory(n->graph);
    for (int b = 0; b < nblocks; b++)
        if (want[b])
            entries[count] =
                (struct remap_entry){narrow_place(have, b), -1, 0, count, -1, 0, operand->layout->blocks[b].mul, 1},
            count++;
    const struct layout *layout = narrow_layout(n, node);
    narrow = graph_remap(n->graph, narrow, layout->blocks, layout->nblocks, entries, count);
    free(entries);
    return narrow;
}

static struct node *make_blockwise(const struct narrowing *n, struct node *node) {
    struct node **inputs = malloc((size_t)(node->ninputs + 1) * sizeof *inputs), *narrow;
    if (!inputs)
        return graph_no_memory(n->graph);
    for (int k = 0; k < node->ninputs; k++)
        inputs[k] = narrow_operand(n, node->inputs[k], node);
    narrow = node_make(n->graph, node->op, node->dtype, node->dim, node->rows, narrow_layout(n, node), inputs,
                       node->ninputs, node->attr, node->attr_size);
    free(inputs);
    return narrow;
}

const struct narrow_rule narrow_blockwise = {.read = narrow_read_blocks, .make = make_blockwise};

/* ---------------------------------------------------------------- gather and scatter */

static struct node *gather_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    const struct index_attr *attr = node->attr;
    return graph_scatter(graph, adjoint, attr->index, node->inputs[0]->dim, node->inputs[0]->rows);
}

const struct op op_gather = {
    OP_NAME(gather),
    .derivative = gather_derivative,
    .narrow = &narrow_blockwise,
    .traits = OP_AGAIN,
};

struct node *graph_gather(struct graph *graph, struct node *table, enum index_kind index) {
    struct index_attr attr = {index, 0};
    double value;
    if (node_is_fill(table, &value))
        return node_fill(graph, table->dtype, index_dim(index), 0, table->layout, value);
    return node_make(graph, &op_gather, table->dtype, index_dim(index), 0, table->layout, &table, 1, &attr,
                     sizeof attr);
}

static struct node *scatter_derivative(struct graph *graph, struct node *node, struct node *adjoint, int input) {
    (void)input;
    return graph_gather(graph, adjoint, ((const struct index_attr *)node->attr)->index);
}

static int scatter_inverse(const struct node *node, int *least_rows) {
    *least_rows = node->rows;
    return (int)((const struct index_attr *)node->attr)->index;
}

const struct op op_scatter = {
    OP_NAME(scatter),
    .derivative = scatter_derivative,
    .narrow = &narrow_blockwise,
    .inverse = scatter_inverse,
};

struct node *graph_scatter(struct graph *graph, struct node *a, enum index_kind index, enum dim dim, int rows) {
    struct index_attr attr = {index, 0};
    double value;
    if (a->dim != index_dim(index))
        return graph_fail(graph, "a scatter of rows that the index does not run over");
    if (node_is_fill(a, &value) && value == 0)
        return node_fill(graph, a->dtype, dim, rows, a->layout, 0);
    return node_make(graph, &op_scatter, a->dtype, dim, rows, a->layout, &a, 1, &attr, sizeof attr);
}

/* ---------------------------------------------------------------- pairs and centres */

static struct node *pairs_to_centres_derivative(struct graph *graph, struct node *node, struct node *adjoint,
                                                int input) {
    (void)node;
    (void)input;
    return graph_centres_to_pairs(graph, adjoint);
}

static struct node *centres_to_pairs_derivative(struct graph *graph, struct node *node, struct node *adjoint,
                                                int input) {
    (void)node;
    (void)input;
    return graph_pairs_to_centres(graph, adjoint);
}

const struct op op_pairs_to_centres = {
    OP_NAME(pairs_to_centres),
    .derivative = pairs_to_centres_derivative,
    .narrow = &narrow_blockwise,
};
const struct op op_centres_to_pairs = {
    OP_NAME(centres_to_pairs),
    .derivative = centres_to_pairs_derivative,
    .narrow = &narrow_blockwise,
};

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
