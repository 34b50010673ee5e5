/* What the tests of the data layer share. */
#ifndef TESTS_DATA_SUPPORT_H
#define TESTS_DATA_SUPPORT_H

#include "base/random.h"
#include "data/set/dataset.h"

/* Path of a file beside the tests; the buffer is the caller's. */
const char *data_file(char out[512], const char *name);
/* All frames of a text in extxyz format; a failed assertion otherwise.  text must outlive the data set. */
struct dataset *frames_of(const char *text, const struct extxyz_keys *keys);
/* The error that reading the text gives; a failed assertion if there is none. */
struct error error_of(const char *text, const struct extxyz_keys *keys);
/* A frame of copper atoms at random places, in a sheared cell of about the given size. */
struct frame *random_frame(struct random_stream *stream, int atoms, double size, double shear, unsigned pbc);
double uniform(struct random_stream *stream, double low, double high);

#endif
