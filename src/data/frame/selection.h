/* Which frames of a file are read: "train.xyz@10:20", by ASE's rule and with Python's slices. */
#ifndef FETTLE_DATA_FRAME_SELECTION_H
#define FETTLE_DATA_FRAME_SELECTION_H

#include <stdint.h>
#include "base/error.h"

struct selection {
    char *path;        /* without what follows the @ */
    const char *index; /* what follows it, in the name that was parsed; NULL: all frames */
    int has_start, has_stop;
    int64_t start, stop, step;
};

/* The last @ of the last part of a name divides it, unless whole is set or what follows is no index and there is a file
 * of the whole name.  ERROR_VALUE for what is neither.  `name` must live as long. */
int selection_parse(struct selection *out, const char *name, int whole, struct error *error);
void selection_free(struct selection *selection);

/* Whether the number of frames must be known before the first is chosen. */
int selection_needs_count(const struct selection *selection);

/* The frames as first, first + step, ... (count of them), step above 0; *descends: they are meant in the order from the
 * last to the first.  frames: how many there are, INT64_MAX where nobody has to know. */
void selection_resolve(const struct selection *selection, int64_t frames, int64_t *first, int64_t *step, int64_t *count,
                       int *descends);

#endif
