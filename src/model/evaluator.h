/* A model with the program that evaluates it: under the C API, validation, looks and benchmarks alike. */
#ifndef FETTLE_MODEL_EVALUATOR_H
#define FETTLE_MODEL_EVALUATOR_H

#include <stddef.h>
#include "base/dtype.h"
#include "base/error.h"
#include "base/team.h"
#include "data/frame/batch.h"
#include "graph/run/program.h"
#include "model/model.h"

/* What a model may predict, float64 each: total_energy [frames,1] eV, atomic_energy [atoms,1] eV, forces [atoms,3]
 * eV/A, stress [frames,9] eV/A^3, virial [frames,9] eV. */
enum predicted {
    PREDICTED_ENERGY,
    PREDICTED_ATOMIC,
    PREDICTED_FORCES,
    PREDICTED_STRESS,
    PREDICTED_VIRIAL,
    PREDICTIONS
};
extern const char *const predicted_fields[PREDICTIONS];
void predicted_nodes(const struct model_outputs *outputs, struct node *nodes[PREDICTIONS]);

/* Fills inputs [program_inputs] from the batch; those that are none of its fields are asked of `other` (may be NULL).
 * ERROR_DATA where nobody has one. */
int evaluator_bind(const struct program *program, const struct batch *batch,
                   const void *(*other)(void *context, const char *name), void *context, const void **inputs,
                   struct error *error);

enum wanted { WANTED_NOT, WANTED_WHERE_THERE, WANTED };
struct evaluator_options {
    enum wanted wanted[PREDICTIONS];
    int derivatives;    /* forces, stress and virial are there to be had */
    size_t memory;      /* of buffers, in bytes; 0: PROGRAM_MEMORY */
    const char *needed; /* "which the metrics need": ends the message that one is missing */
};

struct evaluator;
/* ERROR_VALUE where the model does not predict what is WANTED. */
int evaluator_new(struct evaluator **out, const struct model *model, const struct evaluator_options *options,
                  struct error *error);
void evaluator_free(struct evaluator *evaluator); /* NULL: nothing */
struct program *evaluator_program(struct evaluator *evaluator);
int evaluator_has(const struct evaluator *evaluator, enum predicted what);

/* With these parameters, slabs as the model's.  outputs: where predictions go, [PREDICTIONS], NULL for those that stay
 * inside; NULL: all do.  May be interrupted. */
int evaluator_run(struct evaluator *evaluator, struct team *team, const struct batch *batch,
                  const void *const params[DTYPE_COUNT], void *const *outputs, struct error *error);
/* Of the last run, until the next; NULL where it is not predicted. */
const double *evaluator_output(const struct evaluator *evaluator, enum predicted what);

#endif
