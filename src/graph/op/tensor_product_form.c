#include "graph/op/form.h"

#include <stdlib.h>

#include "graph/op/kernel_args.h"
#include "graph/op/leaf.h"
#include "graph/op/narrowing.h"

static double product_flops(const struct kernel_args *args) {
    const struct form_attr *attr = args->node->attr;
    const struct tp_path *paths = form_paths(attr);
    double work = 0;
    for (int k = 0; k < attr->npaths; k++) {
        struct block bi = attr->slots[0].layout->blocks[paths[k].in], bo = attr->slots[3].layout->blocks[paths[k].out];
        work += 2.0 * bi.mul * (paths[k].identity ? 2 * bi.mid : bi.mid * bo.mid + bo.mid);
    }
    return work * attr->nterms * args->topology->edges;
}

static int is_product(const struct node *node) {
    return form_is_plain(node, 3);
}

static void read_product(const struct narrowing *n, const struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct tp_path *paths = form_paths(attr);
    const char *blocks = narrow_part(n, node)->blocks;
    for (int k = 0; k < attr->npaths; k++)
        if (blocks[paths[k].out]) {
            narrow_read_block(n, node->inputs[0], paths[k].in);
            narrow_read_columns(n, node->inputs[2], paths[k].w_offset, attr->slots[0].layout->blocks[paths[k].in].mul);
        }
    narrow_read_all(n, node->inputs[1]);
}

static struct node *narrow_product(const struct narrowing *n, struct node *node) {
    const struct form_attr *attr = node->attr;
    const struct tp_path *old = form_paths(attr);
    const char *want = narrow_part(n, node)->blocks, *have = narrow_part(n, node->inputs[0])->blocks;
    const char *columns = narrow_part(n, node->inputs[2])->columns;
    struct tp_path *paths = calloc((size_t)attr->npaths + 1, sizeof *paths);
    const struct layout *layout = narrow_layout(n, node);
    int count = 0;
    if (!paths)
        return graph_no_memory(n->graph);
    for (int k = 0; k < attr->npaths; k++)
        if (want[old[k].out]) {
            paths[count] = old[k];
            paths[count].in = narrow_place(have, old[k].in);
            paths[count].out = narrow_place(want, old[k].out);
            paths[count].w_offset = columns ? narrow_place(columns, old[k].w_offset) : old[k].w_offset;
            count++;
        }
    struct node *narrow =
        graph_tensor_product(n->graph, n->map[node->inputs[0]->id], n->map[node->inputs[1]->id],
                             n->map[node->inputs[2]->id], layout->blocks, layout->nblocks, paths, count);
    free(paths);
    return narrow;
}

static const struct narrow_rule product_rule = {.applies = is_product, .read = read_product, .make = narrow_product};
const struct op op_tensor_product = {
    OP_NAME(tensor_product), .derivative = form_derivative,     .narrow = &product_rule,
    .flops = product_flops,  .traits = OP_OWN_PAIRS | OP_TERMS,
};

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
               (!p->identity || bi.mid == bo.mid) && bi.mid <= TENSOR_PRODUCT_MOST && bo.mid <= TENSOR_PRODUCT_MOST;
    }
    if (!fits)
        return graph_fail(graph, "a tensor product whose paths do not fit its operands");
    return form_of(graph, &op_tensor_product, (struct node *[]){x, m, w}, 3, out, -1, paths, npaths, sizeof *paths);
}
