/* For tests: a model, frames, and what the model says of them. */
#ifndef TESTS_MODEL_HARNESS_H
#define TESTS_MODEL_HARNESS_H

#include "data/frame/batch.h"
#include "graph/run/program.h"
#include "model/model.h"

/* All of these end the test where something fails. */
struct config *read_config(const char *path);
struct config *parse_config(const char *yaml);
struct model *build_model(const struct config *config);
struct model *build_from(const char *yaml);
/* The whole file, freed by free(). */
char *read_text(const char *path);

struct frames {
    int count;
    struct frame **frames;
};
struct frames read_frames(const char *path);
void free_frames(struct frames *frames);
/* Types and neighbours for the model. */
void prepare_frame(struct frame *frame, const struct model *model);

/* A model with its program. */
struct machine {
    struct model *model;
    struct graph *graph;
    struct program *program;
    struct team *team;
    struct batch *batch;
};
struct machine *machine_new(struct model *model); /* takes the model */
void machine_free(struct machine *machine);

struct result {
    int atoms, frames;
    double *total_energy;  /* [frames] */
    double *atomic_energy; /* [atoms] */
    double *forces;        /* [atoms][3] */
    double *stress;        /* [frames][9] */
    double *virial;        /* [frames][9] */
};
/* Prepares the frames, joins and evaluates them. */
struct result evaluate(struct machine *machine, struct frame *const *frames, int nframes);
void free_result(struct result *result);

/* Runs a program on a batch: finds its inputs there. extra is looked at first (names, arrays), NULL-terminated. */
struct extra {
    const char *name;
    const double *values;
};
void run_program(struct program *program, struct team *team, const struct model *model, const struct batch *batch,
                 const struct extra *extra, void *const *outputs);

/* Largest |got - want| over the largest |want|, at least 1e-3. */
double deviation(const double *got, const double *want, size_t count);
/* A list of lists of numbers, flattened; returns how many, at most max. */
size_t flatten(const struct config_node *node, double *out, size_t max);

#endif
