/* The multilinear forms other than the elementwise product: linear layers, typed linear layers, folding of node
 * attributes, sparse couplings, tensor products. */
#include "graph/node.h"
#include "graph/kernels.h"

#include <stdlib.h>
#include <string.h>

static int same_rows(const struct node *a, const struct node *b) {
    return a->dim == b->dim && a->rows == b->rows;
}

/* ---------------------------------------------------------------- linear */

const struct op op_linear = {OP_NAME(linear), .grad = form_grad, .flops = flops_linear, .rowwise = 1};
const struct op op_typed_linear = {OP_NAME(typed_linear),       .grad = form_grad,  .scratch = scratch_typed_linear,
                                   .flops = flops_typed_linear, .needs_inverse = 1, .rowwise = 1};

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
    struct slot shape[3];
    node_slot(a, &shape[0]);
    node_slot(w, &shape[1]);
    node_slot(a, &shape[2]);
    shape[2].layout = out;
    struct node *slots[] = {a, w, NULL};
    struct node *node = form_node(graph, op, 2, 3, shape, index, clean, npaths, sizeof *clean, slots);
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

/* ---------------------------------------------------------------- fold */

const struct op op_fold = {OP_NAME(fold), .grad = form_grad};

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
    struct slot shape[3];
    node_slot(a, &shape[0]);
    node_slot(w, &shape[1]);
    node_slot(a, &shape[2]);
    shape[2].layout = layout_plain(graph, out_cols);
    struct node *slots[] = {a, w, NULL};
    return form_node(graph, &op_fold, 2, 3, shape, -1, paths, npaths, sizeof *paths, slots);
}

/* ---------------------------------------------------------------- couple */

const struct op op_couple = {OP_NAME(couple), .grad = form_grad, .rowwise = 1};

struct node *graph_couple(struct graph *graph, struct node *a, struct node *b, int out_cols,
                          const struct couple_entry *entries, int nentries) {
    struct couple_entry *clean = calloc((size_t)nentries + 1, sizeof *clean);
    if (!clean)
        return graph_no_memory(graph);
    int fits = same_rows(a, b) && a->layout->nblocks == 1 && b->layout->nblocks == 1;
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
    struct slot shape[3];
    node_slot(a, &shape[0]);
    node_slot(b, &shape[1]);
    node_slot(a, &shape[2]);
    shape[2].layout = layout_plain(graph, out_cols);
    struct node *slots[] = {a, b, NULL};
    struct node *node = form_node(graph, &op_couple, 2, 3, shape, -1, clean, nentries, sizeof *clean, slots);
    free(clean);
    return node;
}

/* ---------------------------------------------------------------- tensor product */

const struct op op_tensor_product = {OP_NAME(tensor_product), .grad = form_grad, .flops = flops_tensor_product,
                                     .rowwise = 1};

struct node *graph_tensor_product(struct graph *graph, struct node *x, struct node *m, struct node *w,
                                  const struct block *out_blocks, int nout_blocks, const struct tp_path *paths,
                                  int npaths) {
    const struct layout *in = x->layout, *out = layout_intern(graph, out_blocks, nout_blocks);
    int fits = x->dim == DIM_ATOMS && m->dim == DIM_PAIRS && w->dim == DIM_PAIRS && m->layout->nblocks == 1 &&
               w->layout->nblocks == 1;
    for (int k = 0; fits && k < npaths; k++) {
        const struct tp_path *p = &paths[k];
        fits = p->in >= 0 && p->in < in->nblocks && p->out >= 0 && p->out < out->nblocks;
        if (!fits)
            break;
        struct block bi = in->blocks[p->in], bo = out->blocks[p->out];
        fits = p->out_mul >= 0 && p->out_mul + bi.mul <= bo.mul && p->w_offset >= 0 &&
               p->w_offset + bi.mul <= w->layout->cols && p->m_offset >= 0 &&
               p->m_offset + (p->identity ? 1 : bi.mid * bo.mid) <= m->layout->cols &&
               (!p->identity || bi.mid == bo.mid);
    }
    if (!fits)
        return graph_fail(graph, "a tensor product whose paths do not fit its operands");
    struct slot shape[4];
    node_slot(x, &shape[0]);
    node_slot(m, &shape[1]);
    node_slot(w, &shape[2]);
    node_slot(x, &shape[3]);
    shape[3].layout = out;
    struct node *slots[] = {x, m, w, NULL};
    return form_node(graph, &op_tensor_product, 3, 4, shape, -1, paths, npaths, sizeof *paths, slots);
}
