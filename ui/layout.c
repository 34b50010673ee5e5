#include "layout.h"

#include <string.h>

enum { CHART_WIDTH = 40, CHART_HEIGHT = 6, SIDE_WIDTH = 30, LOG_HEIGHT = 5 };

void layout_make(struct layout *out, int height, int width) {
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
    if (width >= CHART_WIDTH + SIDE_WIDTH && rows >= CHART_HEIGHT) {
        int side = width / 3 > 56 ? 56 : width / 3 < SIDE_WIDTH ? SIDE_WIDTH : width / 3;
        out->side = (struct rectangle){0, width - side - 1, rows, side + 1};
        main_width = width - side - 1;
    }
    int chart = rows >= CHART_HEIGHT + LOG_HEIGHT && main_width >= CHART_WIDTH ? rows / 2 : 0;
    chart = chart && chart < CHART_HEIGHT ? CHART_HEIGHT : chart;
    if (chart)
        out->chart = (struct rectangle){0, 0, chart, main_width};
    out->log = (struct rectangle){chart, 0, rows - chart, main_width};
}
