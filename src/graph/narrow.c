#include "graph/node.h"
#include "graph/kernels.h"

#include <stdlib.h>
#include <string.h>

/* Of each node some blocks are read, the others are dead.  Of the weights that a linear layer makes for tensor products
 * alone, some columns are read: those of the paths that end in a block which is. */
struct part {
    char *blocks;  /* [nblocks] read */
    char *columns; /* [cols] read, of what has_columns; else NULL */
    int read;      /* at all */
};

struct narrowing {
    struct graph *graph;
    struct part *parts; /* by id */
    struct node **map;
    int top;
};

static struct part *part_of(const struct narrowing *n, const struct node *node) {
    return &n->parts[node->id];
}

static int form_is(const struct node *node, const struct op *op, int role) {
    const struct form_attr *attr = node->attr;
    return node->op == op && attr->role == role && attr->nterms == 1 && form_factors(attr)[0] == 1;
}

/* Result and operands have the same blocks. */
static int is_blockwise(const struct node *node) {
    const struct op *op = node->op;
    return op == &op_add || op == &op_unary || op == &op_cast || op == &op_gather || op == &op_scatter ||
           op == &op_pairs_to_centres || op == &op_centres_to_pairs;
}

static int is_linear(const struct node *node) {
    return form_is(node, &op_linear, 2) || form_is(node, &op_typed_linear, 2);
}

/* A linear layer whose columns can be had one by one: a single path that is all of its weights. */
static int has_columns(const struct node *node) {
    if (!form_is(node, &op_linear, 2))
        return 0;
    const struct form_attr *attr = node->attr;
    const struct linear_path *path = form_paths(attr);
    const struct layout *in = attr->slots[0].layout, *out = attr->slots[2].layout;
    return attr->npaths == 1 && out->nblocks == 1 && out->blocks[0].mid == 1 && path->w_offset == 0 &&
           in->blocks[path->in].mul * out->cols == attr->slots[1].layout->cols;
}

static int can_be_narrow(const struct node *node) {
    return is_blockwise(node) || is_linear(node) || form_is(node, &op_mul, 2) || node->op == &op_remap ||
           form_is(node, &op_tensor_product, 3) || node->op == &op_fill;
}

static void read_block(const struct narrowing *n, const struct node *node, int block) {
    struct part *part = part_of(n, node);
    part->blocks[block] = 1;
    part->read = 1;
}

static void read_columns(const struct narrowing *n, const struct node *node, int first, int count) {
    struct part *part = part_of(n, node);
    if (part->columns)
        memset(part->columns + first, 1, (size_t)count);
    read_block(n, node, 0);
}

static void read_all(const struct narrowing *n, const struct node *node) {
    for (int b = 0; b < node->layout->nblocks; b++)
        read_block(n, node, b);
    if (part_of(n, node)->columns)
        memset(part_of(n, node)->columns, 1, (size_t)node->layout->cols);
    part_of(n, node)->read = 1;
}

/* What a node that is read reads of its operands. */
static void read_operands(const struct narrowing *n, const struct node *node) {
    const char *blocks = part_of(n, node)->blocks;
    const struct layout *layout = node->layout;
    if (!can_be_narrow(node))
        read_all(n, node);
    if (is_blockwise(node) || form_is(node, &op_mul, 2)) {
        for (int k = 0; k < node->ninputs; k++) {
            const struct node *input = node->inputs[k];
            if (part_of(n, input)->columns || !layout->nblocks)
                read_all(n, input);
            for (int b = 0; b < layout->nblocks; b++)
                if (blocks[b])
                    read_block(n, input, input->layout->nblocks == 1 ? 0 : b);
        }
    } else if (node->op == &op_remap) {
        const struct remap_attr *attr = node->attr;
        if (part_of(n, node->inputs[0])->columns)
            read_all(n, node->inputs[0]);
        for (int k = 0; k < attr->count; k++)
            if (blocks[attr->entries[k].dst_block])
                read_block(n, node->inputs[0], attr->entries[k].src_block);
    } else if (is_linear(node)) {
        const struct form_attr *attr = node->attr;
        const struct linear_path *paths = form_paths(attr);
        if (part_of(n, node->inputs[0])->columns)
            read_all(n, node->inputs[0]);
        for (int k = 0; k < attr->npaths; k++)
            if (blocks[paths[k].out])
                read_block(n, node->inputs[0], paths[k].in);
        read_all(n, node->inputs[1]);
    } else if (form_is(node, &op_tensor_product, 3)) {
        const struct form_attr *attr = node->attr;
        const struct tp_path *paths = form_paths(attr);
        for (int k = 0; k < attr->npaths; k++)
            if (blocks[paths[k].out]) {
                read_block(n, node->inputs[0], paths[k].in);
                read_columns(n, node->inputs[2], paths[k].w_offset, attr->slots[0].layout->blocks[paths[k].in].mul);
            }
        read_all(n, node->inputs[1]);
    } else {
        for (int k = 0; k < node->ninputs; k++)
            read_all(n, node->inputs[k]);
    }
}

/* ---------------------------------------------------------------- the narrow nodes */

/* Number of block b among those that are read. */
static int place(const char *read, int b) {
    int count = 0;
    for (int k = 0; k < b; k++)
        count += read[k];
    return count;
}

static const struct layout *narrow_layout(const struct narrowing *n, const struct node *node) {
    const struct layout *layout = node->layout;
    struct block *blocks = malloc((size_t)(layout->nblocks + 1) * sizeof *blocks);
    int count = 0;
    if (!blocks) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return layout;
    }
    for (int b = 0; b < layout->nblocks; b++)
        if (part_of(n, node)->blocks[b])
            blocks[count++] = layout->blocks[b];
    const struct layout *narrow = layout_intern(n->graph, blocks, count);
    free(blocks);
    return narrow;
}

/* Of an operand with the same blocks as node: those that node keeps. */
static struct node *operand_like(const struct narrowing *n, const struct node *operand, const struct node *node) {
    const char *have = part_of(n, operand)->blocks, *want = part_of(n, node)->blocks;
    struct node *narrow = n->map[operand->id];
    int nblocks = operand->layout->nblocks, count = 0;
    if (nblocks != node->layout->nblocks || !memcmp(have, want, (size_t)nblocks))
        return narrow;
    struct remap_entry *entries = calloc((size_t)nblocks, sizeof *entries);
    if (!entries) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return narrow;
    }
    for (int b = 0; b < nblocks; b++)
        if (want[b])
            entries[count] =
                (struct remap_entry){place(have, b), -1, 0, count, -1, 0, operand->layout->blocks[b].mul, 1},
            count++;
    const struct layout *layout = narrow_layout(n, node);
    narrow = graph_remap(n->graph, narrow, layout->blocks, layout->nblocks, entries, count);
    free(entries);
    return narrow;
}

static struct node *narrow_remap(const struct narrowing *n, const struct node *node) {
    const struct remap_attr *attr = node->attr;
    const char *have = part_of(n, node->inputs[0])->blocks, *want = part_of(n, node)->blocks;
    struct remap_entry *entries = calloc((size_t)attr->count + 1, sizeof *entries);
    int count = 0;
    if (!entries) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return n->map[node->inputs[0]->id];
    }
    for (int k = 0; k < attr->count; k++)
        if (want[attr->entries[k].dst_block]) {
            entries[count] = attr->entries[k];
            entries[count].src_block = place(have, attr->entries[k].src_block);
            entries[count++].dst_block = place(want, attr->entries[k].dst_block);
        }
    const struct layout *layout = narrow_layout(n, node);
    struct node *narrow =
        graph_remap(n->graph, n->map[node->inputs[0]->id], layout->blocks, layout->nblocks, entries, count);
    free(entries);
    return narrow;
}

/* The columns of w that are read, w being a matrix of so many rows. */
static struct node *narrow_weights(const struct narrowing *n, struct node *w, int rows, const char *read, int cols,
                                   int *left) {
    struct remap_entry *entries = calloc((size_t)cols + 1, sizeof *entries);
    int count = 0, at = 0;
    if (!entries) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return w;
    }
    for (int c = 0; c < cols; c++)
        if (read[c]) {
            if (!c || !read[c - 1])
                entries[count++] = (struct remap_entry){0, 0, c, 0, 0, at, 0, 1};
            entries[count - 1].count++;
            at++;
        }
    /* not graph_reshape, for which a parameter of another shape is another leaf */
    struct node *matrix =
        node_make(n->graph, &op_reshape, w->dtype, DIM_STATIC, rows, layout_plain(n->graph, cols), &w, 1, NULL, 0);
    struct block block = {1, at};
    w = graph_remap(n->graph, matrix, &block, 1, entries, count);
    free(entries);
    *left = at;
    return w;
}

static struct node *narrow_linear(const struct narrowing *n, const struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct linear_path *old = form_paths(attr);
    const struct part *part = part_of(n, node);
    const char *have = part_of(n, node->inputs[0])->blocks;
    struct node *x = n->map[node->inputs[0]->id], *w = n->map[node->inputs[1]->id];
    if (part->columns && memchr(part->columns, 0, (size_t)node->layout->cols)) {
        struct linear_path path = {place(have, old->in), 0, 0, old->scale};
        struct block block = {1, 0};
        w = narrow_weights(n, w, attr->slots[0].layout->blocks[old->in].mul, part->columns, node->layout->cols,
                           &block.mul);
        return graph_linear(n->graph, x, w, &block, 1, &path, 1);
    }
    struct linear_path *paths = calloc((size_t)attr->npaths + 1, sizeof *paths);
    const struct layout *layout = narrow_layout(n, node);
    int count = 0;
    if (!paths) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return x;
    }
    for (int k = 0; k < attr->npaths; k++)
        if (part->blocks[old[k].out])
            paths[count++] = (struct linear_path){place(have, old[k].in), place(part->blocks, old[k].out),
                                                  old[k].w_offset, old[k].scale};
    struct node *narrow = node->op == &op_linear
                              ? graph_linear(n->graph, x, w, layout->blocks, layout->nblocks, paths, count)
                              : graph_typed_linear(n->graph, x, w, (enum index_kind)attr->index, layout->blocks,
                                                   layout->nblocks, paths, count);
    free(paths);
    return narrow;
}

static struct node *narrow_product(const struct narrowing *n, const struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct tp_path *old = form_paths(attr);
    const char *want = part_of(n, node)->blocks, *have = part_of(n, node->inputs[0])->blocks;
    const char *columns = part_of(n, node->inputs[2])->columns;
    struct tp_path *paths = calloc((size_t)attr->npaths + 1, sizeof *paths);
    const struct layout *layout = narrow_layout(n, node);
    int count = 0;
    if (!paths) {
        error_set(&n->graph->error, ERROR_MEMORY, "out of memory");
        return n->map[node->inputs[0]->id];
    }
    for (int k = 0; k < attr->npaths; k++)
        if (want[old[k].out]) {
            paths[count] = old[k];
            paths[count].in = place(have, old[k].in);
            paths[count].out = place(want, old[k].out);
            paths[count].w_offset = columns ? place(columns, old[k].w_offset) : old[k].w_offset;
            count++;
        }
    struct node *narrow =
        graph_tensor_product(n->graph, n->map[node->inputs[0]->id], n->map[node->inputs[1]->id],
                             n->map[node->inputs[2]->id], layout->blocks, layout->nblocks, paths, count);
    free(paths);
    return narrow;
}

/* Whether something of its operands is read; else it is zero, as what no entry and no path writes. */
static int has_operands(const struct narrowing *n, const struct node *node) {
    for (int k = 0; k < node->ninputs; k++)
        if (!part_of(n, node->inputs[k])->read)
            return 0;
    return 1;
}

static struct node *narrow_node(const struct narrowing *n, struct node *node) {
    struct graph *graph = n->graph;
    if (!has_operands(n, node))
        return node_fill(graph, node->dtype, node->dim, node->rows, narrow_layout(n, node), 0);
    if (is_linear(node))
        return narrow_linear(n, node);
    if (form_is(node, &op_tensor_product, 3))
        return narrow_product(n, node);
    if (node->op == &op_remap)
        return narrow_remap(n, node);
    if (node->op == &op_fill)
        return node_fill(graph, node->dtype, node->dim, node->rows, narrow_layout(n, node),
                         ((const struct fill_attr *)node->attr)->value);
    if (form_is(node, &op_mul, 2))
        return graph_mul(graph, operand_like(n, node->inputs[0], node), operand_like(n, node->inputs[1], node));
    struct node **inputs = malloc((size_t)(node->ninputs + 1) * sizeof *inputs);
    if (!inputs) {
        error_set(&graph->error, ERROR_MEMORY, "out of memory");
        return node;
    }
    for (int k = 0; k < node->ninputs; k++)
        inputs[k] = is_blockwise(node) ? operand_like(n, node->inputs[k], node) : n->map[node->inputs[k]->id];
    struct node *narrow = node_make(graph, node->op, node->dtype, node->dim, node->rows, narrow_layout(n, node), inputs,
                                    node->ninputs, node->attr, node->attr_size);
    free(inputs);
    return narrow;
}

static int is_same(const struct narrowing *n, const struct node *node) {
    const struct part *part = part_of(n, node);
    for (int k = 0; k < node->ninputs; k++)
        if (n->map[node->inputs[k]->id] != node->inputs[k])
            return 0;
    return !memchr(part->blocks, 0, (size_t)node->layout->nblocks) &&
           !(part->columns && memchr(part->columns, 0, (size_t)node->layout->cols));
}

void graph_narrow(struct graph *graph, struct node **const *outputs, int noutputs) {
    struct narrowing n = {.graph = graph, .top = graph->nnodes};
    int modules = graph->nmodules;
    n.parts = calloc((size_t)n.top + 1, sizeof *n.parts);
    n.map = calloc((size_t)n.top + 1, sizeof *n.map);
    if (!n.parts || !n.map)
        goto memory;
    for (int id = 0; id < n.top; id++) {
        const struct node *node = graph->nodes[id];
        n.parts[id].blocks = calloc((size_t)node->layout->nblocks + 1, 1);
        n.parts[id].columns = has_columns(node) ? calloc((size_t)node->layout->cols + 1, 1) : NULL;
        if (!n.parts[id].blocks || (has_columns(node) && !n.parts[id].columns))
            goto memory;
    }
    for (int k = 0; k < noutputs; k++)
        if (*outputs[k])
            read_all(&n, *outputs[k]);
    for (int id = n.top - 1; id >= 0; id--)
        if (n.parts[id].read)
            read_operands(&n, graph->nodes[id]);
    for (int id = 0; id < n.top; id++) {
        struct node *node = graph->nodes[id];
        if (!n.parts[id].read)
            continue;
        graph_push_module(graph, node->module);
        n.map[id] = is_same(&n, node) ? node : narrow_node(&n, node);
        graph_pop_module(graph);
    }
    for (int k = 0; k < noutputs; k++)
        if (*outputs[k])
            *outputs[k] = n.map[(*outputs[k])->id];
    goto out;
memory:
    error_set(&graph->error, ERROR_MEMORY, "out of memory");
out:
    graph->nmodules = modules;
    for (int id = 0; n.parts && id < n.top; id++) {
        free(n.parts[id].blocks);
        free(n.parts[id].columns);
    }
    free(n.parts);
    free(n.map);
}
