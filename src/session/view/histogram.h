#ifndef FETTLE_SESSION_HISTOGRAM_H
#define FETTLE_SESSION_HISTOGRAM_H

#include <stddef.h>

struct session;

/* Prints how numbers are distributed: least, largest, percentiles, how many are zero or not finite, and bars.  May be
 * called for any count; values are left as they are. */
void histogram_print(struct session *session, const double *values, size_t count);

#endif
