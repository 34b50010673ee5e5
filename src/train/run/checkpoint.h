/* Checkpoints. */
#ifndef FETTLE_TRAIN_RUN_CHECKPOINT_H
#define FETTLE_TRAIN_RUN_CHECKPOINT_H

#include "base/error.h"
#include "model/file/safetensors.h"

struct trainer;

int checkpoint_write(struct trainer *trainer, const char *path, struct error *error);
/* Weights and averages alone: for looking, testing and --init, not for going on. */
int checkpoint_write_weights(struct trainer *trainer, const char *path, struct error *error);
int checkpoint_init(struct trainer *trainer, const char *path, struct error *error); /* its weights alone */
/* All of it.  On an error the trainer is to be freed. */
int checkpoint_resume(struct trainer *trainer, const struct safetensors *file, struct error *error);
/* The weights (and averages) of a checkpoint of this run, nothing else: for testing with the best. */
int checkpoint_weights(struct trainer *trainer, const char *path, struct error *error);

#endif
