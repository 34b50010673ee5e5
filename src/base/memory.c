#include "base/memory.h"

#include <sys/resource.h>

size_t memory_high_water(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (size_t)usage.ru_maxrss * 1024;
}
