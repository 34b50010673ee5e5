#include "layout.h"

#include <string.h>

enum {
    CHART_WIDTH = 40,
    CHART_HEIGHT = 6,
    SIDE_WIDTH = 30,
    SIDE_WIDEST = 56,
    LOG_HEIGHT = 5,
    PANE_HEIGHT = 8, /* a pane that needs more than this is shown where there are as many lines */
    TWO_COLUMNS = 150
};

struct rectangle *layout_place(struct pane_layout *layout, int place) {
    return place == PLACE_LOG     ? &layout->log
           : place == PLACE_CHART ? &layout->chart
                                  : &layout->panes[place - PLACE_PANE];
}

/* How many of the panes from first on a column of so many rows can show. */
static int count_fitting(const struct layout_wish *wish, int first, int rows) {
    int count = 0;
    for (int k = first; k < wish->npanes; k++, count++) {
        rows -= wish->lines[k] + 1 < PANE_HEIGHT ? wish->lines[k] + 1 : PANE_HEIGHT;
        if (rows < 0)
            break;
    }
    return count;
}

/* Rows go to those that need them, evenly; what nobody needs, to the last. */
static void stack(struct pane_layout *out, const struct layout_wish *wish, int first, int count,
                  struct rectangle column) {
    int given[PANES_MOST] = {0}, left = column.height, busy = 1;
    while (left > 0 && busy) {
        busy = 0;
        for (int k = 0; k < count && left > 0; k++)
            if (given[k] < wish->lines[first + k] + 1) {
                given[k]++;
                left--;
                busy = 1;
            }
    }
    for (int k = 0; k < count; k++) {
        int height = given[k] + (k == count - 1 ? left : 0);
        out->panes[first + k] = (struct rectangle){column.top, column.left, height, column.width};
        column.top += height;
    }
}

/* The columns of panes at the right of a screen; returns what is left of its width. */
static int put_panes(struct pane_layout *out, const struct layout_wish *wish, int rows, int width) {
    int columns = width >= TWO_COLUMNS ? 2 : 1, side = columns == 2 ? width * 27 / 100 : width * 2 / 5, first = 0;
    side = side > width - CHART_WIDTH ? width - CHART_WIDTH : side;
    side = side > SIDE_WIDEST ? SIDE_WIDEST : side < SIDE_WIDTH ? SIDE_WIDTH : side;
    for (int c = columns - 1; c >= 0 && first < wish->npanes; c--) {
        int count = count_fitting(wish, first, rows), all = wish->npanes - first;
        if (c > 0 && count > (all + 1) / 2)
            count = (all + 1) / 2;
        if (!count)
            break;
        stack(out, wish, first, count, (struct rectangle){0, width - (c + 1) * (side + 1), rows, side + 1});
        first += count;
    }
    if (columns == 2 && first && out->panes[first - 1].left < width - side - 1) { /* the second has stayed empty */
        for (int k = 0; k < first; k++)
            out->panes[k].left += side + 1;
        return width - side - 1;
    }
    return first ? width - columns * (side + 1) : width;
}

void layout_make(struct pane_layout *out, int height, int width, const struct layout_wish *wish) {
    memset(out, 0, sizeof *out);
    if (height < 1 || width < 1)
        return;
    out->prompt = (struct rectangle){height - 1, 0, 1, width};
    if (height < 2)
        return;
    out->status = (struct rectangle){height - 2, 0, 1, width};
    int rows = height - 2, main_width = width;
    if (rows < 1)
        return;
    if (wish->zoomed >= 0) {
        *layout_place(out, wish->zoomed) = (struct rectangle){0, 0, rows, width};
        return;
    }
    if (width >= CHART_WIDTH + SIDE_WIDTH && rows >= CHART_HEIGHT)
        main_width = put_panes(out, wish, rows, width);
    int chart = rows >= CHART_HEIGHT + LOG_HEIGHT && main_width >= CHART_WIDTH ? rows / 2 : 0;
    chart = chart && chart < CHART_HEIGHT ? CHART_HEIGHT : chart;
    if (chart)
        out->chart = (struct rectangle){0, 0, chart, main_width};
    out->log = (struct rectangle){chart, 0, rows - chart, main_width};
}
