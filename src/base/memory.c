#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { LINE = 64, HUGE = 2 << 20 };

size_t memory_high_water(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (size_t)usage.ru_maxrss * 1024;
}

size_t memory_available(void) {
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    size_t kilobytes, total = 0;
    int known = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %zu kB", &kilobytes) == 1 ||
            sscanf(line, "SwapFree: %zu kB", &kilobytes) == 1) {
            total += kilobytes;
            known |= line[0] == 'M';
        }
    if (file)
        fclose(file);
    return known ? total * 1024 : SIZE_MAX;
}

/* What was allocated lies before what is given out. */
static void **block_of(void *memory) {
    return (void **)((char *)memory - sizeof(void *));
}

void *memory_new(size_t size) {
    static atomic_uint count;
    int huge = size >= HUGE / 2;
    /* Blocks in huge pages do not begin at the same place of a page, else what is read side by side from many of them
     * would fall on the same lines of the caches. */
    size_t unit = huge ? HUGE : LINE, before = LINE * (huge ? 1 + 67 * atomic_fetch_add(&count, 1) % 509 : 1);
    if (size > SIZE_MAX / 2)
        return NULL;
    char *block = aligned_alloc(unit, (before + size + unit - 1) / unit * unit);
    if (!block)
        return NULL;
    /* a wish: nothing is lost where it is not granted; a page that would be used for less than a half stays small */
    if (huge)
        madvise(block, (before + size + HUGE / 2) / HUGE * HUGE, MADV_HUGEPAGE);
    *block_of(block + before) = block;
    return block + before;
}

void memory_free(void *memory) {
    if (memory)
        free(*block_of(memory));
}
