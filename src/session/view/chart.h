/* A chart in characters. */
#ifndef FETTLE_SESSION_CHART_H
#define FETTLE_SESSION_CHART_H

#include <stdint.h>
#include "base/text.h"
#include "session/view.h"

struct chart_curve {
    size_t count;
    const int64_t *steps; /* [count] not falling */
    const double *values; /* [count] */
    char mark;            /* what stands for a point where points are few, and where there is no braille */
    char style;           /* STYLE_..., where the chart is styled */
};

struct chart {
    int ncurves;
    struct chart_curve curves[2 * CURVES_MOST]; /* later ones are drawn over earlier ones */
    int64_t first, last;                        /* the steps at the ends of the axis */
    int width, height;                          /* characters, the axes with them; at least 24 x 4 */
    int logarithmic;                            /* values of 0 and below are left out then */
    int braille;                                /* 2 x 4 dots a character, else one mark */
    int styled;                                 /* with STYLE_ bytes between the characters */
    const struct view_mark *marks;              /* [nmarks] steps not falling: letters on the last line */
    int nmarks;
    int64_t cursor; /* a step with a line through it; -1: none */
};

/* Adds `height` lines.  However many points share a column, the least and the largest of them are seen; a column with a
 * NaN or an infinity has a ! on its last line. */
void chart_draw(const struct chart *chart, struct text *out);

#endif
