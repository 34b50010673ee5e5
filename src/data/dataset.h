/* A data set: frames in order, and the names of the files they came from. */
#ifndef FETTLE_DATA_DATASET_H
#define FETTLE_DATA_DATASET_H

#include <stdint.h>
#include "data/extxyz.h"
#include "data/frame.h"

struct dataset {
    size_t count;
    struct frame **frames;
    int owns; /* the frames go with it; a subset has borrowed them */
    size_t capacity;
    size_t nnames;
    char **names; /* what frames' source and unused point to */
    size_t nmaps;
    struct dataset_map *maps; /* files mapped into memory, in which arrays of frames lie */
};

struct dataset_map {
    void *data;
    size_t size;
};

struct dataset *dataset_new(void); /* empty, owning; NULL if out of memory */
void dataset_free(struct dataset *dataset);
/* Takes the frame over (frees it on failure). */
int dataset_add(struct dataset *dataset, struct frame *frame, struct error *error);
/* A string that lives as long as the data set; NULL if out of memory. */
const char *dataset_intern(struct dataset *dataset, const char *text);

/* Unmaps it when the data set goes (at once on failure). */
int dataset_own_map(struct dataset *dataset, void *data, size_t size, struct error *error);

/* All frames of a file, after those that are there already.  A file without frames is an error. */
int dataset_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct error *error);

/* Frames indices[0 ... count-1], borrowed: the original must live longer. */
int dataset_subset(struct dataset **out, const struct dataset *dataset, const int64_t *indices, size_t count,
                   struct error *error);

#endif
