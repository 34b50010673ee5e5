/* The bytes of a data file, piece after piece, so that neither a large file nor one without an end is ever in memory as
 * a whole.  Files are read, not mapped: one that is cut meanwhile ends early, and that is an error. */
#ifndef FETTLE_DATA_FRAME_INPUT_H
#define FETTLE_DATA_FRAME_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct input;

/* A file, a pipe, a device; not a folder.  A pipe is waited for in input_more only.  hashed: input_hash is wanted. What
 * is compressed by gzip comes out as it was before. */
int input_open(struct input **out, const char *path, int hashed, struct error *error);
void input_close(struct input *input);

/* Reads on.  What stands from *at to *end is kept in front of what is read, wherever the two point to afterwards; *end
 * stays where nothing is left.  ERROR_DATA where the file was cut, or where more than INPUT_MOST bytes would have to be
 * kept, which no line of a data file has; ERROR_INTERRUPT. */
enum { INPUT_MOST = 64 << 20 };
int input_more(struct input *input, const char **at, const char **end, struct error *error);

/* Bytes that are still to come, or more; UINT64_MAX where nobody knows. */
uint64_t input_left(const struct input *input);

/* What has been read of the file so far: how much (compressed, where it is), and its hash, by which two readings of the
 * same bytes are known. */
uint64_t input_size(const struct input *input);
uint64_t input_hash(const struct input *input);

/* The same of a whole file. */
int input_sum(const char *path, uint64_t *size, uint64_t *hash, struct error *error);

#endif
