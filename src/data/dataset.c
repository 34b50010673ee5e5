#include "data/dataset.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/file.h"

struct dataset *dataset_new(void) {
    struct dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset)
        dataset->owns = 1;
    return dataset;
}

void dataset_free(struct dataset *dataset) {
    if (!dataset)
        return;
    for (size_t k = 0; k < dataset->count && dataset->owns; k++)
        frame_free(dataset->frames[k]);
    for (size_t k = 0; k < dataset->nnames; k++)
        free(dataset->names[k]);
    for (size_t k = 0; k < dataset->nmaps; k++)
        munmap(dataset->maps[k].data, dataset->maps[k].size);
    free(dataset->maps);
    free(dataset->frames);
    free(dataset->names);
    free(dataset);
}

int dataset_add(struct dataset *dataset, struct frame *frame, struct error *error) {
    if (dataset->count == dataset->capacity) {
        size_t capacity = dataset->capacity ? 2 * dataset->capacity : 64;
        struct frame **frames = realloc(dataset->frames, capacity * sizeof *frames);
        if (!frames) {
            frame_free(frame);
            return error_set(error, ERROR_MEMORY, "out of memory for %zu frames", capacity);
        }
        dataset->frames = frames;
        dataset->capacity = capacity;
    }
    dataset->frames[dataset->count++] = frame;
    return 0;
}

int dataset_own_map(struct dataset *dataset, void *data, size_t size, struct error *error) {
    struct dataset_map *maps = realloc(dataset->maps, (dataset->nmaps + 1) * sizeof *maps);
    if (!maps) {
        munmap(data, size);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    dataset->maps = maps;
    maps[dataset->nmaps++] = (struct dataset_map){data, size};
    return 0;
}

const char *dataset_intern(struct dataset *dataset, const char *text) {
    for (size_t k = dataset->nnames; k-- > 0;)
        if (strcmp(dataset->names[k], text) == 0)
            return dataset->names[k];
    char **names = realloc(dataset->names, (dataset->nnames + 1) * sizeof *names);
    if (!names)
        return NULL;
    dataset->names = names;
    names[dataset->nnames] = strdup(text);
    return names[dataset->nnames] ? names[dataset->nnames++] : NULL;
}

/* Frames may come through a pipe, but not without end. */
enum { PIPE_MOST = 1 << 30 };

int dataset_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct error *error) {
    struct extxyz_reader *reader = NULL;
    char *text = NULL;
    size_t size = 0, first = dataset->count;
    const char *name = dataset_intern(dataset, path), *seen = NULL, *unused = "";
    if (!name)
        return error_set(error, ERROR_MEMORY, "out of memory");
    int code = file_read_stream(path, PIPE_MOST, &text, &size, error);
    if (!code)
        code = extxyz_open(&reader, name, text, size, keys, error);
    while (!code) {
        struct frame *frame;
        code = extxyz_next(reader, &frame, error);
        if (code || !frame)
            break;
        if (frame->unused != seen) { /* the reader's own copy goes with it */
            seen = frame->unused;
            unused = seen[0] ? dataset_intern(dataset, seen) : "";
        }
        frame->unused = unused ? unused : "";
        code = dataset_add(dataset, frame, error);
    }
    if (!code && dataset->count == first)
        code = error_at(error, ERROR_DATA, path, 0, 0, size ? "the file has no frames" : "the file is empty");
    extxyz_close(reader);
    free(text);
    return code;
}

int dataset_subset(struct dataset **out, const struct dataset *dataset, const int64_t *indices, size_t count,
                   struct error *error) {
    *out = NULL;
    struct dataset *subset = dataset_new();
    if (!subset)
        return error_set(error, ERROR_MEMORY, "out of memory");
    subset->owns = 0;
    subset->frames = malloc((count ? count : 1) * sizeof *subset->frames);
    if (!subset->frames) {
        dataset_free(subset);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    subset->capacity = count ? count : 1;
    for (size_t k = 0; k < count; k++) {
        if (indices[k] < 0 || (size_t)indices[k] >= dataset->count) {
            dataset_free(subset);
            return error_set(error, ERROR_VALUE, "there is no frame %lld in a data set of %zu", (long long)indices[k],
                             dataset->count);
        }
        subset->frames[subset->count++] = dataset->frames[indices[k]];
    }
    *out = subset;
    return 0;
}
