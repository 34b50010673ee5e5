/* Where the time of a program goes: what was measured while timing was on, summed by module or by op. */
#ifndef FETTLE_GRAPH_RUN_PROFILE_H
#define FETTLE_GRAPH_RUN_PROFILE_H

#include "graph/run/program_look.h"

enum profile_key { PROFILE_MODULE, PROFILE_OP };

struct profile_row {
    const char *name; /* of the module or op; belongs to the program; "" for instructions of no module */
    int instructions;
    double seconds, flops; /* of a run */
};

struct profile {
    struct profile_row *rows; /* the longest first */
    size_t count;
    double seconds; /* of all */
};

int profile_make(struct profile *out, const struct program *program, enum profile_key key, struct error *error);
void profile_free(struct profile *profile);

/* The numbers of all instructions, the longest first; freed by free(); NULL if out of memory. */
int *profile_order(const struct program *program);

#endif
