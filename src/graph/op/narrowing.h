/* What an op's rule of narrowing works with (graph_narrow): of each node some blocks are read, the others are dead.  Of
 * the weights that a linear layer makes for tensor products alone, some columns are read: those of the paths that end
 * in a block which is. */
#ifndef FETTLE_GRAPH_OP_NARROWING_H
#define FETTLE_GRAPH_OP_NARROWING_H

#include "graph/op/op.h"

struct narrow_part {
    char *blocks;  /* [nblocks] read */
    char *columns; /* [cols] read, where they can be had one by one; else NULL */
    int read;      /* at all */
};

struct narrowing {
    struct graph *graph;
    struct narrow_part *parts; /* by id */
    struct node **map;         /* by id: the narrow nodes, so far */
};

struct narrow_rule {
    int (*applies)(const struct node *node); /* else it is made as a whole; NULL: always */
    int (*columns)(const struct node *node); /* whether its columns can be had one by one; NULL: never */
    void (*read)(const struct narrowing *n, const struct node *node);   /* marks what is read of its operands */
    struct node *(*make)(const struct narrowing *n, struct node *node); /* the narrow node */
};

struct narrow_part *narrow_part(const struct narrowing *n, const struct node *node);
void narrow_read_block(const struct narrowing *n, const struct node *node, int block);
void narrow_read_columns(const struct narrowing *n, const struct node *node, int first, int count);
void narrow_read_all(const struct narrowing *n, const struct node *node);

/* Number of block (or column) b among those that are read. */
int narrow_place(const char *read, int b);
/* The blocks that are read. */
const struct layout *narrow_layout(const struct narrowing *n, const struct node *node);

#endif
