/* Inside src/data: the registered transforms, and what they share. */
#ifndef FETTLE_DATA_TRANSFORM_PARTS_H
#define FETTLE_DATA_TRANSFORM_PARTS_H

#include "data/transform/transforms.h"

extern const struct transform_kind transform_type_mapper, transform_neighbour_list, transform_sorted_neighbour_list,
    transform_prune, transform_virial_to_stress, transform_stress_sign_flip, transform_add_nan_stress,
    transform_non_periodic_cell, transform_dataset_index;

struct transform_mapper {
    struct option_strings names, symbols;
    const struct config_node *map;
    int *type_of;      /* [119] type of each atomic number, -1: unknown */
    const char *known; /* "C, H, O" */
};

struct transform_cutoffs {
    double r_max;
    const struct config_node *table;
    struct option_strings names;
    const char *backend;
    double *cutoffs; /* [types][types] row: type of the centre; NULL: r_max throughout */
    int symmetric;
};

/* The fields a frame has, and the keys of its file that are none, for messages; returns out. */
const char *transform_available(const struct frame *frame, char *out, size_t size);

#endif
