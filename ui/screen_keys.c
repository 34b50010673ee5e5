/* What is typed: lines of the prompt, by readline; single keys of the panes; the mouse; what is pasted. */
#include "screen_internal.h"

#include <stdlib.h>
#include <string.h>
#include <readline/readline.h>
#include "keys.h"
#include "prompt.h"

/* ---------------------------------------------------------------- the prompt */

void screen_say(const char *text) {
    lines_add(&ui.lines, text);
    ui.scroll[PLACE_LOG] = 0;
    ui.wants_drawing = 1;
}

static void on_line(char *line) {
    if (!line) { /* Ctrl-D is a `quit`, which does not wait for the end of a run */
        if (worker_busy(ui.worker))
            worker_interrupt(ui.worker);
        ui.finished |= worker_send(ui.worker, "quit") != 0;
        return;
    }
    screen_say(SCREEN_PROMPT);
    screen_say(line);
    screen_say("\n");
    if (worker_send(ui.worker, line))
        screen_say("too many lines wait already\n");
    free(line);
}

static void on_redisplay(void) {
    ui.prompt_moved = 1;
}

static int page_up(int count, int key) {
    (void)count, (void)key;
    return screen_page(1);
}

static int page_down(int count, int key) {
    (void)count, (void)key;
    return screen_page(0);
}

static int draw_anew(int count, int key) {
    (void)count, (void)key;
    clearok(curscr, TRUE);
    ui.wants_drawing = 1;
    return 0;
}

static int log_width(void) {
    return ui.layout.log.width;
}

static int complete(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                    void *context) {
    struct request request = {.kind = ASK_NAMES, .text = strdup(line), .word = strdup(word)};
    struct event reply;
    if (worker_ask(ui.worker, request, &reply))
        return 0;
    for (size_t n = 0; n < reply.names.count; n++)
        add(context, reply.names.list[n]);
    int files = reply.on;
    event_free(&reply);
    return files;
}

void screen_open_prompt(void) {
    prompt_open_with(&(struct prompt_options){.complete = complete,
                                              .take = on_line,
                                              .draw = on_redisplay,
                                              .say = screen_say,
                                              .width = log_width,
                                              .input = &ui.input,
                                              .prompt = SCREEN_PROMPT});
    prompt_bind("\\e[5~", page_up);
    prompt_bind("\\e[6~", page_down);
    prompt_bind("\\C-l", draw_anew);
}

/* ---------------------------------------------------------------- single keys */

static void show_keys(void) {
    const struct key *key;
    char left[64] = "", line[160];
    for (size_t k = 0; (key = keys_at(k)); k++) {
        const struct key *next = keys_at(k + 1);
        size_t used = strlen(left);
        if (!strstr(left, key->name))
            snprintf(left + used, sizeof left - used, "%s%s", used ? " " : "", key->name);
        if (next && !next->help)
            continue;
        const struct key *first = key;
        while (!first->help)
            first--;
        snprintf(line, sizeof line, "  %-16s %s\n", left, first->help);
        screen_say(line);
        left[0] = 0;
    }
}

static void leave_panes(const char *line) {
    ui.in_panes = 0;
    ui.wants_drawing = ui.prompt_moved = 1;
    if (line) {
        prompt_clear();
        rl_insert_text(line);
    }
}

static void press(const struct key *key) {
    switch (key->act) {
    case PRESS_COMMAND:
        if (worker_send(ui.worker, key->line))
            screen_say("too many lines wait already\n");
        break;
    case PRESS_HELP:
        show_keys();
        break;
    case PRESS_PROMPT:
        leave_panes(key->line);
        break;
    case PRESS_PAUSE:
        if (worker_busy(ui.worker))
            worker_interrupt(ui.worker);
        break;
    case PRESS_UP:
    case PRESS_DOWN:
        screen_roll(ui.focus, key->act == PRESS_UP, 1);
        break;
    case PRESS_PAGE_UP:
    case PRESS_PAGE_DOWN:
        screen_page(key->act == PRESS_PAGE_UP);
        break;
    case PRESS_NEXT:
    case PRESS_PREVIOUS:
        screen_move_focus(key->act == PRESS_NEXT ? 1 : -1);
        break;
    case PRESS_ZOOM:
        screen_set_focus(ui.focus, !ui.zoomed);
        break;
    case PRESS_FIND_AGAIN:
        screen_find("");
        break;
    }
}

static int place_at(int row, int column) {
    for (int k = 0; k < PLACE_PANE + ui.panes.count; k++) {
        const struct rectangle *where = layout_place(&ui.layout, k);
        if (row >= where->top && row < where->top + where->height && column >= where->left &&
            column < where->left + where->width)
            return k;
    }
    return -1;
}

static void on_mouse(void) {
    enum { LEFT = 0, WHEEL_UP = 64, WHEEL_DOWN = 65 };
    int place = place_at(ui.input.mouse.row, ui.input.mouse.column), button = ui.input.mouse.button;
    if (place < 0 || !ui.input.mouse.pressed)
        return;
    if (button == LEFT) {
        ui.in_panes = 1;
        screen_set_focus(place, ui.zoomed);
    } else if (button == WHEEL_UP || button == WHEEL_DOWN) {
        screen_roll(place, button == WHEEL_UP, 3);
        if (place == PLACE_CHART)
            worker_send(ui.worker, button == WHEEL_UP ? "chart in" : "chart out");
    }
}

void screen_obey_input(void) {
    enum input_kind kind;
    size_t used;
    while (!ui.finished && (kind = input_next(&ui.input)) != INPUT_NOTHING) {
        if (kind == INPUT_MOUSE) {
            on_mouse();
        } else if (kind == INPUT_INTERRUPT) {
            screen_interrupt();
        } else if (kind == INPUT_STOP) {
            screen_stop(1);
        } else if (kind == INPUT_ESCAPE && (ui.in_panes || !prompt_wants_escape())) {
            ui.in_panes = 1;
            ui.find[0] = 0;
            ui.wants_drawing = ui.prompt_moved = 1;
        } else if (!ui.in_panes) {
            prompt_obey(kind);
        } else if (kind == INPUT_TEXT) {
            const struct key *key = keys_find(ui.input.bytes, input_text_size(&ui.input), &used);
            input_take(&ui.input, used);
            if (key)
                press(key);
        }
    }
}
