/* A look inside a program, and at what its last run left. */
#ifndef FETTLE_GRAPH_RUN_PROGRAM_LOOK_H
#define FETTLE_GRAPH_RUN_PROGRAM_LOOK_H

#include "graph/run/program.h"

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
