/* Looks: frames by themselves, labels against predictions, names of what is logged. */
#ifndef FETTLE_TRAIN_RUN_LOOK_H
#define FETTLE_TRAIN_RUN_LOOK_H

#include "train/run/trainer.h"

/* Names of all that is, or will be, logged: terms of the loss, metrics of training, validation and test, and whatever
 * else was. */
void trainer_columns(const struct trainer *trainer, void (*add)(void *context, const char *name), void *context);

/* A frame by itself, with the weights that evaluation sees. */
struct trainer_frame {
    const struct frame *frame;
    int64_t index;       /* in its set */
    double loss;         /* the weighted sum of the terms of the loss */
    double terms[32];    /* their weighted shares of it */
    double energy_error; /* predicted minus label, eV/atom; NaN without a label */
    double forces_rmse;  /* eV/A */
    int worst_atom;      /* the one whose force is furthest off, -1 without labels */
    double worst_error;  /* by how much, eV/A */
};
/* All frames of a set, in order; freed by free(). */
int trainer_frames(struct trainer *trainer, enum data_role role, size_t set, struct trainer_frame **out, size_t *count,
                   struct error *error);
/* Labels of a set and what the model says, with the weights that evaluation sees: components of forces (eV/A) with the
 * type of their atom, or energies (eV/atom, type -1).  Frames without the label are passed over. */
int trainer_parity(struct trainer *trainer, enum data_role role, size_t set, int forces,
                   void (*add)(void *context, int type, double reference, double predicted), void *context,
                   struct error *error);
size_t trainer_terms(const struct trainer *trainer); /* of the loss */
const char *trainer_term_name(const struct trainer *trainer, size_t k);
/* The numbers of an entry, or of its gradient; freed by free().  Returns how many, 0 if out of memory. */
size_t trainer_values(const struct trainer *trainer, int k, int gradient, double **out);

#endif
