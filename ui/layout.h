/* Where the parts of the screen stand, for any size of it. */
#ifndef FETTLE_UI_LAYOUT_H
#define FETTLE_UI_LAYOUT_H

#include "session/message.h"

struct rectangle {
    int top, left, height, width; /* height 0: there is no room for it */
};

/* What can have the focus, or the screen for itself: the log, the chart, or pane k as PLACE_PANE + k. */
enum { PLACE_LOG, PLACE_CHART, PLACE_PANE };

struct layout_wish {
    int npanes;
    int lines[PANES_MOST]; /* that a pane has to show */
    int zoomed;            /* the place that has the screen for itself; -1: none */
};

struct pane_layout {
    struct rectangle log, chart, status, prompt;
    struct rectangle panes[PANES_MOST]; /* with a line at their left, and a title */
};

/* Prompt and status always have their lines (where there are two); the log comes next, then the chart, then the panes
 * at its side, in one column or two, as many as there is room for. */
void layout_make(struct pane_layout *out, int height, int width, const struct layout_wish *wish);
struct rectangle *layout_place(struct pane_layout *layout, int place);

#endif
