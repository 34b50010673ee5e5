/* safetensors files: named tensors and a map of strings.
 *
 * A file that fettle writes says so in its metadata: "fettle_format", the number of the form that its contents have,
 * and "fettle_hash", a hash over all the rest (metadata, names, types, shapes, numbers, in any order).  Where a file
 * has them it is read only if the hash is right and the number no later than our own; files of other programs have
 * neither. */
#ifndef FETTLE_MODEL_SAFETENSORS_H
#define FETTLE_MODEL_SAFETENSORS_H

#include <stddef.h>
#include "base/error.h"

struct tensor {
    char *name;
    char dtype[8]; /* "F32", "F64", "I64", "I32", "U8", ... */
    int ndim;
    size_t shape[8];
    size_t size; /* bytes */
    const void *data;
};

enum { SAFETENSORS_FORMAT = 1 };

struct safetensors; /* a file that was read, or one to be written */

int safetensors_read(struct safetensors **out, const char *path, struct error *error);
void safetensors_free(struct safetensors *file);
size_t safetensors_count(const struct safetensors *file);
const struct tensor *safetensors_at(const struct safetensors *file, size_t k);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_metadata(const struct safetensors *file, const char *key); /* or NULL */
int safetensors_format(const struct safetensors *file); /* 0: of another program, or of a fettle before 1 */

struct safetensors *safetensors_new(void);
/* Copies the data. */
int safetensors_add(struct safetensors *file, const char *name, const char *dtype, int ndim, const size_t *shape,
                    const void *data, struct error *error);
int safetensors_set_metadata(struct safetensors *file, const char *key, const char *value, struct error *error);
/* Written aside, synced, renamed; a symbolic link of that name is replaced. */
int safetensors_write(const struct safetensors *file, const char *path, struct error *error);

#endif
