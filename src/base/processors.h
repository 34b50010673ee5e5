/* How many processors this process may use. */
#ifndef FETTLE_BASE_PROCESSORS_H
#define FETTLE_BASE_PROCESSORS_H

/* Those that it may run on, but no more than its control groups give it time for; at least 1. */
int processors_usable(void);

/* Processors' time that the control groups of this process and all above them give it, as /proc and /sys below `root`
 * ("": the system's own) say; 0: no limit, or none that can be read. */
double processors_quota(const char *root);

#endif
