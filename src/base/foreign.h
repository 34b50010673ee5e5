/* Files of other programs, known by how they begin: what to say of one that stands where something else is expected. */
#ifndef FETTLE_BASE_FOREIGN_H
#define FETTLE_BASE_FOREIGN_H

#include <stddef.h>
#include "base/error.h"

enum { FOREIGN_BYTES = 4096 }; /* as many of the first bytes tell */
enum foreign_place { FOREIGN_FRAMES, FOREIGN_CONFIG, FOREIGN_WEIGHTS };

/* ERROR_SYNTAX that names what the file is, and what helps where it stands; 0 where it is nothing that is known, or
 * what belongs there.  head: its first FOREIGN_BYTES, more or all. */
int foreign_refuse(enum foreign_place place, const char *path, const char *head, size_t size, struct error *error);

#endif
