#include "train/core/clones.h"
#include "train/core/dot.h"

enum { LANES = 32 }; /* whatever the processor: the order does not depend on it */

#define DOT(name, real)                                                                                                \
    TRAIN_CLONES                                                                                                       \
    static double name(const real *restrict a, const real *restrict b, size_t count) {                                 \
        double lanes[LANES] = {0}, sum = 0;                                                                            \
        size_t k = 0;                                                                                                  \
        for (; k + LANES <= count; k += LANES)                                                                         \
            for (int i = 0; i < LANES; i++)                                                                            \
                lanes[i] += (double)a[k + (size_t)i] * (double)b[k + (size_t)i];                                       \
        for (; k < count; k++)                                                                                         \
            lanes[k % LANES] += (double)a[k] * (double)b[k];                                                           \
        for (int i = 0; i < LANES; i++)                                                                                \
            sum += lanes[i];                                                                                           \
        return sum;                                                                                                    \
    }

DOT(dot_f32, float)
DOT(dot_f64, double)

/* x - x is 0, or NaN, which stays in its lane. */
#define IS_FINITE(name, real)                                                                                          \
    TRAIN_CLONES                                                                                                       \
    static int name(const real *a, size_t count) {                                                                     \
        real lanes[LANES] = {0};                                                                                       \
        size_t k = 0;                                                                                                  \
        for (; k + LANES <= count; k += LANES)                                                                         \
            for (int i = 0; i < LANES; i++)                                                                            \
                lanes[i] += a[k + (size_t)i] - a[k + (size_t)i];                                                       \
        for (; k < count; k++)                                                                                         \
            lanes[k % LANES] += a[k] - a[k];                                                                           \
        for (int i = 0; i < LANES; i++)                                                                                \
            if (lanes[i] != 0)                                                                                         \
                return 0;                                                                                              \
        return 1;                                                                                                      \
    }

IS_FINITE(is_finite_f32, float)
IS_FINITE(is_finite_f64, double)

int dot_is_finite(enum dtype dtype, const void *a, size_t begin, size_t end) {
    if (begin >= end)
        return 1;
    return dtype == F32 ? is_finite_f32((const float *)a + begin, end - begin)
                        : is_finite_f64((const double *)a + begin, end - begin);
}

double dot(enum dtype dtype, const void *a, const void *b, size_t begin, size_t end) {
    if (begin >= end)
        return 0;
    return dtype == F32 ? dot_f32((const float *)a + begin, (const float *)b + begin, end - begin)
                        : dot_f64((const double *)a + begin, (const double *)b + begin, end - begin);
}
