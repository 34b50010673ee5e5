/* The focus: which place keys and the mouse scroll, zoom and search; and what the session asks of the screen. */
#include "screen_internal.h"

#include <stdio.h>
#include <string.h>

void screen_set_focus(int place, int zoomed) {
    ui.focus = place;
    ui.zoomed = zoomed;
    worker_set_focus(ui.worker, screen_place_name(place), zoomed);
    screen_lay_out();
}

static int find_place(const char *name) {
    for (int k = 0; k < PLACE_PANE + ui.view.npanes; k++)
        if (!strcmp(name, screen_place_name(k)))
            return k;
    return -1;
}

void screen_take_awaited(void) {
    int place = ui.awaited[0] ? find_place(ui.awaited) : -1;
    if (place < 0)
        return;
    ui.awaited[0] = 0;
    screen_set_focus(place, ui.awaited_zoomed);
}

/* The next place that is seen. */
void screen_move_focus(int by) {
    int count = PLACE_PANE + ui.view.npanes, place = ui.focus;
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
    const char *text = ui.view.panes[place - PLACE_PANE].text.data;
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

static void focus_on(const char *name, int zooms) {
    int place = ui.focus;
    if (!strcmp(name, "next") || !strcmp(name, "previous")) {
        screen_move_focus(!strcmp(name, "next") ? 1 : -1);
        place = ui.focus;
    } else if (name[0] && (place = find_place(name)) < 0) { /* the view of a session that is opened comes later */
        snprintf(ui.awaited, sizeof ui.awaited, "%s", name);
        ui.awaited_zoomed = zooms;
        return;
    }
    ui.awaited[0] = 0;
    screen_set_focus(place, zooms && !(ui.zoomed && place == ui.focus));
}

void screen_obey(char *request) {
    char *value = strchr(request, ' ');
    if (!value)
        return;
    *value++ = 0;
    if (!strcmp(request, "focus") || !strcmp(request, "zoom")) {
        focus_on(value, !strcmp(request, "zoom"));
    } else if (!strcmp(request, "find")) {
        screen_find(value);
    } else if (!strcmp(request, "save")) {
        screen_save(value);
    } else if (!strcmp(request, "mouse")) {
        ui.mouse = !strcmp(value, "on");
        input_ask(fileno(ui.terminal), ui.mouse);
    }
}
