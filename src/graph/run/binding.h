#ifndef FETTLE_GRAPH_RUN_BINDING_H
#define FETTLE_GRAPH_RUN_BINDING_H

#include "graph/graph.h"

/* What a run works on.  Arrays are row-major [rows][cols] of the dtype that graph_input said. */
struct program_binding {
    const struct topology *topology;
    const void *const *inputs;       /* [program_inputs] */
    const void *params[DTYPE_COUNT]; /* parameter slabs */
    void *const *outputs;            /* [noutputs] where output k goes; NULL (or an entry NULL): it stays inside */
    int may_stop; /* it is asked between chunks whether to stop (base/interrupt.h): then ERROR_INTERRUPT, and the
                     outputs hold anything */
};

#endif
