/* A lock between processes: a small file that names its holder.
 *
 * The kernel holds it (flock), so that a crash leaves none behind; what remains of the file then is taken over.  Where
 * a file system has no such locks (some network file systems), the file itself is the lock: made by whoever finds none,
 * taken over from a process of this host that is no more, or where it is the copy of one. */
#ifndef FETTLE_BASE_LOCK_H
#define FETTLE_BASE_LOCK_H

#include "base/error.h"

struct lock;
enum lock_way { LOCK_BY_KERNEL, LOCK_BY_FILE }; /* BY_FILE: as if there were no kernel locks */

/* Takes the lock whose file is path, in a folder that is there.  ERROR_STATE where another has it: the message says of
 * `what` which process of which host writes it, and what can be done; *own (may be NULL) whether this process itself
 * has it.  A child after fork shares the lock of its parent, a program that is executed has none. */
int lock_take(struct lock **out, const char *path, enum lock_way way, const char *what, int *own, struct error *error);
const char *lock_name(const struct lock *lock); /* the path of its file */
void lock_release(struct lock *lock);           /* the file goes; NULL is fine */

#endif
