/* Some vectors over all parameters: products and weighted sums, by the team. */
#ifndef FETTLE_TRAIN_CORE_VECTOR_H
#define FETTLE_TRAIN_CORE_VECTOR_H

#include <stddef.h>
#include "base/dtype.h"
#include "base/team.h"

enum { VECTORS_MOST = 32 };

/* Some vectors, each in two parts of counts[dtype] numbers. */
struct vectors {
    int count;
    size_t counts[DTYPE_COUNT];
    const void *part[VECTORS_MOST][DTYPE_COUNT];
};

/* products: [count][count] all v_i . v_j, summed in float64 in an order that depends on the team's size only.
 * -1: out of memory. */
int vectors_products(struct team *team, const struct vectors *vectors, double *products);
/* out = sum_i weights[i] v_i, summed in float64 and rounded once.  out may be none of the vectors. */
void vectors_sum(struct team *team, const struct vectors *vectors, const double *weights, void *const out[DTYPE_COUNT]);

/* Which of count numbers are this member's: whole cache lines to each. */
void vector_stretch(size_t count, int member, int members, size_t *begin, size_t *end);

#endif
