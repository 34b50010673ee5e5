/* What a kernel is given.  Every kernel runs on one member of a team and writes only the rows (or columns) it owns, in
 * a fixed order: results depend on the number of members at most, never on chance. */
#ifndef FETTLE_GRAPH_OP_KERNEL_ARGS_H
#define FETTLE_GRAPH_OP_KERNEL_ARGS_H

#include "base/team.h"
#include "graph/graph_internal.h"

/* An operand in memory. */
struct operand {
    void *data;
    long rows;
    const struct layout *layout;
    enum dtype dtype;
};

/* Rows of a target by the rows of a source that point to it (the inverse of an index array). */
struct inverse {
    int *row;    /* [target rows + 1] */
    int *member; /* [source rows], ascending within a row */
};

struct kernel_args {
    const struct node *node;
    struct operand out;
    const struct operand *in;
    const struct topology *topology;
    const struct inverse *inverse; /* [INDEX_COUNT] those the plan needs */
    const int *split[DIM_COUNT];   /* [members + 1] which rows of a dimension a member owns */
    int member, members;
    struct team *team;
    void *scratch; /* this member's, op->scratch bytes */
};

typedef void kernel(const struct kernel_args *args);

/* Waits for the other members, in the middle of a kernel; all of them must call it. */
static inline void team_wait(const struct kernel_args *args) {
    if (args->members > 1)
        team_barrier(args->team, args->member);
}

static inline void rows_of(const struct kernel_args *args, enum dim dim, long rows, long *begin, long *end) {
    if (dim != DIM_STATIC) {
        *begin = args->split[dim][args->member];
        *end = args->split[dim][args->member + 1];
    } else {
        *begin = rows * args->member / args->members;
        *end = rows * (args->member + 1) / args->members;
    }
}

#endif
