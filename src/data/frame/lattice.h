/* The shortest vectors of a lattice. */
#ifndef FETTLE_DATA_FRAME_LATTICE_H
#define FETTLE_DATA_FRAME_LATTICE_H

#include <stdint.h>

/* Replaces the basis vectors (rows, A) of the periodic directions by short ones of the same lattice, no one of which
 * can be made shorter by the others.  whole: rows, each new vector as a sum of the old ones.  0 if they have no such
 * basis that can be told: they depend on each other, or take more than 2^50 of the old ones. */
int lattice_reduce(double basis[9], int64_t whole[9], const unsigned char pbc[3]);

#endif
