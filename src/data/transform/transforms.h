/* Transforms: what is done to each frame after reading.  The registry is keyed by _target_ ("nequip.data.transforms.X",
 * or X alone). */
#ifndef FETTLE_DATA_TRANSFORMS_H
#define FETTLE_DATA_TRANSFORMS_H

#include "config/options.h"
#include "data/frame/frame.h"

struct transforms;

/* A kind of transform; options are read into a struct that prepare turns into what apply needs. */
struct transform_kind {
    struct option_target target;
    const char *help;
    const struct option *options;
    size_t noptions, options_size;
    /* Checks values beyond their types and completes the options; may be NULL. */
    int (*prepare)(void *options, const struct config_node *config, struct arena *arena, struct error *error);
    int (*apply)(const void *options, struct frame *frame, size_t limit_bytes, struct error *error);
};

extern const struct transform_kind *const transform_kinds[];
extern const size_t transform_kind_count;

/* config: the list that stands under `transforms` (NULL: none). */
int transforms_new(struct transforms **out, const struct config_node *config, struct error *error);
int transforms_check(const struct config_node *config, struct error *error); /* the same without a result */
void transforms_free(struct transforms *transforms);
int transforms_apply(struct transforms *transforms, struct frame *frame, struct error *error);
/* The frame's neighbour list no longer counts towards the limit. */
void transforms_forget(struct transforms *transforms, const struct frame *frame);
const char *transforms_text(const struct transforms *transforms); /* the config they were made from, as YAML */

/* Bytes that all neighbour lists together may take; by default half of the machine's memory. */
void transforms_set_limit(struct transforms *transforms, size_t bytes);
/* model_type_names of the mapper, NULL without one. */
const char *const *transforms_type_names(const struct transforms *transforms, int *count);
/* r_max of the neighbour list, 0 without one. */
double transforms_r_max(const struct transforms *transforms);
/* Index of the type that a species stands for, -1 if it is unknown. */
int transforms_type(const struct transforms *transforms, const char *species);

#endif
