/* Real coupling coefficients. */
#ifndef FETTLE_E3_WIGNER_H
#define FETTLE_E3_WIGNER_H

enum { WIGNER_MAX_L = 11 };

/* Real Wigner 3j symbols of three angular momenta in e3nn's real basis, signs included, with unit Frobenius norm:
 * out[(m1 * d2 + m2) * d3 + m3], d = 2l+1. Returns 0, or -1 where the three do not couple or an l is above
 * WIGNER_MAX_L; out is then untouched. */
int wigner_3j(int l1, int l2, int l3, double *out);

#endif
