#ifndef FETTLE_BASE_CLOCK_H
#define FETTLE_BASE_CLOCK_H

/* Seconds of a clock that never goes back, from no particular beginning. */
double clock_seconds(void);

#endif
