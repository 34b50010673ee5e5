/* The focus: which place keys and the mouse scroll, zoom and search; and what the session asks of the screen. */
#include "screen_internal.h"

#include <stdio.h>
#include <string.h>

void screen_set_focus(int place, int zoomed) {
    ui.focus = place;
    ui.zoomed = zoomed;
    worker_post(ui.worker, (struct request){.kind = ASK_FOCUS, .text = strdup(screen_place_name(place)), .on = zoomed});
    screen_lay_out();
}

static int find_place(const char *name) {
    for (int k = 0; k < PLACE_PANE + ui.panes.count; k++)
        if (!strcmp(name, screen_place_name(k)))
            return k;
    return -1;
}

/* The next place that is seen. */
void screen_move_focus(int by) {
    int count = PLACE_PANE + ui.panes.count, place = ui.focus;
    do
        place = (place + by + count) % count;
    while (place != ui.focus && !layout_place(&ui.layout, place)->height);
    screen_set_focus(place, 0);
}

void screen_roll(int place, int up, size_t by) {
    size_t *at = &ui.scroll[place];
    if (place == PLACE_CHART)
        return;
    if (place == PLACE_LOG) /* counted from its end */
        *at = up ? (*at < 16 * ui.lines.count ? *at + by : *at) : *at > by ? *at - by : 0;
    else
        *at = up ? (*at > by ? *at - by : 0) : *at + by < ui.lines_of[place] ? *at + by : *at;
    ui.wants_drawing = 1;
}

int screen_page(int up) {
    int place = ui.in_panes ? ui.focus : PLACE_LOG, height = layout_place(&ui.layout, place)->height;
    screen_roll(place, up, (size_t)(height > 1 ? height / 2 : 1));
    return 0;
}

static size_t rows_of(const char *text) {
    size_t rows = 0;
    do {
        text += text_row(text, ui.layout.log.width);
        rows++;
    } while (*text);
    return rows;
}

/* Up from the one that stands last on the screen. */
static int find_in_log(void) {
    size_t at = ui.lines.count, below = 0; /* rows of the lines from `at` on */
    while (at > 0 && below < ui.scroll[PLACE_LOG])
        below += rows_of(lines_at(&ui.lines, --at));
    for (int last = 1; at > 0; last = 0) {
        const char *line = lines_at(&ui.lines, --at);
        if (!last && strcasestr(line, ui.find)) {
            ui.scroll[PLACE_LOG] = below;
            return 1;
        }
        below += rows_of(line);
    }
    return 0;
}

/* Down from the first one that is seen, and around. */
static int find_in_pane(int place) {
    const struct pane *pane = screen_pane(place - PLACE_PANE);
    const char *text = pane ? pane->text.data : NULL;
    size_t line = 0, first = (size_t)-1, next = (size_t)-1;
    for (; text && *text; line++) {
        char row[1024];
        size_t size = strcspn(text, "\n");
        snprintf(row, sizeof row, "%.*s", (int)size, text);
        if (strcasestr(row, ui.find)) {
            first = first == (size_t)-1 ? line : first;
            next = next == (size_t)-1 && line > ui.scroll[place] ? line : next;
        }
        text += size + (text[size] != 0);
    }
    if (first == (size_t)-1)
        return 0;
    ui.scroll[place] = next == (size_t)-1 ? first : next;
    return 1;
}

void screen_find(const char *text) {
    if (text[0])
        snprintf(ui.find, sizeof ui.find, "%s", text);
    if (!ui.find[0] || ui.focus == PLACE_CHART)
        return;
    if (!(ui.focus == PLACE_LOG ? find_in_log() : find_in_pane(ui.focus))) {
        char said[256];
        snprintf(said, sizeof said, "\"%s\" is not in %s\n", ui.find, screen_place_name(ui.focus));
        screen_say(said);
    }
    ui.wants_drawing = 1;
}

static void focus_on(const char *name, int zoomed) {
    int place = name[0] ? find_place(name) : ui.focus;
    if (place >= 0)
        screen_set_focus(place, zoomed);
}

void screen_obey(const struct event *event) {
    switch (event->kind) {
    case TOLD_PANES:
        ui.panes = *event->panes;
        screen_lay_out();
        break;
    case TOLD_FOCUS:
        focus_on(event->text, event->on);
        break;
    case TOLD_NEXT:
    case TOLD_PREVIOUS:
        screen_move_focus(event->kind == TOLD_NEXT ? 1 : -1);
        focus_on("", event->on);
        break;
    case TOLD_FIND:
        screen_find(event->text);
        break;
    case TOLD_SAVE:
        screen_save(event->text);
        break;
    case TOLD_MOUSE:
        ui.mouse = event->on;
        input_ask(fileno(ui.terminal), ui.mouse);
        break;
    case TOLD_TEXT:
    case TOLD_PROGRESS:
    case TOLD_VIEW:
    case TOLD_NAMES:
        break;
    }
}
