/* Frames of a large file, kept ready in another one that is mapped into memory: arrays of frames lie in the map, so
 * that what is not used gives way to what is, and a data set may be larger than memory.
 *
 * The cache stands beside the file (FILE.fettle-cache), or, where that folder cannot be written, in the folder of
 * caches of the user; FETTLE_CACHE names another folder, or is "off".  It is made anew when the file, the way it is
 * read or the transforms have changed, or when it is damaged (data/cache_file.h).  Files of less than
 * FETTLE_CACHE_ABOVE MB (64) are read as they are. */
#ifndef FETTLE_DATA_SET_CACHE_H
#define FETTLE_DATA_SET_CACHE_H

#include "data/set/dataset.h"
#include "data/transform/transforms.h"

/* All frames of a file, transformed; as dataset_read and transforms_apply for each. */
int cache_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct transforms *transforms,
               struct error *error);

#endif
