/* What ConFIG and M-ConFIG share: the weights of the gradients. */
#ifndef FETTLE_TRAIN_CONFLICT_FREE_WEIGHTS_H
#define FETTLE_TRAIN_CONFLICT_FREE_WEIGHTS_H

#include "train/technique/eigen.h"

enum { CONFLICT_FREE_MOST = EIGEN_MOST };

/* ConFIG's weights of the gradients from their products [count][count] and the coefficients: the result is
 * sum_i weights[i] g_i.  Gradients of norm below eps are divided by eps.
 *   zero gradient          it has no say: the result is that of the others
 *   equal gradients        they count as one: the result is their sum
 *   opposite gradients     what their coefficients agree on: nothing if these are equal (weights of about 0), else the
 *                          direction of the larger one
 * -1 if something is not finite, or count is not in 1 ... CONFLICT_FREE_MOST. */
int conflict_free_weights(int count, const double *products, const double *coefficients, double eps, double *weights);

#endif
