/* A search along a line for a point that fulfils the strong Wolfe conditions, as torch.optim.LBFGS makes it. */
#ifndef FETTLE_TRAIN_LINE_SEARCH_H
#define FETTLE_TRAIN_LINE_SEARCH_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { LINE_SEARCH_ROOM = 3 }; /* vectors */

struct line_search_room {
    double *vector[LINE_SEARCH_ROOM];
};
void line_search_room(struct line_search_room *out, double *memory, size_t count);

struct line_search {
    /* Loss and gradient g at the length t. */
    int (*evaluate)(void *context, double t, double *loss, double *g, struct error *error);
    void *context;
    size_t count; /* of a vector */
    int64_t most; /* evaluations after the first */
    struct line_search_room *room;
    int64_t evaluations; /* made */
};

/* Along d, where the slope is `slope`: *t is the first length to try; *loss and g are those at 0.  All three become
 * those of the point found. */
int line_search(struct line_search *search, const double *d, double slope, double *t, double *loss, double *g,
                struct error *error);

#endif
