/* Real spherical harmonics by recursion: Y_{l+1} is a bilinear coupling of Y_l with the unit vector. */
#ifndef FETTLE_E3_HARMONICS_H
#define FETTLE_E3_HARMONICS_H

#include "graph/graph.h"

/* More entries than any step has. */
enum { HARMONICS_MAX_L = 10, HARMONICS_MAX_ENTRIES = 6 * (2 * HARMONICS_MAX_L + 3) };

/* Y_{l+1} = couple(Y_l, u) for a unit vector u = (x, y, z), with Y normalised to |Y_l|^2 = 2l+1 ("component") in
 * e3nn's basis: entries for graph_couple with 2l+3 output columns. From l = 0 to HARMONICS_MAX_L. Returns how many,
 * or -1 for an l out of range. */
int harmonics_step(int l, struct couple_entry entries[HARMONICS_MAX_ENTRIES]);

/* Y_0 to Y_{l_max} at v (any length but 0), one after the other: (l_max+1)^2 numbers. */
int harmonics_evaluate(int l_max, const double v[3], double *out);

#endif
