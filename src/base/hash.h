/* Hashes that tell whether bytes are the same: XXH3 (github.com/Cyan4973/xxHash), 64 bits.  They find accidents, not
 * forgeries: whoever can change the bytes can change the hash beside them. */
#ifndef FETTLE_BASE_HASH_H
#define FETTLE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Of size bytes, going on from the hash of what came before; 0 at the beginning. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t size);

#endif
