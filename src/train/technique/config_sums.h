/* Inside src/train: what ConFIG and M-ConFIG share: products and weighted sums of gradients, and the weights. */
#ifndef FETTLE_TRAIN_CONFIG_SUMS_H
#define FETTLE_TRAIN_CONFIG_SUMS_H

#include <stddef.h>
#include "base/dtype.h"
#include "base/team.h"
#include "train/optimizer/eigen.h"

/* Some vectors, each in two parts of counts[dtype] numbers. */
struct config_vectors {
    int count;
    size_t counts[DTYPE_COUNT];
    const void *part[CONFIG_MAX_TERMS][DTYPE_COUNT];
};

/* products: [count][count] all v_i . v_j, summed in float64 in an order that depends on the team's size only.
 * -1: out of memory. */
int config_products(struct team *team, const struct config_vectors *vectors, double *products);
/* out = sum_i weights[i] v_i, summed in float64 and rounded once.  out may be none of the vectors. */
void config_sum(struct team *team, const struct config_vectors *vectors, const double *weights,
                void *const out[DTYPE_COUNT]);

/* ConFIG's weights of the gradients from their products [count][count] and the coefficients: the result is
 * sum_i weights[i] g_i.  Gradients of norm below eps are divided by eps.
 *   zero gradient          it has no say: the result is that of the others
 *   equal gradients        they count as one: the result is their sum
 *   opposite gradients     what their coefficients agree on: nothing if these are equal (weights of about 0), else the
 *                          direction of the larger one
 * -1 if something is not finite, or count is not in 1 ... CONFIG_MAX_TERMS. */
int config_weights(int count, const double *products, const double *coefficients, double eps, double *weights);

#endif
