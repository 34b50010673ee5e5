/* Parameters and gradients. */
#ifndef FETTLE_TRAIN_RUN_RUN_WEIGHTS_H
#define FETTLE_TRAIN_RUN_RUN_WEIGHTS_H

#include "base/dtype.h"
#include "train/core/state.h"
#include "train/run/programs.h"

/* Parameters and buffers of the model, and gradients of the batch under way, as slabs. */
struct run_weights {
    void *slab[DTYPE_COUNT]; /* accepted parameters and buffers; variables "model.f32", "model.f64" */
    struct variable *parameters[DTYPE_COUNT];
    void *grads[DTYPE_COUNT];                 /* the gradient that the optimizer gets */
    void *term_grads[MAX_TERMS][DTYPE_COUNT]; /* where terms are kept apart */
    struct variable *window[DTYPE_COUNT];     /* sums over the batches of a window; NULL if each batch steps */
    struct variable *frozen;                  /* [entries of the state dict] */
    double grad_norm, grad_scale, grad_limit;
};

#endif
