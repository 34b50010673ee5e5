/* Sums over stretches of slabs, in float64 and in a fixed order, and what else is asked of all their numbers. */
#ifndef FETTLE_TRAIN_CORE_DOT_H
#define FETTLE_TRAIN_CORE_DOT_H

#include <stddef.h>
#include "base/dtype.h"

/* Sum of a[k] b[k], begin <= k < end. */
double dot(enum dtype dtype, const void *a, const void *b, size_t begin, size_t end);
/* Whether no a[k], begin <= k < end, is NaN or infinite. */
int dot_is_finite(enum dtype dtype, const void *a, size_t begin, size_t end);

#endif
