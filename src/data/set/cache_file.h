/* Inside src/data: the file of a cache.
 *
 * The head, then the arrays of frame after frame, then tables: strings, records, fields, key, warnings, each at a
 * multiple of 8 bytes.  Every record has the hash of its frame's arrays, and the head that of all tables and of itself,
 * so that one changed bit anywhere is found.  A cache is believed only if these are right, if it is of the very bytes
 * of its source (their hash) read in the same way (the key), and if what it holds is what the reader could have made:
 * whoever makes up a cache with right hashes can give other numbers to train on, and no more. */
#ifndef FETTLE_DATA_SET_CACHE_FILE_H
#define FETTLE_DATA_SET_CACHE_FILE_H

#include <stdio.h>
#include "base/text.h"
#include "data/set/dataset.h"
#include "data/transform/transforms.h"

/* What a cache is of. */
struct cache_source {
    const char *name;    /* as it is asked for: it may choose frames */
    const char *path;    /* of the file */
    uint64_t size, hash; /* data/input.h; hash: only where it was asked for */
    struct text key;     /* how it is read: keys, transforms */
};

struct cache_head {
    char magic[8];
    uint64_t hash; /* of the tables and of this, with 0 here */
    uint64_t source_size, source_hash;
    uint64_t tables; /* where they begin: places count from the beginning of the file */
    uint64_t key, key_size;
    uint64_t records, frames;         /* struct cache_record */
    uint64_t fields, nfields;         /* struct cache_field */
    uint64_t strings, strings_size;   /* lists of keys, each ended by 0 */
    uint64_t warnings, warnings_size; /* what reading said, a line each */
    uint64_t size;                    /* of the file */
};

struct cache_record {
    uint64_t at, size, hash; /* of its arrays: see cache_lay_out */
    int64_t ordinal;
    double cell[9];
    int32_t atoms, npairs, directed, has_cell, nfields, unused_size;
    uint64_t field;  /* number of its first */
    uint64_t unused; /* place of the text, from the beginning of the strings */
    unsigned char pbc[8];
};

struct cache_field {
    char name[64];
    int32_t per_atom, cols;
};

/* Where the arrays of a frame lie, from record.at on: those of doubles first. */
struct cache_arrays {
    size_t fields, numbers, symbols, types, pair_i, pair_j, pair_shift, size;
};
struct cache_arrays cache_lay_out(size_t atoms, size_t pairs, size_t doubles);

extern const char cache_magic[8];
/* The hash that the head should have. */
uint64_t cache_hash_tables(const char *data, const struct cache_head *head);

/* What became of a cache. */
enum cache_verdict {
    CACHE_GOOD,
    CACHE_OTHER,  /* of another version, of another file, read in another way: nothing is wrong */
    CACHE_DAMAGED /* or made up */
};
/* The head, the key and the tables: fast, and all that the hash of the source has to be known for is left to the
 * caller. why: a few words where it is damaged. */
enum cache_verdict cache_check_tables(const char *data, size_t size, const struct cache_source *source,
                                      const char **why);
/* The frames, one after the other: their hashes, and that everything lies in its bounds.  ERROR_INTERRUPT. */
int cache_check_frames(const char *data, const struct transforms *transforms, enum cache_verdict *verdict,
                       const char **why, struct error *error);
/* Whether the cache is the one whose head has this hash, and whole. */
int cache_is(const char *data, size_t size, uint64_t hash);

/* Reads a file and writes its frames, transformed, as a cache; source->size and hash are set.  *unwritten: the file was
 * read well, but the cache could not be written. */
int cache_make(struct cache_source *source, const char *cache, const struct extxyz_keys *keys,
               struct transforms *transforms, int *unwritten, struct error *error);

#endif
