/* A batch: frames joined, with the index arrays the kernels use. */
#ifndef FETTLE_DATA_FRAME_BATCH_H
#define FETTLE_DATA_FRAME_BATCH_H

#include "data/frame/frame.h"
#include "graph/topology.h"

struct batch {
    struct topology topology;
    int frames, atoms, pairs, edges;
    int *frame_atoms;            /* [frames + 1] first atom of each frame */
    int *frame_pairs;            /* [frames + 1] */
    double *pos;                 /* [atoms][3] */
    double *pair_shift;          /* [pairs][3] S.cell, A */
    double *inverse_volume;      /* [frames], 1/A^3; NaN without a cell, or where it has no volume */
    double *num_atoms;           /* [frames] */
    const struct frame **source; /* [frames], not owned */
    int nfields;
    struct field *fields; /* labels, joined; those that all frames have */
    void *arena;          /* where all this lies */
};

/* What joining needs to know of the model. */
struct batch_options {
    int types;       /* number of types */
    int ncategories; /* categorical fields: INDEX_CATEGORY + k is field k */
    const char *const *category_fields;
    const int *category_min, *category_max;
};

/* Joins frames (each with types and neighbour pairs).  *out may hold an earlier batch, whose memory is then reused. */
int batch_join(struct batch **out, const struct frame *const *frames, int nframes, const struct batch_options *options,
               struct error *error);
void batch_free(struct batch *batch);

/* The array for a graph input of this name: "pos" [atoms,3], "pair_shift" [pairs,3], "inverse_volume" [frames,1],
 * "num_atoms" [frames,1], "target:FIELD" (a label); all float64.  NULL if there is none. */
const double *batch_input(const struct batch *batch, const char *name);
const struct field *batch_field(const struct batch *batch, const char *name);

#endif
