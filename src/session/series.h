/* Values over the steps of a run: what charts show.  Every batch's loss terms, and whatever is logged. */
#ifndef FETTLE_SESSION_SERIES_H
#define FETTLE_SESSION_SERIES_H

#include <stddef.h>
#include <stdint.h>

enum { SERIES_MOST = 1 << 19 }; /* points; beyond that the older half is thinned out, but for its extremes */

struct series {
    char *name;
    size_t count, capacity;
    int64_t *steps; /* not falling */
    double *values;
};

struct series_store {
    size_t count, capacity;
    struct series **list;
};

/* 0, or -1 if out of memory: the point is then not kept. */
int series_add(struct series_store *store, const char *name, int64_t step, double value);
const struct series *series_find(const struct series_store *store, const char *name); /* or NULL */
/* Forgets all points beyond a step: the run has gone back to it. */
void series_cut(struct series_store *store, int64_t step);
void series_free(struct series_store *store);

/* The series with each value replaced by the mean of those before it, with weights that fall by `keep` a point and are
 * made to add up to 1; NaN is passed over.  out: [count]. */
void series_smooth(const struct series *series, double keep, double *out);

#endif
