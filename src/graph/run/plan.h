/* A plan: the part of a graph that some outputs need, simplified, put in order, its values laid out in memory that they
 * take in turn.  Once made it does not change: workspaces (workspace.h) hold what runs of it do. */
#ifndef FETTLE_GRAPH_RUN_PLAN_H
#define FETTLE_GRAPH_RUN_PLAN_H

#include "graph/graph_internal.h"
#include "graph/op/kernel_args.h"

struct kernel_set;

/* A node's result. */
struct value {
    const struct node *node;
    int holder;     /* the value whose numbers it shows; itself, unless it is a view */
    int input;      /* number of the input, or -1 */
    int storage;    /* of what is computed, else -1 */
    void *constant; /* its numbers, or NULL */
};

/* Memory that values take in turn. */
struct storage {
    enum dim dim;
    size_t row; /* bytes a row; all bytes if static */
};

struct instruction {
    const struct node *node;
    kernel *run;
    int value;
    int *inputs; /* values */
    int barrier; /* the members meet before it */
};

struct plan_output {
    int value, stage;
    int direct; /* its value may be written straight to where the caller wants it */
};

struct plan {
    struct graph *graph;
    const struct kernel_set *kernels;
    int inspect;
    struct node **roots; /* [noutputs] the outputs, as simplified */
    struct value *values;
    int nvalues;
    struct instruction *instructions; /* those of a stage behind those of the one before */
    int ninstructions, noperands;     /* operands of all */
    int *stage_end;                   /* [nstages] the instruction behind each stage's last */
    int nstages;
    struct storage *storages;
    int nstorages;
    const struct node **inputs; /* one of each name */
    int ninputs;
    struct plan_output *outputs;
    int noutputs;
    int inverse[INDEX_COUNT];    /* whether it is needed */
    int least_rows[INDEX_COUNT]; /* static rows of what is indexed, where larger than a batch shows */
};

struct plan_options {
    int inspect;                      /* as program_options */
    const int *stages;                /* as program_options */
    const struct kernel_set *kernels; /* that it runs */
};

/* The graph grows by what simplification needs, and must live as long. */
int plan_make(struct plan **out, struct graph *graph, struct node *const *outputs, int noutputs,
              const struct plan_options *options, struct error *error);
void plan_free(struct plan *plan);

const char *plan_input_name(const struct plan *plan, int input);
/* Bytes of all storages for a batch. */
size_t plan_bytes(const struct plan *plan, const struct topology *topology);
/* Bytes of one storage, in a buffer where they follow each other. */
size_t storage_bytes(const struct storage *storage, const struct topology *topology);

#endif
