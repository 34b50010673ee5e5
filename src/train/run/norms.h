/* Norms of parameters, gradients and updates. */
#ifndef FETTLE_TRAIN_RUN_NORMS_H
#define FETTLE_TRAIN_RUN_NORMS_H

struct trainer;

/* 1 and the value of norm.NAME, grad.NAME or update.NAME, where there is one */
int norms_value(const struct trainer *trainer, const char *name, double *value);

#endif
