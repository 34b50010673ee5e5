#include "graph/kernel/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "graph/kernel/kernel_set.h"

#define SET(name)                                                                                                      \
    {                                                                                                                  \
#name, {                                                                                                       \
            [F32] = kernels_##name##_f32, [F64] = kernels_##name##_f64                                                 \
        }                                                                                                              \
    }

/* From the plainest to the widest. */
static const struct kernel_set sets[] = {
    SET(portable),
#ifdef __x86_64__
    SET(avx2),
    SET(avx512),
#endif
};
enum { SETS = sizeof sets / sizeof *sets };

static const struct kernel_set *chosen;

/* How many of the sets this processor can run. */
static int supported(void) {
    int count = 1;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        count++;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            count++;
    }
#endif
    return count;
}

int kernels_use(const char *name, struct error *error) {
    int count = supported();
    for (int k = 0; k < SETS; k++)
        if (!strcmp(sets[k].name, name)) {
            if (k >= count)
                return error_set(error, ERROR_STATE, "this processor cannot run the kernels '%s', only up to '%s'",
                                 name, sets[count - 1].name);
            __atomic_store_n(&chosen, &sets[k], __ATOMIC_RELEASE);
            return 0;
        }
    return error_set(error, ERROR_NAME, "there are no kernels '%.40s'; there are portable, avx2 and avx512", name);
}

const struct kernel_set *kernels_active(void) {
    const struct kernel_set *set = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    if (!set) { /* the same answer whoever comes first */
        struct error ignored;
        const char *wanted = getenv("FETTLE_KERNELS");
        if (!wanted || kernels_use(wanted, &ignored))
            __atomic_store_n(&chosen, &sets[supported() - 1], __ATOMIC_RELEASE);
        set = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    }
    return set;
}

const char *kernels_name(void) {
    return kernels_active()->name;
}
