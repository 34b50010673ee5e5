#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(uint64_t hash, const void *data, size_t size) {
    return XXH3_64bits_withSeed(size ? data : "", size, hash);
}
