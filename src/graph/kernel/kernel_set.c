/* One set of kernels; compiled once per instruction set, with KERNEL_SET naming it and LANE_BYTES the width of its
 * vectors. */
#include "graph/kernel/kernel_set.h"

#include <math.h>
#include <string.h>

#include "graph/kernel/blas.h"
#include "graph/kernel/unary_value.h"
#include "graph/op/form.h"
#include "graph/op/functions.h"
#include "graph/op/leaf.h"
#include "graph/op/linear.h"
#include "graph/op/structure.h"
#include "graph/op/sums.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#include "graph/kernel/math_f64.inc"

#define REAL float
#define OTHER double
#define NAME(name) name##_f32
#define VEC vec_f32
#define LANES (LANE_BYTES / 4)
typedef float vec_f32 __attribute__((vector_size(LANE_BYTES)));
#include "graph/kernel/math_f32.inc"
#include "graph/kernel/bodies.inc"
#undef REAL
#undef OTHER
#undef NAME
#undef VEC
#undef LANES

#define REAL double
#define OTHER float
#define NAME(name) name##_f64
#define VEC vec_f64
#define LANES (LANE_BYTES / 8)
typedef double vec_f64 __attribute__((vector_size(LANE_BYTES)));
#include "graph/kernel/bodies.inc"

#define QUOTE_(name) #name
#define QUOTE(name) QUOTE_(name)
const struct kernel_set JOIN(kernels_, KERNEL_SET) = {
    .name = QUOTE(KERNEL_SET),
    .run =
        {
#define OP_COMPUTED(name) [ID_##name] = {kernel_##name##_f32, kernel_##name##_f64},
#include "graph/op/op_list.h"
        },
};
