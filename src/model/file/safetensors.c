#include "model/file/safetensors_internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/file/safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t safetensors_dtype_size(const char *dtype) {
    static const struct {
        const char *name;
        size_t size;
    } sizes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2},
                 {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"U16", 2},  {"U32", 4}, {"U64", 8}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        if (strcmp(sizes[k].name, dtype) == 0)
            return sizes[k].size;
    return 0;
}

static void *grow(void *array, size_t *capacity, size_t count, size_t size) {
    if (count < *capacity)
        return array;
    size_t larger = *capacity ? 2 * *capacity : 64;
    void *moved = realloc(array, larger * size);
    if (moved)
        *capacity = larger;
    return moved;
}

struct tensor *safetensors_new_tensor(struct safetensors *file) {
    struct tensor *moved = grow(file->tensors, &file->capacity, file->count, sizeof *moved);
    if (!moved)
        return NULL;
    file->tensors = moved;
    return memset(&file->tensors[file->count++], 0, sizeof *moved);
}

struct metadata *safetensors_new_metadata(struct safetensors *file) {
    struct metadata *moved = grow(file->metadata, &file->metadata_capacity, file->nmetadata, sizeof *moved);
    if (!moved)
        return NULL;
    file->metadata = moved;
    return memset(&file->metadata[file->nmetadata++], 0, sizeof *moved);
}

struct safetensors *safetensors_new(void) {
    struct safetensors *file = calloc(1, sizeof *file);
    if (file && !(file->arena = arena_new())) {
        free(file);
        return NULL;
    }
    return file;
}

void safetensors_free(struct safetensors *file) {
    if (!file)
        return;
    arena_free(file->arena);
    free(file->bytes);
    free(file->tensors);
    free(file->metadata);
    free(file->order);
    free(file);
}

/* ---------------------------------------------------------------- the hash */

const char safetensors_format_key[] = "fettle_format", safetensors_hash_key[] = "fettle_hash";

static int is_own_key(const char *key) {
    return strcmp(key, safetensors_format_key) == 0 || strcmp(key, safetensors_hash_key) == 0;
}

/* Summed, so that a program which writes a file again in an order of its own leaves it as it is. */
void safetensors_hash_contents(const struct safetensors *file, const char *format, char out[17]) {
    uint64_t sum = hash_bytes(0, format, strlen(format));
    for (size_t k = 0; k < file->nmetadata; k++) {
        const struct metadata *entry = &file->metadata[k];
        if (!is_own_key(entry->key))
            sum += hash_bytes(hash_bytes(1, entry->key, strlen(entry->key)), entry->value, strlen(entry->value));
    }
    for (size_t k = 0; k < file->count; k++) {
        const struct tensor *tensor = &file->tensors[k];
        uint64_t hash = hash_bytes(2, tensor->name, strlen(tensor->name));
        hash = hash_bytes(hash, tensor->dtype, strlen(tensor->dtype));
        hash = hash_bytes(hash, tensor->shape, (size_t)tensor->ndim * sizeof *tensor->shape);
        sum += hash_bytes(hash, tensor->data, tensor->size);
    }
    snprintf(out, 17, "%016llx", (unsigned long long)sum);
}

int safetensors_format(const struct safetensors *file) {
    const char *format = safetensors_metadata(file, safetensors_format_key);
    return format ? atoi(format) : 0;
}

/* ---------------------------------------------------------------- looking inside */

size_t safetensors_count(const struct safetensors *file) {
    return file->count;
}

const struct tensor *safetensors_at(const struct safetensors *file, size_t k) {
    return &file->tensors[k];
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name) {
    if (!file->order) { /* one that is being written */
        for (size_t k = 0; k < file->count; k++)
            if (strcmp(file->tensors[k].name, name) == 0)
                return &file->tensors[k];
        return NULL;
    }
    for (size_t low = 0, high = file->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct tensor *tensor = &file->tensors[file->order[middle]];
        int order = strcmp(name, tensor->name);
        if (order == 0)
            return tensor;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    for (size_t k = 0; k < file->nmetadata; k++)
        if (strcmp(file->metadata[k].key, key) == 0)
            return file->metadata[k].value;
    return NULL;
}

/* ---------------------------------------------------------------- writing */

int safetensors_add(struct safetensors *file, const char *name, const char *dtype, int ndim, const size_t *shape,
                    const void *data, struct error *error) {
    size_t size = safetensors_dtype_size(dtype);
    if (!size || ndim < 0 || ndim > 8)
        return error_set(error, ERROR_VALUE, "%s: no tensor of type \"%s\" with %d dimensions", name, dtype, ndim);
    for (int k = 0; k < ndim; k++)
        size *= shape[k];
    struct tensor *tensor = safetensors_new_tensor(file);
    char *copy = arena_string(file->arena, name);
    void *bytes = arena_alloc(file->arena, size + 1);
    if (!tensor || !copy || !bytes) {
        file->count -= tensor != NULL;
        return error_set(error, ERROR_MEMORY, "out of memory for %s", name);
    }
    if (size)
        memcpy(bytes, data, size);
    tensor->name = copy;
    snprintf(tensor->dtype, sizeof tensor->dtype, "%s", dtype);
    tensor->ndim = ndim;
    for (int k = 0; k < ndim; k++)
        tensor->shape[k] = shape[k];
    tensor->size = size;
    tensor->data = bytes;
    return 0;
}

int safetensors_set_metadata(struct safetensors *file, const char *key, const char *value, struct error *error) {
    char *copy = arena_string(file->arena, value);
    struct metadata *entry = NULL;
    for (size_t k = 0; k < file->nmetadata && !entry; k++)
        if (strcmp(file->metadata[k].key, key) == 0)
            entry = &file->metadata[k];
    if (copy && entry) {
        entry->value = copy;
        return 0;
    }
    char *name = arena_string(file->arena, key);
    if (!copy || !name || !(entry = safetensors_new_metadata(file)))
        return error_set(error, ERROR_MEMORY, "out of memory for the metadata %s", key);
    *entry = (struct metadata){name, copy};
    return 0;
}

static void add_json_string(struct text *out, const char *string) {
    text_add(out, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_format(out, "\\%c", *c);
        else if (*c < 0x20)
            text_format(out, "\\u%04x", *c);
        else
            text_add_bytes(out, c, 1);
    }
    text_add(out, "\"");
}

static void write_header(const struct safetensors *file, struct text *out) {
    char format[16], hash[17];
    snprintf(format, sizeof format, "%d", SAFETENSORS_FORMAT);
    safetensors_hash_contents(file, format, hash);
    text_add(out, "{\"__metadata__\":{");
    for (size_t k = 0; k < file->nmetadata; k++) {
        if (is_own_key(file->metadata[k].key))
            continue;
        add_json_string(out, file->metadata[k].key);
        text_add(out, ":");
        add_json_string(out, file->metadata[k].value);
        text_add(out, ",");
    }
    text_format(out, "\"%s\":\"%s\",\"%s\":\"%s\"%s", safetensors_format_key, format, safetensors_hash_key, hash,
                file->count ? "}," : "}");
    size_t offset = 0;
    for (size_t k = 0; k < file->count; k++) {
        const struct tensor *tensor = &file->tensors[k];
        text_add(out, k ? "," : "");
        add_json_string(out, tensor->name);
        text_format(out, ":{\"dtype\":\"%s\",\"shape\":[", tensor->dtype);
        for (int d = 0; d < tensor->ndim; d++)
            text_format(out, d ? ",%zu" : "%zu", tensor->shape[d]);
        text_format(out, "],\"data_offsets\":[%zu,%zu]}", offset, offset + tensor->size);
        offset += tensor->size;
    }
    text_add(out, "}");
    /* the data begins at a multiple of 8 bytes */
    while (out->size % 8 && !out->failed)
        text_add(out, " ");
}

int safetensors_write(const struct safetensors *file, const char *path, struct error *error) {
    struct text header = {0};
    struct file_writer *writer;
    write_header(file, &header);
    if (header.failed) {
        text_free(&header);
        return error_memory(error);
    }
    int code = file_writer_open_own(&writer, path, error);
    if (!code) {
        FILE *stream = file_writer_stream(writer);
        unsigned char size[8];
        for (int k = 0; k < 8; k++)
            size[k] = (unsigned char)((uint64_t)header.size >> 8 * k);
        /* a failed write is the stream's to remember, and the commit's to report */
        fwrite(size, 1, 8, stream);
        fwrite(header.data, 1, header.size, stream);
        for (size_t k = 0; k < file->count; k++)
            if (file->tensors[k].size)
                fwrite(file->tensors[k].data, 1, file->tensors[k].size, stream);
        code = file_writer_commit(writer, error);
    }
    text_free(&header);
    return code;
}
