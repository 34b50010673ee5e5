/* Inside src/graph: what a node and a graph are, and how the ops make nodes. */
#ifndef FETTLE_GRAPH_GRAPH_INTERNAL_H
#define FETTLE_GRAPH_GRAPH_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "graph/graph.h"

struct op;

struct node {
    const struct op *op;
    enum dtype dtype;
    enum dim dim;
    int rows; /* static rows, else 0 */
    const struct layout *layout;
    int ninputs;
    struct node **inputs;
    const void *attr; /* of the op; compared as bytes, so every byte of it is defined */
    size_t attr_size;
    const char *module;
    int id;      /* inputs have smaller ones */
    int derived; /* made by differentiation */
    uint64_t hash;
    struct node *chain; /* next in its hash bucket */
};

struct graph {
    struct arena *arena;
    struct node **nodes;
    int nnodes, capacity;
    struct node **buckets;
    size_t nbuckets;
    const struct layout **layouts;
    int nlayouts, layout_capacity;
    const char **modules; /* stack */
    int nmodules, module_capacity;
    int deriving; /* within graph_grad */
    int repeats;  /* nodes that were asked for and existed already */
    struct error error;
    struct node nothing; /* while there is no node */
};

/* The node itself, or an equal one made before.  attr is copied. */
struct node *node_make(struct graph *graph, const struct op *op, enum dtype dtype, enum dim dim, int rows,
                       const struct layout *layout, struct node *const *inputs, int ninputs, const void *attr,
                       size_t attr_size);
/* The same on other inputs, of the same shapes. */
struct node *node_remake(struct graph *graph, const struct node *node, struct node *const *inputs);
int node_same_shape(const struct node *a, const struct node *b);
const struct layout *layout_intern(struct graph *graph, const struct block *blocks, int nblocks);
const struct layout *layout_plain(struct graph *graph, int cols);

/* Marks a node and what it needs, but for what has a mark and what that needs; marks[id] is 0 at first.  Returns how
 * many were marked. */
int graph_mark(const struct node *node, int mark, int *marks);

/* Room for one more element of this size: 0, or -1 if out of memory. */
int graph_grow(void **array, int *capacity, int count, size_t size);

/* Rows in a batch. */
static inline long node_rows_now(const struct node *node, const struct topology *topology) {
    return node->dim == DIM_STATIC ? node->rows : topology->dim[node->dim];
}

#endif
