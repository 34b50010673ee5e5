/* A matrix as PyTorch prints a tensor, for the modules whose text holds one. */
#ifndef FETTLE_MODEL_TENSOR_TEXT_H
#define FETTLE_MODEL_TENSOR_TEXT_H

#include "base/dtype.h"
#include "base/text.h"

/* "tensor([[1.1000, 0.9000],\n        [0.9000, 1.2000]])", with PyTorch's default options while the default dtype is
 * float64. */
void tensor_print(const double *values, int rows, int cols, enum dtype dtype, struct text *out);

#endif
