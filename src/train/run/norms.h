/* Norms of parameters, gradients and updates. */
#ifndef FETTLE_TRAIN_RUN_NORMS_H
#define FETTLE_TRAIN_RUN_NORMS_H

#include "train/run/trainer.h"

/* Norms of parameters (not of buffers): of the values, of the gradient of the last batch and of the change that its
 * step brought. */
struct trainer_norms {
    size_t numbers, frozen; /* how many there are, and how many of them are frozen */
    unsigned dtypes;        /* 1 << dtype, of those there are */
    double norm, gradient, update;
};
enum norm_kind { NORM_WEIGHTS = 1, NORM_GRADIENT = 2, NORM_UPDATE = 4, NORM_ALL = 7 };
/* Of an entry of the state dict (model_parameter's k); of all under the path of a module, "" being the whole model. */
void trainer_parameter(const struct trainer *trainer, int k, struct trainer_norms *out);
void trainer_norms(const struct trainer *trainer, const char *path, unsigned which, struct trainer_norms *out);
double norms_ratio(const struct trainer_norms *norms); /* of the change to the values */
/* Names under which trainer_get has them: norm.NAME, grad.NAME and update.NAME (the ratio), NAME being the path of a
 * module, or an end of it that no other has.  Parameters are found by the same names, but not listed. */
void trainer_norm_names(const struct trainer *trainer, void (*call)(void *context, const char *name), void *context);

/* 1 and the value of norm.NAME, grad.NAME or update.NAME, where there is one */
int norms_value(const struct trainer *trainer, const char *name, double *value);

#endif
