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

/* ---------------------------------------------------------------- looking inside */

struct instruction_info {
    const char *op;
    const char *module;
    char shape[64];
    double seconds; /* of a run: the mean of those that were timed; 0 without any */
    double flops;   /* of the last timed run; 0 where nobody counts them */
};
int program_instructions(const struct program *program);
void program_instruction(const struct program *program, int instruction, struct instruction_info *info);
/* On: begins anew.  All members then meet after every instruction.  What was measured stays when timing ends. */
void program_set_timing(struct program *program, int on);
/* The first instruction of the last run whose result holds a NaN or an Inf; -1 if none. Inspection builds only. */
int program_first_nonfinite(const struct program *program, long *row, int *col);
size_t program_memory(const struct program *program); /* bytes of buffers */

/* What became of the nodes of the graph. */
struct program_making {
    int asked;                                  /* nodes that modules, metrics and derivatives asked for */
    int repeated;                               /* of these: equal to one made before, so that it serves again */
    int dead;                                   /* of the others: nobody reads them */
    int needed;                                 /* the rest, before the simplifier */
    int kept;                                   /* after it */
    int instructions, inputs, constants, views; /* what these are: views show the memory of another */
};
void program_making(const struct program *program, struct program_making *out);

/* The results of a module in the last run of an inspection build: what stands under its path, was not made by
 * differentiation, and is read by something outside of it.  In the order of the program; data of count numbers. */
void program_results(const struct program *program, const char *path,
                     void (*call)(void *context, const struct instruction_info *info, enum dtype dtype,
                                  const void *data, size_t count),
                     void *context);

#endif
