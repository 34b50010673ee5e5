/* One set of kernels for one dtype.  Compiled for each: KERNEL_SET is the name of the set, LANE_BYTES the width of its
 * vectors, DTYPE the name of the dtype (f32, f64), REAL its type of REAL_BYTES. */
#include "graph/kernel/kernel_set.h"

#include <math.h>
#include <string.h>

#include "graph/kernel/blas.h"
#include "graph/kernel/unary_value.h"
#include "graph/op/form.h"
#include "graph/op/functions.h"
#include "graph/op/leaf.h"
#include "graph/op/linear_forms.h"
#include "graph/op/structure.h"
#include "graph/op/sums.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define BLAS_GEMM JOIN(blas_gemm_, DTYPE)

enum { LANES = LANE_BYTES / REAL_BYTES };
typedef REAL vec __attribute__((vector_size(LANE_BYTES)));

#include "graph/kernel/math.inc"
#include "graph/kernel/vector.inc"
#include "graph/kernel/operand.inc"
#include "graph/kernel/gemm.inc"
/* the bodies: for each family of ops a file, named as its file in op/ */
#include "graph/kernel/leaf.inc"
#include "graph/kernel/structure.inc"
#include "graph/kernel/sums.inc"
#include "graph/kernel/multilinear.inc"
#include "graph/kernel/functions.inc"
#include "graph/kernel/linear_forms.inc"
#include "graph/kernel/tensor_product_form.inc"

kernel *const JOIN(JOIN(kernels_, KERNEL_SET), JOIN(_, DTYPE))[OP_COUNT] = {
#define OP_COMPUTED(name) [ID_##name] = kernel_##name,
#include "graph/op/op_list.h"
};
