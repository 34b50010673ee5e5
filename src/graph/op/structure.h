#ifndef FETTLE_GRAPH_OP_STRUCTURE_H
#define FETTLE_GRAPH_OP_STRUCTURE_H

#include "graph/op/narrowing.h"

struct remap_attr {
    int count, pad;
    struct remap_entry entries[];
};

struct index_attr { /* of gather and scatter */
    enum index_kind index;
    int pad;
};

/* A static plain matrix under another shape, whatever op it is of (graph_reshape takes a leaf of that shape instead).
 */
struct node *node_view(struct graph *graph, struct node *a, int rows, int cols);

/* The rule of ops whose result has the blocks of its operands; and its parts, for those that make their nodes
 * otherwise.  The operand, of the blocks that node has, with those of them that are read of node. */
extern const struct narrow_rule narrow_blockwise;
void narrow_read_blocks(const struct narrowing *n, const struct node *node);
struct node *narrow_operand(const struct narrowing *n, const struct node *operand, const struct node *node);

#endif
