/* What memory the process has used. */
#ifndef FETTLE_BASE_MEMORY_H
#define FETTLE_BASE_MEMORY_H

#include <stddef.h>

size_t memory_high_water(void); /* bytes: the most that was resident at once; 0 if the system does not say */

#endif
