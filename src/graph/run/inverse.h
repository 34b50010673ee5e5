/* The inverses of index arrays, made anew for each batch. */
#ifndef FETTLE_GRAPH_RUN_INVERSE_H
#define FETTLE_GRAPH_RUN_INVERSE_H

#include "graph/op/kernel_args.h"

struct inverses {
    struct inverse of[INDEX_COUNT];
    size_t capacity[INDEX_COUNT][2]; /* of row, of member */
};

/* Which rows of the index array (enum index_kind) point to each target row, of which there are `least_rows` at least.
 * -1 if out of memory. */
int inverse_make(struct inverses *inverses, int index, const struct topology *topology, int least_rows);
void inverses_free(struct inverses *inverses);

#endif
