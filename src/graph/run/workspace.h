/* Runs of plans.  A workspace holds what changes: buffers, what is bound, which rows each member owns.  It serves any
 * plan, one at a time, and grows with the largest. */
#ifndef FETTLE_GRAPH_RUN_WORKSPACE_H
#define FETTLE_GRAPH_RUN_WORKSPACE_H

#include "base/team.h"
#include "graph/run/binding.h"
#include "graph/run/plan.h"

struct workspace;

/* What timed runs of one plan took. */
struct timing {
    int runs;
    double *seconds, *flops; /* [instructions] of all runs; of the last one */
};

struct workspace *workspace_new(void); /* NULL if out of memory */
void workspace_free(struct workspace *workspace);
size_t workspace_bytes(const struct workspace *workspace); /* of buffers */

/* Gets ready to run a plan; what is bound (the arrays of pointers too) stays as it is until the run is over.  timing
 * may be NULL; with it all members meet after every instruction. */
int workspace_begin(struct workspace *workspace, const struct plan *plan, struct team *team,
                    const struct program_binding *binding, struct timing *timing, struct error *error);
/* Runs the stages from first to last. */
void workspace_run(struct workspace *workspace, int first, int last);

/* Since the plan was begun: the numbers of a value, as its blocks lie in memory. */
const void *workspace_value(const struct workspace *workspace, int value, long *rows);

#endif
