/* Inside of a model. */
#ifndef FETTLE_MODEL_MODEL_INTERNAL_H
#define FETTLE_MODEL_MODEL_INTERNAL_H

#include "base/arena.h"
#include "model/emit/module.h"
#include "model/model.h"

struct model {
    struct arena *arena;
    struct module *root;
    struct config *config; /* the arguments */
    enum dtype dtype;
    double r_max;
    int directed;
    int ntypes;
    const char *const *type_names;
    struct batch_options batch_options;
    int nentries;
    struct state_entry **entries; /* in the order of the state dict */
    void *slabs[DTYPE_COUNT];
    size_t size[DTYPE_COUNT], trainable[DTYPE_COUNT];
};

#endif
