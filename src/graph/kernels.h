/* The forms of the kernels: each has all of them, compiled for one instruction set. */
#ifndef FETTLE_GRAPH_KERNELS_H
#define FETTLE_GRAPH_KERNELS_H

#include "graph/kernel/kernel.h"
#include "graph/op/op.h"

struct kernel_set {
    const char *name;
    kernel *run[OP_COUNT][DTYPE_COUNT]; /* by the dtype of the result; NULL where nothing is computed */
};
extern const struct kernel_set kernels_portable;
#ifdef __x86_64__
extern const struct kernel_set kernels_avx2, kernels_avx512;
#endif

/* The form in use: the widest that the processor has, or the one that FETTLE_KERNELS names. */
const struct kernel_set *kernels_active(void);
/* Another form for the programs built from now on: "portable", "avx2", "avx512". */
int kernels_use(const char *name, struct error *error);

#endif
