/* Small symmetric solves. */
#ifndef FETTLE_TRAIN_TECHNIQUE_EIGEN_H
#define FETTLE_TRAIN_TECHNIQUE_EIGEN_H

enum { EIGEN_MOST = 32 };

/* Minimum-norm solution of A y = b for a symmetric positive semidefinite A [n][n], n <= EIGEN_MOST: eigenvalues
 * below cutoff * (the largest) count as zero.  Cyclic Jacobi rotations.  -1 if something is not finite. */
int eigen_solve(int n, const double *a, const double *b, double cutoff, double *y);

#endif
