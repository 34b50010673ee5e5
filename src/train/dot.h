/* Sums over stretches of slabs, in float64 and in a fixed order. */
#ifndef FETTLE_TRAIN_DOT_H
#define FETTLE_TRAIN_DOT_H

#include <stddef.h>
#include "base/dtype.h"

/* Sum of a[k] b[k], begin <= k < end. */
double dot(enum dtype dtype, const void *a, const void *b, size_t begin, size_t end);

#endif
