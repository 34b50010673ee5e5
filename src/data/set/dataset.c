#include "data/set/dataset.h"
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

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
        mapped_close(dataset->maps[k]);
    free(dataset->maps);
    free(dataset->frames);
    free(dataset->names);
    free(dataset);
}

/* What a frame takes, blocks of the allocator included. */
static size_t bytes_of(const struct frame *frame) {
    enum { BLOCK = 16 };
    size_t atoms = (size_t)frame->atoms, pairs = frame->npairs > 0 ? (size_t)frame->npairs : 0;
    size_t bytes = sizeof *frame + (size_t)frame->nfields * sizeof *frame->fields + 2 * BLOCK;
    if (frame->map)
        return bytes;
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        bytes += (size_t)field->cols * (field->per_atom ? atoms : 1) * sizeof(double) + BLOCK;
    }
    return bytes + atoms * (3 * sizeof(double) + 2 * sizeof(int) + sizeof *frame->symbols) + 4 * BLOCK +
           5 * pairs * sizeof(int);
}

/* The system gives memory away that it does not have, and ends the program when it is used. */
static int check_memory(struct dataset *dataset, struct error *error) {
    const size_t step = 256 << 20;
    if (dataset->bytes - dataset->looked < step)
        return 0;
    dataset->looked = dataset->bytes;
    size_t left = memory_available();
    if (left > 2 * step)
        return 0;
    return error_set(error, ERROR_MEMORY,
                     "the first %zu frames take %.1f GB, and less than %.1f GB of memory are left for more",
                     dataset->count, 1e-9 * (double)dataset->bytes, 2e-9 * (double)step);
}

int dataset_add(struct dataset *dataset, struct frame *frame, struct error *error) {
    int code = 0;
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
    dataset->bytes += bytes_of(frame);
    if ((code = check_memory(dataset, error))) {
        frame_free(frame);
        return code;
    }
    dataset->frames[dataset->count++] = frame;
    return 0;
}

int dataset_own_map(struct dataset *dataset, struct mapped *map, struct error *error) {
    struct mapped **maps = realloc(dataset->maps, (dataset->nmaps + 1) * sizeof(struct mapped *));
    if (!maps) {
        mapped_close(map);
        return error_memory(error);
    }
    dataset->maps = maps;
    maps[dataset->nmaps++] = map;
    return 0;
}

int dataset_check(const struct dataset *dataset, struct error *error) {
    const struct mapped *last = NULL;
    int code = 0;
    for (size_t k = 0; k < dataset->count && !code; k++)
        if (dataset->frames[k]->map && dataset->frames[k]->map != last)
            code = mapped_check(last = dataset->frames[k]->map, error);
    return code;
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

int dataset_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct error *error) {
    struct extxyz_reader *reader = NULL;
    size_t first = dataset->count;
    const char *name = dataset_intern(dataset, path), *seen = NULL, *unused = "";
    if (!name)
        return error_memory(error);
    int code = extxyz_open_file(&reader, name, path, 0, keys, error);
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
        code = error_at(error, ERROR_DATA, path, 0, 0, "%s", extxyz_nothing(reader));
    if (!code && extxyz_descends(reader))
        dataset_reverse(dataset, first);
    extxyz_close(reader);
    return code;
}

void dataset_reverse(struct dataset *dataset, size_t first) {
    for (size_t a = first, b = dataset->count; a + 1 < b; a++) {
        struct frame *frame = dataset->frames[a];
        dataset->frames[a] = dataset->frames[--b];
        dataset->frames[b] = frame;
    }
}

int dataset_subset(struct dataset **out, const struct dataset *dataset, const int64_t *indices, size_t count,
                   struct error *error) {
    *out = NULL;
    struct dataset *subset = dataset_new();
    if (!subset)
        return error_memory(error);
    subset->owns = 0;
    subset->frames = malloc((count ? count : 1) * sizeof *subset->frames);
    if (!subset->frames) {
        dataset_free(subset);
        return error_memory(error);
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
