/* What a build hands down to every builder and module: where things are made, what is drawn, in which dtype. There is
 * no global state behind it: two builds at the same time do not know of each other. */
#ifndef FETTLE_MODEL_EMIT_BUILD_H
#define FETTLE_MODEL_EMIT_BUILD_H

#include "base/arena.h"
#include "base/random.h"
#include "config/node.h"
#include "config/options.h"
#include "model/emit/module.h"

struct coupling_plan;
struct safetensors;

/* What every builder takes and the registration consumes. */
struct builder_defaults {
    int set;
    int64_t seed;
    enum dtype dtype;
    struct option_strings type_names;
};

struct build {
    struct arena *arena;   /* as long as the model */
    struct arena *scratch; /* until the model is put together */
    struct error *error;
    int building;                  /* inside a builder: nested builders run raw */
    struct builder_defaults outer; /* of the builder that runs, for fresh nested builds */
    enum dtype dtype;              /* the default dtype, for as long as a builder runs */
    struct random_stream *random;  /* where weights are drawn from */
    int ntypes;
    const char *const *type_names;
    struct coupling_plan *couplings; /* of the model that is being built */
    /* What the finished model has to tell of itself. */
    double r_max;
    int directed;
    int ncategories;
    const char *category_fields[8];
    int category_min[8], category_max[8];
    struct builder_defaults finished;
    /* Where the model comes from a checkpoint: the file and its config, both owned by whoever owns the build. */
    struct safetensors *checkpoint;
    struct config *config;
};

/* Fills a new parameter from the stream: uniform in [low, high), or normal(0, 1). */
void build_uniform(struct build *build, struct state_entry *entry, double low, double high);
void build_normal(struct build *build, struct state_entry *entry);

/* A number for all types (count 1) or one for each, from a number or a map; absent: count 0. name is the argument's,
 * for messages. Returns 0 or an error code. */
struct per_type {
    int count;
    double *values;
};
int build_per_type(struct build *build, const struct config_node *node, const char *name, struct per_type *out);
/* The table of cutoffs by type of centre (row) and neighbour, what is not given being r_max; *symmetric tells whether
 * it equals its transpose. Every cutoff must lie in (0, r_max]. */
int build_cutoffs(struct build *build, const struct config_node *node, double r_max, double *out, int *symmetric);
/* Whether some value in it waits for the statistics of the training data. */
int build_deferred(const struct config_node *node);
/* Index of a type name, or -1. */
int build_type(const struct build *build, const char *name);

#endif
