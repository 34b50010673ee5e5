/* Linear layers: one for all rows, and one with weights for each type of atom. */
#include "graph/op/linear_forms.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op/kernel_args.h"
#include "graph/op/form.h"
#include "graph/op/leaf.h"
#include "graph/op/narrowing.h"
#include "graph/op/structure.h"

/* ---------------------------------------------------------------- what the kernels need and do */

static size_t typed_scratch(const struct kernel_args *args) {
    const struct form_attr *attr = args->node->attr;
    const struct linear_path *paths = form_paths(attr);
    long most = 0;
    for (int k = 0; k < attr->npaths; k++) {
        struct block bi = attr->slots[0].layout->blocks[paths[k].in], bo = attr->slots[2].layout->blocks[paths[k].out];
        long size = (long)bi.mid * bi.mul + (long)bo.mid * bo.mul;
        most = size > most ? size : most;
    }
    return (size_t)(most * TYPED_ROWS) * dtype_size(args->out.dtype);
}

static double linear_flops(const struct kernel_args *args) {
    const struct form_attr *attr = args->node->attr;
    const struct linear_path *paths = form_paths(attr);
    double work = 0;
    for (int k = 0; k < attr->npaths; k++) {
        struct block bi = attr->slots[0].layout->blocks[paths[k].in], bo = attr->slots[2].layout->blocks[paths[k].out];
        work += 2.0 * bi.mid * bi.mul * bo.mul;
    }
    return work * attr->nterms * (double)(attr->role == 1 ? args->in[0].rows : args->out.rows);
}

/* ---------------------------------------------------------------- narrowing */

/* The columns of w that are read, w being a matrix of so many rows. */
static struct node *narrow_weights(const struct narrowing *n, struct node *w, int rows, const char *read, int cols,
                                   int *left) {
    struct remap_entry *entries = calloc((size_t)cols + 1, sizeof *entries);
    int count = 0, at = 0;
    if (!entries)
        return graph_no_memory(n->graph);
    for (int c = 0; c < cols; c++)
        if (read[c]) {
            if (!c || !read[c - 1])
                entries[count++] = (struct remap_entry){0, 0, c, 0, 0, at, 0, 1};
            entries[count - 1].count++;
            at++;
        }
    struct node *matrix = node_view(n->graph, w, rows, cols); /* a parameter of another shape is another leaf */
    struct block block = {1, at};
    w = graph_remap(n->graph, matrix, &block, 1, entries, count);
    free(entries);
    *left = at;
    return w;
}

static struct node *narrow_linear(const struct narrowing *n, struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct linear_path *old = form_paths(attr);
    const struct narrow_part *part = narrow_part(n, node);
    const char *have = narrow_part(n, node->inputs[0])->blocks;
    struct node *x = n->map[node->inputs[0]->id], *w = n->map[node->inputs[1]->id];
    if (part->columns && memchr(part->columns, 0, (size_t)node->layout->cols)) {
        struct linear_path path = {narrow_place(have, old->in), 0, 0, old->scale};
        struct block block = {1, 0};
        w = narrow_weights(n, w, attr->slots[0].layout->blocks[old->in].mul, part->columns, node->layout->cols,
                           &block.mul);
        return graph_linear(n->graph, x, w, &block, 1, &path, 1);
    }
    struct linear_path *paths = calloc((size_t)attr->npaths + 1, sizeof *paths);
    const struct layout *layout = narrow_layout(n, node);
    int count = 0;
    if (!paths)
        return graph_no_memory(n->graph);
    for (int k = 0; k < attr->npaths; k++)
        if (part->blocks[old[k].out])
            paths[count++] = (struct linear_path){narrow_place(have, old[k].in), narrow_place(part->blocks, old[k].out),
                                                  old[k].w_offset, old[k].scale};
    struct node *narrow = node->op == &op_linear
                              ? graph_linear(n->graph, x, w, layout->blocks, layout->nblocks, paths, count)
                              : graph_typed_linear(n->graph, x, w, (enum index_kind)attr->index, layout->blocks,
                                                   layout->nblocks, paths, count);
    free(paths);
    return narrow;
}

static int is_layer(const struct node *node) {
    return form_is_plain(node, 2);
}

/* A single path that is all of the weights. */
static int has_columns(const struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct linear_path *path = form_paths(attr);
    const struct layout *in = attr->slots[0].layout, *out = attr->slots[2].layout;
    return attr->npaths == 1 && out->nblocks == 1 && out->blocks[0].mid == 1 && path->w_offset == 0 &&
           in->blocks[path->in].mul * out->cols == attr->slots[1].layout->cols;
}

static void read_linear(const struct narrowing *n, const struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct linear_path *paths = form_paths(attr);
    const char *blocks = narrow_part(n, node)->blocks;
    if (narrow_part(n, node->inputs[0])->columns)
        narrow_read_all(n, node->inputs[0]);
    for (int k = 0; k < attr->npaths; k++)
        if (blocks[paths[k].out])
            narrow_read_block(n, node->inputs[0], paths[k].in);
    narrow_read_all(n, node->inputs[1]);
}

static const struct narrow_rule linear_rule = {
    .applies = is_layer, .columns = has_columns, .read = read_linear, .make = narrow_linear};
static const struct narrow_rule typed_rule = {.applies = is_layer, .read = read_linear, .make = narrow_linear};

/* ---------------------------------------------------------------- the ops */

static int typed_inverse(const struct node *node, int *least_rows) {
    const struct form_attr *attr = node->attr;
    *least_rows = attr->slots[1].rows;
    return attr->index;
}

const struct op op_linear = {
    OP_NAME(linear),       .derivative = form_derivative,    .narrow = &linear_rule,
    .flops = linear_flops, .traits = OP_OWN_ROWS | OP_TERMS,
};
const struct op op_typed_linear = {
    OP_NAME(typed_linear),
    .derivative = form_derivative,
    .narrow = &typed_rule,
    .inverse = typed_inverse,
    .scratch = typed_scratch,
    .flops = linear_flops,
    .traits = OP_OWN_ROWS | OP_TERMS,
};

static struct node *linear_any(struct graph *graph, const struct op *op, struct node *a, struct node *w, int index,
                               const struct block *out_blocks, int nout_blocks, const struct linear_path *paths,
                               int npaths) {
    const struct layout *in = a->layout, *out = layout_intern(graph, out_blocks, nout_blocks);
    struct linear_path *clean = calloc((size_t)npaths + 1, sizeof *clean);
    int fits = 1;
    if (!clean)
        return graph_no_memory(graph);
    for (int k = 0; fits && k < npaths; k++) {
        const struct linear_path *p = &paths[k];
        clean[k].in = p->in;
        clean[k].out = p->out;
        clean[k].w_offset = p->w_offset;
        clean[k].scale = p->scale;
        fits = p->in >= 0 && p->in < in->nblocks && p->out >= 0 && p->out < out->nblocks && p->w_offset >= 0 &&
               in->blocks[p->in].mid == out->blocks[p->out].mid &&
               (long)p->w_offset + (long)in->blocks[p->in].mul * out->blocks[p->out].mul <= (long)w->layout->cols;
    }
    if (!fits || w->dim != DIM_STATIC || w->layout->nblocks != 1) {
        free(clean);
        return graph_fail(graph, "the weights of a linear layer do not fit its operands");
    }
    struct node *node = form_of(graph, op, (struct node *[]){a, w}, 2, out, index, clean, npaths, sizeof *clean);
    free(clean);
    return node;
}

struct node *graph_linear(struct graph *graph, struct node *a, struct node *w, const struct block *out_blocks,
                          int nout_blocks, const struct linear_path *paths, int npaths) {
    w = graph_reshape(graph, w, 1, w->rows * w->layout->cols);
    return linear_any(graph, &op_linear, a, w, -1, out_blocks, nout_blocks, paths, npaths);
}

struct node *graph_typed_linear(struct graph *graph, struct node *a, struct node *w, enum index_kind index,
                                const struct block *out_blocks, int nout_blocks, const struct linear_path *paths,
                                int npaths) {
    if (a->dim != DIM_ATOMS)
        return graph_fail(graph, "a typed linear layer works on atoms");
    return linear_any(graph, &op_typed_linear, a, w, (int)index, out_blocks, nout_blocks, paths, npaths);
}
