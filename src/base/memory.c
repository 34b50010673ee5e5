#include "base/memory.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { LINE = 64, HUGE = 2 << 20 };

size_t memory_high_water(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (size_t)usage.ru_maxrss * 1024;
}

void *memory_new(size_t size) {
    size_t unit = size >= HUGE ? HUGE : LINE, whole = (size + unit - 1) / unit * unit;
    if (whole < size)
        return NULL;
    void *memory = aligned_alloc(unit, whole);
    if (memory && unit == HUGE)
        madvise(memory, whole, MADV_HUGEPAGE); /* a wish: nothing is lost where it is not granted */
    return memory;
}
