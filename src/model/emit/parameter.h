/* What a model learns, and what it keeps. */
#ifndef FETTLE_MODEL_EMIT_PARAMETER_H
#define FETTLE_MODEL_EMIT_PARAMETER_H

#include <stddef.h>
#include "base/dtype.h"

/* A matrix within a parameter of one dimension, row by row. */
struct parameter_matrix {
    size_t offset;
    int rows, cols;
};

/* One entry of the state dict: a parameter (drawn, trained) or a buffer (stored alongside). */
struct parameter {
    char *name; /* NequIP's state_dict name within the GraphModel: "model.func.type_embed.embed_module.weight" */
    enum dtype dtype;
    int ndim;
    int shape[4];
    size_t numel;
    int is_buffer; /* not among parameters(): never trained */
    int frozen;    /* a parameter that is not updated now */
    size_t offset; /* of its first number in model_slab(model, dtype) */
    /* Of e3nn's Linear, one for each path, in order and without gaps; none for others. */
    const struct parameter_matrix *matrices;
    int nmatrices;
};

#endif
