/* What a file is that is not what was expected, by its first bytes. */
#ifndef FETTLE_BASE_KIND_H
#define FETTLE_BASE_KIND_H

#include <stddef.h>

enum { KIND_BYTES = 512 }; /* as many of the first bytes tell */

/* "gzip data", "a zip archive, as checkpoints of PyTorch (.ckpt, .pt) are", ...; NULL where they tell nothing. */
const char *kind_of(const void *bytes, size_t size);

#endif
