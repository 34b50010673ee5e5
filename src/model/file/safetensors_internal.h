/* Inside the safetensors reader and writer. */
#ifndef FETTLE_MODEL_SAFETENSORS_INTERNAL_H
#define FETTLE_MODEL_SAFETENSORS_INTERNAL_H

#include "base/arena.h"
#include "model/file/safetensors.h"

struct metadata {
    char *key, *value;
};

struct safetensors {
    struct arena *arena; /* names, data that was added, metadata */
    char *bytes;         /* the file that was read */
    struct tensor *tensors;
    size_t count, capacity;
    struct metadata *metadata;
    size_t nmetadata, metadata_capacity;
    size_t *order; /* indices by name, once read; for finding */
};

/* A file from its bytes, which are from malloc and belong to it from then on, also on an error.  The hash is looked at
 * unless `unchecked`, which is for tests that change bytes. */
int safetensors_from_bytes(struct safetensors **out, char *bytes, size_t size, int unchecked, struct error *error);
/* One more tensor or entry of metadata, zeroed; NULL where memory runs out. */
struct tensor *safetensors_new_tensor(struct safetensors *file);
struct metadata *safetensors_new_metadata(struct safetensors *file);
/* Bytes per number of a dtype; 0 for an unknown one. */
size_t safetensors_dtype_size(const char *dtype);
/* Reads the header (JSON) into the file's tensors; data stands in for the bytes after it. */
int safetensors_parse_header(struct safetensors *file, const char *header, size_t header_size, const char *data,
                             size_t data_size, struct error *error);

/* Of the metadata that fettle writes: the version of its format, and a hash of all that the file holds. */
extern const char safetensors_format_key[], safetensors_hash_key[];
void safetensors_hash_contents(const struct safetensors *file, const char *format, char out[17]);

#endif
