/* A file in memory by mapping, so that what is not used gives way to what is.  What is written there stays in this
 * process.
 *
 * Whoever may write the file can cut it meanwhile, and a disk can fail; the system then answers an access with SIGBUS,
 * which ends the program.  So there is a handler: from then on the rest of the map reads as zeros, and mapped_check
 * says what happened.  It is installed with the first map, and passes on what is not its own. */
#ifndef FETTLE_DATA_FRAME_MAPPED_H
#define FETTLE_DATA_FRAME_MAPPED_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct mapped {
    char *data;
    size_t size;
    /* The opener's: whether the file, as it is now, still is what was relied on; asked where it was written to. */
    int (*same)(const char *data, size_t size, uint64_t mark);
    uint64_t mark;
};

/* *out is NULL where there is no file of at least so many bytes that can be mapped; the error is for lack of memory. */
int mapped_open(struct mapped **out, const char *path, size_t least, struct error *error);
void mapped_close(struct mapped *mapped);

/* ERROR_DATA if what was read of it may have been wrong: the file was cut, or written to.  Fast; from any thread. */
int mapped_check(const struct mapped *mapped, struct error *error);

#endif
