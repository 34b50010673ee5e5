/* Which of the sets of kernels, each compiled for one instruction set, programs run. */
#ifndef FETTLE_GRAPH_KERNEL_KERNELS_H
#define FETTLE_GRAPH_KERNEL_KERNELS_H

#include "base/error.h"

struct kernel_set;

/* The set in use: the widest that the processor has, or the one that FETTLE_KERNELS names. */
const struct kernel_set *kernels_active(void);
const char *kernels_name(void); /* its name */
/* Another set for the programs built from now on: "portable", "avx2", "avx512". */
int kernels_use(const char *name, struct error *error);

#endif
