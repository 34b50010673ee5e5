/* Frames with what a model says of them, and how far that is from their labels. */
#ifndef FETTLE_EVALUATION_EVALUATION_H
#define FETTLE_EVALUATION_EVALUATION_H

#include <stdio.h>
#include "base/text.h"
#include "data/set/dataset.h"
#include "fettle/fettle.h"

struct evaluation {
    struct fettle_model *model;
    struct frame **frames; /* of a data set */
    size_t count, atoms;
    double *energy;        /* [count] */
    double *atomic_energy; /* [atoms] */
    double *forces;        /* [atoms][3] */
    double *stress;        /* [count][9] */
    double *seconds;       /* [count] that evaluating took, neighbour lists included */
};

/* Types and neighbours are set on the frames, which stay the data set's.  Only the public C API evaluates.  All of this
 * may be interrupted (base/interrupt.h). */
int evaluation_run(struct evaluation *out, struct fettle_model *model, const struct dataset *dataset,
                   struct error *error);
void evaluation_free(struct evaluation *evaluation);

/* Distances from the labels: the terms a loss would use (mean squares, with all frames as one batch; of what every
 * frame has), or what a person wants to know (mean absolute errors and root mean squares; of what there is).  A label
 * that is not a finite number is told of in the log. */
enum evaluation_kind { EVALUATION_LOSS, EVALUATION_ERRORS };
struct evaluation_terms {
    size_t count;
    struct {
        char name[64];
        double value;
    } term[16];
};
int evaluation_errors(const struct evaluation *evaluation, enum evaluation_kind kind, struct evaluation_terms *out,
                      struct error *error);
int evaluation_loss(const struct evaluation *evaluation, struct evaluation_terms *out, struct error *error);

/* The gradient of every loss term by every parameter, into a safetensors file. */
int evaluation_write_gradients(const struct evaluation *evaluation, const char *path, struct error *error);

/* Predictions as extxyz (the labels as label_energy, label_forces, ...), and as JSON.  What is written is no whole
 * where it is interrupted. */
int evaluation_write_xyz(const struct evaluation *evaluation, FILE *out, struct error *error);
int evaluation_write_json(const struct evaluation *evaluation, const struct evaluation_terms *terms, FILE *out,
                          struct error *error);

#endif
