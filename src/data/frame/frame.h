/* A frame: atoms, cell, labels. */
#ifndef FETTLE_DATA_FRAME_FRAME_H
#define FETTLE_DATA_FRAME_FRAME_H

#include <stddef.h>
#include "base/error.h"

/* Types that atoms can be of, as many as a map of a config has room for; bytes of a type's name. */
enum { TYPES_MOST = 4096, TYPE_NAME_MOST = 64 };

/* A named array of a frame: one row for the frame, or one row an atom. NequIP's names: "total_energy" (eV) [1],
 * "forces" (eV/A) [atoms][3], "stress" (eV/A^3) [9], "virial" (eV) [9], and whatever key_mapping brings. */
struct field {
    char name[64];
    int per_atom;
    int cols;
    double *values;
};

struct mapped;

struct frame {
    int atoms;
    double *pos;        /* [atoms][3], A */
    int *numbers;       /* [atoms] atomic numbers, 0 where the symbol is none of an element's */
    char (*symbols)[8]; /* [atoms] species as written */
    int *types;         /* [atoms] index into the model's type names; -1 before the mapper ran */
    double cell[9];     /* rows are the cell vectors, A; zero where there is none */
    int has_cell;       /* the file gave a cell (or a transform made one) */
    unsigned char pbc[3];
    int nfields;
    struct field *fields;
    const char *source; /* file it came from, "" if made; not owned (interned by the data set) */
    long ordinal;       /* frame number in that source, from 0 */
    const char *unused; /* keys the file has but no field was made of: "dft_energy tags"; not owned, "" if none */

    /* neighbour pairs, once NeighborListTransform ran (see graph/topology.h); -1 before */
    int npairs;
    int *pair_i, *pair_j;
    int *pair_shift; /* [pairs][3] image shifts */
    int directed;    /* one pair an edge (cutoffs not symmetric), else one pair for both edges */

    const struct mapped *map; /* of the data set, in which arrays may lie rather than being the frame's own; or NULL */
};

struct frame *frame_new(int atoms); /* NULL if out of memory */
void frame_free(struct frame *frame);
/* Frees an array of the frame, unless it lies in the map. */
void frame_drop(const struct frame *frame, void *array);
struct frame *frame_copy(const struct frame *frame);
const struct field *frame_field(const struct frame *frame, const char *name); /* or NULL */
/* Adds (or replaces) a field; values are copied, NULL leaves zeros. Returns the stored array, NULL if out of memory. */
double *frame_set_field(struct frame *frame, const char *name, int per_atom, int cols, const double *values);
void frame_remove_field(struct frame *frame, const char *name);
double frame_volume(const struct frame *frame); /* |det cell|, A^3; 0 without a cell */

/* "frame 12 of train.xyz", for messages; returns out. */
const char *frame_label(const struct frame *frame, char *out, size_t size);

/* Element symbols: number of "Cu", or 0; symbol of 29. */
int element_number(const char *symbol);
const char *element_symbol(int number);

/* Neighbour pairs within r_max (A), as graph/topology.h wants them; linear in the number of atoms, periodic in any
 * subset of directions, for any cell.  directed: one pair per edge.  ERROR_DATA for two atoms on one place,
 * ERROR_MEMORY where the list would exceed limit_bytes (0: no limit). */
int frame_neighbours(struct frame *frame, double r_max, int directed, size_t limit_bytes, struct error *error);

/* Gives each edge a pair of its own (directed = 1), in the order frame_neighbours(directed = 1) has: what a model with
 * cutoffs that are not symmetric needs.  Nothing happens if it is so already. */
int frame_make_directed(struct frame *frame, struct error *error);

#endif
