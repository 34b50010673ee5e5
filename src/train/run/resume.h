/* What a run goes on from. */
#ifndef FETTLE_TRAIN_RUN_RESUME_H
#define FETTLE_TRAIN_RUN_RESUME_H

#include "base/error.h"

struct trainer;

struct safetensors;

/* What the run goes on from. */
struct run_origin {
    const char *path;         /* the checkpoint; NULL: none */
    struct safetensors *file; /* its contents, while the run is opened */
    char fingerprint[17];     /* of the training data */
};

const char *resume_path(const struct trainer *trainer);        /* of the checkpoint; NULL: none */
int resume_find(struct trainer *trainer, struct error *error); /* which checkpoint, if any */
int resume_read(struct trainer *trainer, struct error *error);
int resume_open(struct trainer *trainer, struct error *error);        /* brings the config up to it */
int resume_check(struct trainer *trainer, struct error *error);       /* config and data are those of the checkpoint */
void resume_fingerprint(const struct trainer *trainer, char out[17]); /* of the training data */

#endif
