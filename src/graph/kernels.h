/* Kernels and the attributes they share with the ops.  Every kernel runs on one member of a team and writes only the
 * rows (or columns) it owns, in a fixed order: results depend on the number of members at most, never on chance. */
#ifndef FETTLE_GRAPH_KERNELS_H
#define FETTLE_GRAPH_KERNELS_H

#include "graph/node.h"

struct unary_attr {
    enum unary_kind kind;
    int order;
    double p;
};

struct remap_attr {
    int count, pad;
    struct remap_entry entries[];
};

/* One form of all kernels, compiled for one instruction set. */
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

size_t scratch_typed_linear(const struct kernel_args *args);
double flops_linear(const struct kernel_args *args);
double flops_typed_linear(const struct kernel_args *args);
double flops_tensor_product(const struct kernel_args *args);

/* Value of unary(kind, order) at x, by truncated power series: any kind, any order up to UNARY_MAX_ORDER. */
enum { UNARY_MAX_ORDER = 12 };
double unary_value(enum unary_kind kind, int order, double p, double x);

#endif
