/* All kernels, compiled for one instruction set. */
#ifndef FETTLE_GRAPH_KERNEL_KERNEL_SET_H
#define FETTLE_GRAPH_KERNEL_KERNEL_SET_H

#include "graph/op/kernel_args.h"
#include "graph/op/op.h"

struct kernel_set {
    const char *name;
    kernel *const *run[DTYPE_COUNT]; /* [OP_COUNT] by the dtype of the result; NULL where nothing is computed */
};

extern kernel *const kernels_portable_f32[OP_COUNT], *const kernels_portable_f64[OP_COUNT];
#ifdef __x86_64__
extern kernel *const kernels_avx2_f32[OP_COUNT], *const kernels_avx2_f64[OP_COUNT];
extern kernel *const kernels_avx512_f32[OP_COUNT], *const kernels_avx512_f64[OP_COUNT];
#endif

#endif
