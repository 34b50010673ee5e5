/* The orthogonalisation of Muon: x with singular values near 1, by a quintic iteration in bfloat16. */
#ifndef FETTLE_TRAIN_NEWTON_SCHULZ_H
#define FETTLE_TRAIN_NEWTON_SCHULZ_H

#include <stddef.h>

struct newton_schulz {
    double a, b, c; /* x becomes a x + (b g + c g g) x, with g = x x^T */
    double eps;     /* least norm that x is divided by at first; or what is added to it */
    int steps;
    int adds; /* eps is added, and every product and sum is rounded, as NequIP does; torch rounds fused sums once */
};

/* x [rows, cols], row by row, in place: the result is bfloat16 numbers.  Sums are in float, a thread's own. */
void newton_schulz(const struct newton_schulz *how, int rows, int cols, float *x, float *scratch);
size_t newton_schulz_scratch(int rows, int cols); /* floats */
float newton_schulz_round(float x);               /* to the nearest bfloat16 */

#endif
