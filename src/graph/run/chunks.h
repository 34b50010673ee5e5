/* A topology cut into chunks: of atoms, one after the other; of pairs, each with those atoms that its pairs join, under
 * numbers of their own. */
#ifndef FETTLE_GRAPH_CHUNKS_H
#define FETTLE_GRAPH_CHUNKS_H

#include <stddef.h>
#include "base/team.h"
#include "graph/topology.h"

struct chunk {
    struct topology topology;
    int begin, end; /* rows of the dimension that was cut */
    int *atoms;     /* [topology.dim[DIM_ATOMS]] for chunks of pairs: numbers in the whole topology */
    void *block;    /* where the arrays lie */
    size_t capacity;
};

struct chunks {
    struct chunk *chunk;
    int count, capacity;
    int *place; /* scratch: [members][atoms] */
    size_t place_size;
};

/* Chunks of at most `rows` rows of a dimension, pairs or atoms.  May hold those of another topology, whose memory is
 * used again.  -1 if out of memory. */
int chunks_cut(struct chunks *chunks, struct team *team, const struct topology *whole, enum dim dim, int rows);
void chunks_free(struct chunks *chunks);

#endif
