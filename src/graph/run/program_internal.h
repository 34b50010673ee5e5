#ifndef FETTLE_GRAPH_RUN_PROGRAM_INTERNAL_H
#define FETTLE_GRAPH_RUN_PROGRAM_INTERNAL_H

#include "graph/run/chunked.h"
#include "graph/run/program_look.h"
#include "graph/run/workspace.h"

struct program {
    struct plan *plan;
    struct workspace *workspace;
    struct program_making making;
    struct timing timing;
    int timed;               /* runs are, for now */
    size_t memory;           /* bytes of buffers beyond which a run goes in chunks */
    struct chunked *chunked; /* made when first needed */
    int in_chunks;           /* the last run went so */
};

#endif
