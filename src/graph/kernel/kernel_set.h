#ifndef FETTLE_GRAPH_KERNEL_KERNEL_SET_H
#define FETTLE_GRAPH_KERNEL_KERNEL_SET_H

#include "graph/kernel/kernel.h"
#include "graph/op/op.h"

/* All kernels, compiled for one instruction set. */
struct kernel_set {
    const char *name;
    kernel *run[OP_COUNT][DTYPE_COUNT]; /* by the dtype of the result; NULL where nothing is computed */
};
extern const struct kernel_set kernels_portable;
#ifdef __x86_64__
extern const struct kernel_set kernels_avx2, kernels_avx512;
#endif

#endif
