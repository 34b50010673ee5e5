/* Where the panes of the screen stand, for any size of it. */
#ifndef FETTLE_UI_LAYOUT_H
#define FETTLE_UI_LAYOUT_H

struct rectangle {
    int top, left, height, width; /* height 0: there is no room for it */
};

struct layout {
    struct rectangle chart, side, log, status, prompt;
};

/* Prompt and status always have their lines (where there are two); the log comes next, then the chart, then the panes
 * at its side. */
void layout_make(struct layout *out, int height, int width);

#endif
