/* What memory the process has used, and large pieces of it. */
#ifndef FETTLE_BASE_MEMORY_H
#define FETTLE_BASE_MEMORY_H

#include <stddef.h>

size_t memory_high_water(void); /* bytes: the most that was resident at once; 0 if the system does not say */

size_t memory_available(void); /* bytes: what could be had now; SIZE_MAX if the system does not say */

/* Memory for many tensors, aligned to a cache line, in huge pages where it is large enough and the system has them;
 * NULL if there is none. */
void *memory_new(size_t size);
void memory_free(void *memory); /* what memory_new gave, or NULL */

#endif
