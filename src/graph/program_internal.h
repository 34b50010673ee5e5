#ifndef FETTLE_GRAPH_PROGRAM_INTERNAL_H
#define FETTLE_GRAPH_PROGRAM_INTERNAL_H

#include "graph/kernels.h"
#include "graph/graph_internal.h"
#include "graph/program.h"

/* A node's result as the program knows it. */
struct value {
    const struct node *node;
    int alias;    /* another value that holds the data, or -1 */
    int input;    /* number of the input, or -1 */
    int storage;  /* for computed values, else -1 */
    int last_use; /* instruction */
    int output;   /* shown as an output */
    void *constant;
    void *data; /* bound */
    long rows;
};

/* Memory that values take in turn. */
struct storage {
    enum dim dim;
    size_t row; /* bytes a row; all bytes if static */
    size_t offset;
    int busy, freed_at;
    /* since the last barrier, while barriers are placed: */
    int touched; /* read or written */
    int shared;  /* by members that did not keep to their own rows */
    int written;
    const struct layout *layout; /* of the value that was touched */
    enum dtype dtype;
};

struct instruction {
    const struct node *node;
    kernel *run;
    int value;
    int *inputs; /* values */
    struct operand *operands;
    struct kernel_args args; /* bound; member and scratch are filled in by each member */
    int barrier;             /* the members meet before it */
    double seconds, flops;   /* of all timed runs; of the last one */
};

struct program {
    int inspect, timing, timed_runs;
    const struct kernel_set *kernels;
    struct program_making making;
    struct value *values;
    int nvalues;
    struct instruction *instructions;
    int ninstructions;
    int *stage_end; /* [nstages] the instruction behind each stage's last */
    int nstages;
    struct storage *storages;
    int nstorages;
    const char **inputs;
    int ninputs;
    int *outputs; /* values */
    char *owner;  /* output k may have its value written to the caller's memory */
    int *output_stage;
    int noutputs;

    /* the run that program_begin began: */
    struct team *team;
    void *const *bound; /* outputs */
    int from, to;       /* instructions to run now */

    struct inverse inverse[INDEX_COUNT];
    int inverse_rows[INDEX_COUNT]; /* needed */
    int least_rows[INDEX_COUNT];   /* static rows of what is indexed, where larger than the batch shows */
    size_t inverse_capacity[INDEX_COUNT][2];
    int *split[DIM_COUNT];
    int members;

    void *buffer;
    size_t capacity;
    void *scratch;
    size_t scratch_capacity, scratch_size;

    /* for runs in chunks, whose sweeps are made when one is needed */
    struct graph *graph;
    struct node **roots; /* [noutputs] as simplified */
    size_t memory;       /* bytes of buffers beyond which a run goes in chunks */
    struct chunked *chunked;
    int in_chunks; /* the last run went so */
};

#endif
