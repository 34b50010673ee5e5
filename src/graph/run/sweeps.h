/* A plan cut into sweeps, so that what belongs to one atom or pair only need not be in memory for all at once.
 *
 * A sweep belongs to one dimension ("domain"), pairs or atoms, and can be worked through in chunks of its rows: within
 * a sweep, a row of a result needs the same row only of what the sweep itself has made.  Whatever is summed over rows
 * (messages to atoms, gradients of weights, energies of frames) is complete when its sweep is over, and what is made of
 * it belongs to a later sweep.  The domain DIM_STATIC stands for what is done all at once.
 *
 * What passes from sweep to sweep is kept for all rows.  The rest is made again where it is needed: functions of one
 * narrow operand, and what depends on nothing but the inputs (distances, harmonics, radial networks), unless it is
 * narrow and wanted by many sweeps.  Sums whose terms come from different sweeps are taken apart. */
#ifndef FETTLE_GRAPH_SWEEPS_H
#define FETTLE_GRAPH_SWEEPS_H

#include "graph/run/plan.h"

/* A value that passes from the sweep that makes it to later ones, or out as a result. */
struct passed {
    struct node *node;
    struct node *leaf; /* stands for it in later sweeps */
    int made, last;    /* sweeps; last is the number of sweeps where it is a result */
};

struct sweep {
    enum dim domain;
    int nroots;
    int *roots; /* [nroots] passed values that it makes: output k of the plan */
    struct plan *plan;
};

struct sweeps {
    int count, npassed, nresults;
    struct sweep *sweeps;
    struct passed *passed;
    int *results; /* [nresults] passed values */
};

/* For the outputs of a plan, whose graph grows by what the sweeps need. */
int sweeps_make(struct sweeps **out, const struct plan *whole, struct error *error);
void sweeps_free(struct sweeps *sweeps);

#endif
