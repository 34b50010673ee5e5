/* A file from its bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/foreign.h"
#include "model/file/safetensors_internal.h"

static int check_hash(const struct safetensors *file, struct error *error) {
    const char *format = safetensors_metadata(file, safetensors_format_key),
               *hash = safetensors_metadata(file, safetensors_hash_key);
    char contents[17], *end;
    if (!format && !hash)
        return 0;
    if (!format || !hash)
        return error_set(error, ERROR_DATA, "the file is damaged: its metadata have \"%s\", and no \"%s\"",
                         format ? safetensors_format_key : safetensors_hash_key,
                         format ? safetensors_hash_key : safetensors_format_key);
    long number = strtol(format, &end, 10);
    if (*end || number < 1)
        return error_set(error, ERROR_DATA, "the file is damaged: \"%.20s\" is no number of a format", format);
    if (number > SAFETENSORS_FORMAT)
        return error_set(error, ERROR_DATA, "the file has format %ld of a later fettle; this one reads up to format %d",
                         number, SAFETENSORS_FORMAT);
    safetensors_hash_contents(file, format, contents);
    return strcmp(hash, contents) == 0 ? 0
                                       : error_set(error, ERROR_DATA,
                                                   "the file is damaged: what it holds is not what was written (its "
                                                   "hash is %s, and %.20s was noted)",
                                                   contents, hash);
}

static int compare_names(const void *a, const void *b, void *context) {
    const struct tensor *tensors = context;
    return strcmp(tensors[*(const size_t *)a].name, tensors[*(const size_t *)b].name);
}

static int sort_names(struct safetensors *file, struct error *error) {
    file->order = malloc((file->count + 1) * sizeof *file->order);
    if (!file->order)
        return error_memory(error);
    for (size_t k = 0; k < file->count; k++)
        file->order[k] = k;
    qsort_r(file->order, file->count, sizeof *file->order, compare_names, file->tensors);
    for (size_t k = 1; k < file->count; k++)
        if (compare_names(&file->order[k - 1], &file->order[k], file->tensors) == 0)
            return error_set(error, ERROR_DATA, "the tensor %s stands twice", file->tensors[file->order[k]].name);
    return 0;
}

static int parse(struct safetensors *file, size_t size, struct error *error) {
    uint64_t header_size = 0;
    for (int k = 7; k >= 0 && size >= 8; k--)
        header_size = header_size << 8 | (unsigned char)file->bytes[k];
    if (size < 8)
        return error_set(error, ERROR_DATA, "the file is too short: %zu bytes are no safetensors file", size);
    if (header_size > size - 8)
        return error_set(error, ERROR_DATA,
                         "the file is cut short, or no safetensors file: a header of %llu bytes in a file of %zu",
                         (unsigned long long)header_size, size);
    int code = safetensors_parse_header(file, file->bytes + 8, (size_t)header_size, file->bytes + 8 + header_size,
                                        size - 8 - (size_t)header_size, error);
    return code ? code : sort_names(file, error);
}

int safetensors_from_bytes(struct safetensors **out, char *bytes, size_t size, int unchecked, struct error *error) {
    struct safetensors *file = safetensors_new();
    *out = NULL;
    if (!file) {
        free(bytes);
        return error_memory(error);
    }
    file->bytes = bytes;
    int code = parse(file, size, error);
    if (!code && !unchecked)
        code = check_hash(file, error);
    if (code)
        safetensors_free(file);
    else
        *out = file;
    return code;
}

int safetensors_read(struct safetensors **out, const char *path, struct error *error) {
    struct error own = {0};
    char *bytes;
    size_t size;
    if (!error)
        error = &own;
    *out = NULL;
    int code = file_read(path, &bytes, &size, error);
    if (code)
        return code;
    if ((code = foreign_refuse(FOREIGN_WEIGHTS, path, bytes, size, error))) {
        free(bytes);
        return code;
    }
    if ((code = safetensors_from_bytes(out, bytes, size, 0, error)))
        error_prefix(error, "%s: ", path);
    return code;
}
