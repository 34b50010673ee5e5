/* What the screen shows, and where. */
#include "screen_internal.h"

#include <stdlib.h>
#include <string.h>
#include <readline/readline.h>
#include "base/file.h"
#include "draw.h"

const char *screen_place_name(int place) {
    return place == PLACE_LOG ? "log" : place == PLACE_CHART ? "chart" : ui.panes.names[place - PLACE_PANE];
}

const struct pane *screen_pane(int k) {
    const struct pane *pane = &ui.view.panes[k];
    return k < ui.view.npanes && !strcmp(pane->name, ui.panes.names[k]) ? pane : NULL;
}

void screen_draw_prompt(void) {
    const struct rectangle *where = &ui.layout.prompt;
    char line[4096], before[4096];
    int cursor, begin = 0;
    if (!where->height)
        return;
    if (ui.in_panes) {
        snprintf(line, sizeof line, "keys: ? shows them, i goes back to the prompt  [%s%s]",
                 screen_place_name(ui.focus), ui.zoomed ? ", zoomed" : "");
        draw_row(where->top, where->left, line, where->width - 1, A_BOLD);
        move(where->top, 0);
        return;
    }
    const char *shown = rl_display_prompt ? rl_display_prompt : SCREEN_PROMPT;
    snprintf(line, sizeof line, "%s%s", shown, rl_line_buffer ? rl_line_buffer : "");
    snprintf(before, sizeof before, "%s%.*s", shown, rl_point, rl_line_buffer ? rl_line_buffer : "");
    text_fit(before, 1 << 20, &cursor);
    if (cursor >= where->width) { /* the cursor stays in sight */
        int skipped;
        begin = (int)text_fit(line, cursor - where->width + 1, &skipped);
        cursor -= skipped;
    }
    draw_row(where->top, where->left, line + begin, where->width - 1, A_NORMAL);
    move(where->top, cursor < where->width ? cursor : where->width - 1);
}

static void draw_places(void) {
    struct pane_layout *l = &ui.layout;
    if (l->chart.height)
        draw_text(&l->chart, ui.view.chart.data
                                 ? ui.view.chart.data
                                 : "no batch has been trained yet: `step`, `next`, `continue`; `help` lists "
                                   "the commands");
    for (int k = 0; k < ui.panes.count; k++) {
        const struct pane *pane = screen_pane(k);
        int place = PLACE_PANE + k, focused = ui.focus == place;
        if (!l->panes[k].height)
            continue;
        if (ui.scroll[place] && ui.scroll[place] >= ui.lines_of[place])
            ui.scroll[place] = ui.lines_of[place] ? ui.lines_of[place] - 1 : 0;
        ui.lines_of[place] = draw_pane(&l->panes[k], &(struct draw_pane){.title = ui.panes.names[k],
                                                                         .text = pane ? pane->text.data : NULL,
                                                                         .values = pane && pane->kind == PANE_VALUES,
                                                                         .focused = ui.in_panes && focused,
                                                                         .find = focused ? ui.find : NULL,
                                                                         .scroll = ui.scroll[place]});
    }
    if (l->log.height)
        draw_log(&l->log, &ui.lines, ui.scroll[PLACE_LOG], ui.focus == PLACE_LOG ? ui.find : NULL);
}

void screen_draw(void) {
    const struct pane_layout *l = &ui.layout;
    char status[768];
    draw_places();
    if (l->status.height) {
        snprintf(status, sizeof status, " %s%s%s%s  %s%s", ui.view.state, ui.view.why[0] ? " (" : "", ui.view.why,
                 ui.view.why[0] ? ")" : "", ui.view.status, ui.scroll[PLACE_LOG] ? "  (log scrolled: PgDn)" : "");
        draw_row(l->status.top, l->status.left, status, l->status.width, A_REVERSE);
    }
    screen_draw_prompt();
    refresh();
    ui.wants_drawing = ui.prompt_moved = 0;
}

/* The lines that panes have now; whether that is news. */
int screen_wish(void) {
    struct layout_wish wish = {.npanes = ui.panes.count, .zoomed = ui.zoomed ? ui.focus : -1};
    for (int k = 0; k < wish.npanes; k++) {
        const struct pane *pane = screen_pane(k);
        const char *text = pane ? pane->text.data : NULL;
        int lines = 0;
        for (const char *c = text; c && *c; c++)
            lines += *c == '\n';
        wish.lines[k] = pane && pane->kind == PANE_DRAWING ? 12 : text ? lines : ui.wish.lines[k];
        if (!wish.lines[k]) /* it has not been seen yet */
            wish.lines[k] = 6;
    }
    if (!memcmp(&wish, &ui.wish, sizeof wish))
        return 0;
    ui.wish = wish;
    return 1;
}

void screen_lay_out(void) {
    struct view_wish *wish = calloc(1, sizeof *wish);
    int height, width;
    getmaxyx(stdscr, height, width);
    if (ui.focus >= PLACE_PANE + ui.panes.count) {
        ui.focus = PLACE_LOG;
        ui.zoomed = 0;
    }
    screen_wish();
    layout_make(&ui.layout, height, width, &ui.wish);
    for (int k = 0; wish && k < ui.panes.count; k++) {
        const struct rectangle *where = &ui.layout.panes[k];
        snprintf(wish->panes[k].name, PANE_NAME, "%s", ui.panes.names[k]);
        if (where->height)
            wish->panes[k].room = (struct room){where->width - 1, where->height - 1};
    }
    if (wish) {
        wish->npanes = ui.panes.count;
        wish->chart = (struct room){ui.layout.chart.width, ui.layout.chart.height};
    }
    worker_post(ui.worker, (struct request){.kind = ASK_VIEW, .wish = wish});
    erase();
    ui.wants_drawing = 1;
}

void screen_save(const char *path) {
    struct text text = {0};
    struct error error = {0};
    int height, width, y, x;
    screen_draw();
    getyx(stdscr, y, x);
    getmaxyx(stdscr, height, width);
    for (int row = 0; row < height; row++) {
        wchar_t line[1024];
        char bytes[4096];
        int size = mvinnwstr(row, 0, line, width < 1023 ? width : 1023);
        while (size > 0 && line[size - 1] == L' ')
            size--;
        line[size > 0 ? size : 0] = 0;
        if (wcstombs(bytes, line, sizeof bytes) != (size_t)-1)
            text_add(&text, bytes);
        text_add(&text, "\n");
    }
    move(y, x);
    struct file_writer *writer;
    int code = file_writer_open(&writer, path, &error);
    if (!code) {
        fputs(text.data, file_writer_stream(writer));
        code = file_writer_commit(writer, &error);
    }
    screen_say(code ? "fettle: " : "wrote ");
    screen_say(code ? error.message : path);
    screen_say("\n");
    text_free(&text);
}
