/* A program: the part of a graph that some outputs need, put in order, with its buffers planned.  Built once, run for
 * every batch.  Nothing is allocated while it runs, unless a batch is larger than any before. */
#ifndef FETTLE_GRAPH_RUN_PROGRAM_H
#define FETTLE_GRAPH_RUN_PROGRAM_H

#include "base/error.h"
#include "base/team.h"
#include "graph/graph.h"
#include "graph/run/binding.h"

struct program;

struct program_options {
    int inspect; /* no fusion, no reuse of buffers: every node's value can be read after a run */
    /* [noutputs] which stage of a run brings each output, from 0 without gaps: an instruction belongs to the earliest
     * stage that needs it.  NULL: all in one. */
    const int *stages;
};

/* outputs[k] becomes output k of the program.  The graph must live as long. */
int program_build(struct program **out, struct graph *graph, struct node *const *outputs, int noutputs,
                  const struct program_options *options, struct error *error);
void program_free(struct program *program);

/* The inputs that the program needs, by name, in the order of program_input_*. */
int program_inputs(const struct program *program);
const char *program_input_name(const struct program *program, int input);

/* A run whose buffers would take more bytes than this goes through atoms and pairs in chunks instead (sweeps.h), the
 * buffers of one chunk staying below it; what has to be kept of all atoms and pairs comes on top.  Results
 * differ by rounding.  Programs begin with PROGRAM_MEMORY; timed runs and inspection builds never go in chunks. */
enum { PROGRAM_MEMORY = 64 << 20 };
void program_set_memory(struct program *program, size_t bytes);

int program_run(struct program *program, struct team *team, const struct program_binding *binding, struct error *error);

/* The same in stretches, to the same bits: program_begin, then each stage in order.  What is bound (the arrays of
 * pointers too) stays as it is until the last one; an output may be read once its stage was run. */
int program_begin(struct program *program, struct team *team, const struct program_binding *binding,
                  struct error *error);
int program_run_stage(struct program *program, int stage, struct error *error);

/* After a run: output k, as blocks lie in memory (plain outputs: row-major), until the next run. */
const void *program_output(const struct program *program, int output, long *rows, int *cols);

#endif
