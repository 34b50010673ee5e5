/* A data set: frames in order, and the names of the files they came from. */
#ifndef FETTLE_DATA_SET_DATASET_H
#define FETTLE_DATA_SET_DATASET_H

#include <stdint.h>
#include "data/format/extxyz.h"
#include "data/frame/frame.h"
#include "data/frame/mapped.h"

struct dataset {
    size_t count;
    struct frame **frames;
    int owns; /* the frames go with it; a subset has borrowed them */
    size_t capacity;
    size_t nnames;
    char **names; /* what frames' source and unused point to */
    size_t nmaps;
    struct mapped **maps; /* files mapped into memory, in which arrays of frames lie */
    size_t bytes, looked; /* that the frames take, maps aside; when it was looked last whether there are more */
};

struct dataset *dataset_new(void); /* empty, owning; NULL if out of memory */
void dataset_free(struct dataset *dataset);
/* Takes the frame over (frees it on failure).  ERROR_MEMORY before the machine runs out of it. */
int dataset_add(struct dataset *dataset, struct frame *frame, struct error *error);
/* A string that lives as long as the data set; NULL if out of memory. */
const char *dataset_intern(struct dataset *dataset, const char *text);

/* Closes it when the data set goes (at once on failure). */
int dataset_own_map(struct dataset *dataset, struct mapped *map, struct error *error);

/* Whether the files in which frames lie are still what they were; see mapped_check.  For whoever reads many frames. */
int dataset_check(const struct dataset *dataset, struct error *error);

/* All frames of a file, or those that its name chooses, after those that are there already.  None is an error. */
int dataset_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct error *error);

/* Those from frame `first` on, from the last to the first. */
void dataset_reverse(struct dataset *dataset, size_t first);

/* Frames indices[0 ... count-1], borrowed: the original must live longer. */
int dataset_subset(struct dataset **out, const struct dataset *dataset, const int64_t *indices, size_t count,
                   struct error *error);

#endif
