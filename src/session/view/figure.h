/* Figures for papers and notes: SVG and PNG, drawn with cairo. */
#ifndef FETTLE_SESSION_FIGURE_H
#define FETTLE_SESSION_FIGURE_H

#include <stddef.h>
#include "base/error.h"

/* A set of points: joined by a line, or dots. */
struct figure_set {
    const char *label;
    size_t count;
    const double *x, *y;
};

struct figure {
    const char *title, *x_label, *y_label;
    int log_x, log_y; /* what is not above 0 is left out */
    int dots;         /* no lines */
    int square;       /* both axes have one range, and the diagonal is drawn: predicted against reference */
    size_t count;
    const struct figure_set *sets;
};

/* By the end of path: .svg, or PNG.  Written aside and renamed. */
int figure_write(const struct figure *figure, const char *path, struct error *error);

#endif
