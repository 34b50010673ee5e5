#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "base/clock.h"
#include "base/file.h"
#include "builtin.h"
#include "draw.h"
#include "input.h"
#include "keys.h"
#include "layout.h"
#include "lines.h"
#include "prompt.h"
#include "session/worker.h"
#include "signals.h"

static const char prompt_text[] = "(fettle) ";
static const double redraw_seconds = 0.1;
enum { PLACES = PLACE_PANE + PANES_MOST };

/* readline's callbacks carry no context: there is one screen. */
static struct {
    struct worker *worker;
    struct layout layout;
    struct layout_wish wish;
    struct lines lines;
    struct view view;
    int focus, zoomed;       /* a place; whether it has the screen for itself */
    size_t scroll[PLACES];   /* rows of the log above its end; lines above the first one of a pane */
    size_t lines_of[PLACES]; /* that a pane took when it was drawn */
    char find[128];          /* what is looked for in the focus */
    int wants_drawing, prompt_moved, finished;
    int in_panes; /* keys are single ones, not text */
    int mouse;
    struct input input;
    SCREEN *screen;
    FILE *terminal;
    int pipe[2]; /* what anything writes to stdout or stderr */
} ui;

static volatile sig_atomic_t resized, suspended;

static void on_resize(int number) {
    (void)number;
    resized = 1;
}

static void on_suspend(int number) {
    (void)number;
    suspended = 1;
}

/* ---------------------------------------------------------------- drawing */

static const char *place_name(int place) {
    return place == PLACE_LOG ? "log" : place == PLACE_CHART ? "chart" : ui.view.panes[place - PLACE_PANE].name;
}

static void draw_prompt(void) {
    const struct rectangle *where = &ui.layout.prompt;
    char line[4096], before[4096];
    int cursor, begin = 0;
    if (!where->height)
        return;
    if (ui.in_panes) {
        snprintf(line, sizeof line, "keys: ? shows them, i goes back to the prompt  [%s%s]", place_name(ui.focus),
                 ui.zoomed ? ", zoomed" : "");
        draw_row(where->top, where->left, line, where->width - 1, A_BOLD);
        move(where->top, 0);
        return;
    }
    const char *shown = rl_display_prompt ? rl_display_prompt : prompt_text;
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
    struct layout *l = &ui.layout;
    if (l->chart.height)
        draw_text(&l->chart, ui.view.chart.data
                                 ? ui.view.chart.data
                                 : "no batch has been trained yet: `step`, `next`, `continue`; `help` lists "
                                   "the commands");
    for (int k = 0; k < ui.view.npanes; k++) {
        const struct pane *pane = &ui.view.panes[k];
        int place = PLACE_PANE + k, focused = ui.focus == place;
        if (!l->panes[k].height)
            continue;
        if (ui.scroll[place] && ui.scroll[place] >= ui.lines_of[place])
            ui.scroll[place] = ui.lines_of[place] ? ui.lines_of[place] - 1 : 0;
        ui.lines_of[place] = draw_pane(&l->panes[k], &(struct draw_pane){.title = pane->name,
                                                                         .text = pane->text.data,
                                                                         .values = !strcmp(pane->name, "values"),
                                                                         .focused = ui.in_panes && focused,
                                                                         .find = focused ? ui.find : NULL,
                                                                         .scroll = ui.scroll[place]});
    }
    if (l->log.height)
        draw_log(&l->log, &ui.lines, ui.scroll[PLACE_LOG], ui.focus == PLACE_LOG ? ui.find : NULL);
}

static void draw(void) {
    const struct layout *l = &ui.layout;
    char status[768];
    draw_places();
    if (l->status.height) {
        snprintf(status, sizeof status, " %s%s%s%s  %s%s", ui.view.state, ui.view.why[0] ? " (" : "", ui.view.why,
                 ui.view.why[0] ? ")" : "", ui.view.status, ui.scroll[PLACE_LOG] ? "  (log scrolled: PgDn)" : "");
        draw_row(l->status.top, l->status.left, status, l->status.width, A_REVERSE);
    }
    draw_prompt();
    refresh();
    ui.wants_drawing = ui.prompt_moved = 0;
}

static void on_redisplay(void) {
    ui.prompt_moved = 1;
}

/* The lines that panes have now; whether that is news. */
static int read_wish(void) {
    struct layout_wish wish = {.npanes = ui.view.npanes, .zoomed = ui.zoomed ? ui.focus : -1};
    for (int k = 0; k < wish.npanes; k++) {
        const struct pane *pane = &ui.view.panes[k];
        int lines = 0;
        for (const char *c = pane->text.data; c && *c; c++)
            lines += *c == '\n';
        wish.lines[k] = !strncmp(pane->name, "plot", 4) ? 12 : pane->text.data ? lines : ui.wish.lines[k];
        if (!wish.lines[k]) /* it has not been seen yet */
            wish.lines[k] = 6;
    }
    if (!memcmp(&wish, &ui.wish, sizeof wish))
        return 0;
    ui.wish = wish;
    return 1;
}

static void lay_out(void) {
    struct view_room rooms[PANES_MOST] = {{0, 0}};
    int height, width;
    getmaxyx(stdscr, height, width);
    if (ui.focus >= PLACE_PANE + ui.view.npanes) {
        ui.focus = PLACE_LOG;
        ui.zoomed = 0;
    }
    read_wish();
    layout_make(&ui.layout, height, width, &ui.wish);
    for (int k = 0; k < PANES_MOST; k++)
        if (ui.layout.panes[k].height)
            rooms[k] = (struct view_room){ui.layout.panes[k].width - 1, ui.layout.panes[k].height - 1};
    worker_set_room(ui.worker, (struct view_room){ui.layout.chart.width, ui.layout.chart.height}, rooms);
    erase();
    ui.wants_drawing = 1;
}

static void follow_size(void) {
    struct winsize size;
    if (!ioctl(fileno(ui.terminal), TIOCGWINSZ, &size) && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(stdscr, TRUE);
    lay_out();
}

/* ---------------------------------------------------------------- the prompt */

static void say(const char *text) {
    lines_add(&ui.lines, text);
    ui.scroll[PLACE_LOG] = 0;
    ui.wants_drawing = 1;
}

static void on_line(char *line) {
    if (!line) { /* Ctrl-D */
        ui.finished = 1;
        return;
    }
    prompt_remember(line);
    say(prompt_text);
    say(line);
    say("\n");
    if (worker_send(ui.worker, line))
        say("too many lines wait already\n");
    free(line);
}

/* ---------------------------------------------------------------- focus */

static void set_focus(int place, int zoomed) {
    ui.focus = place;
    ui.zoomed = zoomed;
    lay_out();
}

/* The next place that is seen. */
static void move_focus(int by) {
    int count = PLACE_PANE + ui.view.npanes, place = ui.focus;
    do
        place = (place + by + count) % count;
    while (place != ui.focus && !layout_place(&ui.layout, place)->height);
    set_focus(place, 0);
}

static void roll(int place, int up, size_t by) {
    size_t *at = &ui.scroll[place];
    if (place == PLACE_CHART)
        return;
    if (place == PLACE_LOG) /* counted from its end */
        *at = up ? (*at < 16 * ui.lines.count ? *at + by : *at) : *at > by ? *at - by : 0;
    else
        *at = up ? (*at > by ? *at - by : 0) : *at + by < ui.lines_of[place] ? *at + by : *at;
    ui.wants_drawing = 1;
}

static int page(int up) {
    int place = ui.in_panes ? ui.focus : PLACE_LOG, height = layout_place(&ui.layout, place)->height;
    roll(place, up, (size_t)(height > 1 ? height / 2 : 1));
    return 0;
}

/* Rows that the lines of the log behind this one take. */
static size_t rows_below(size_t line) {
    size_t rows = 0;
    int width = ui.layout.log.width;
    for (size_t k = line + 1; k < ui.lines.count; k++) {
        const char *text = lines_at(&ui.lines, k);
        do {
            text += text_row(text, width);
            rows++;
        } while (*text);
    }
    return rows;
}

/* Up from the one that stands last on the screen. */
static int find_in_log(void) {
    size_t at = ui.lines.count;
    while (at > 0 && rows_below(at - 1) < ui.scroll[PLACE_LOG])
        at--;
    for (size_t k = at > 0 ? at - 1 : 0; k > 0; k--)
        if (strcasestr(lines_at(&ui.lines, k - 1), ui.find)) {
            ui.scroll[PLACE_LOG] = rows_below(k - 1);
            return 1;
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

static void find(const char *text) {
    if (text[0])
        snprintf(ui.find, sizeof ui.find, "%s", text);
    if (!ui.find[0] || ui.focus == PLACE_CHART)
        return;
    if (!(ui.focus == PLACE_LOG ? find_in_log() : find_in_pane(ui.focus))) {
        char said[256];
        snprintf(said, sizeof said, "\"%s\" is not in %s\n", ui.find, place_name(ui.focus));
        say(said);
    }
    ui.wants_drawing = 1;
}

/* ---------------------------------------------------------------- what the session asks of the screen */

static void save_screen(const char *path) {
    struct text text = {0};
    struct error error = {0};
    int height, width, y, x;
    draw();
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
    say(code ? "fettle: " : "wrote ");
    say(code ? error.message : path);
    say("\n");
    text_free(&text);
}

static void focus_on(const char *name, int zooms) {
    int place = ui.focus;
    if (!strcmp(name, "next") || !strcmp(name, "previous")) {
        move_focus(!strcmp(name, "next") ? 1 : -1);
        place = ui.focus;
    } else if (name[0]) {
        for (int k = 0; k < PLACE_PANE + ui.view.npanes; k++)
            if (!strcmp(name, place_name(k)))
                place = k;
    }
    set_focus(place, zooms && !(ui.zoomed && place == ui.focus));
}

static void obey_request(char *request) {
    char *value = strchr(request, ' ');
    if (!value)
        return;
    *value++ = 0;
    if (!strcmp(request, "focus") || !strcmp(request, "zoom")) {
        focus_on(value, !strcmp(request, "zoom"));
    } else if (!strcmp(request, "find")) {
        find(value);
    } else if (!strcmp(request, "save")) {
        save_screen(value);
    } else if (!strcmp(request, "mouse")) {
        ui.mouse = !strcmp(value, "on");
        input_ask(fileno(ui.terminal), ui.mouse);
    }
}

/* ---------------------------------------------------------------- readline */

static int page_up(int count, int key) {
    (void)count, (void)key;
    return page(1);
}

static int page_down(int count, int key) {
    (void)count, (void)key;
    return page(0);
}

static void show_matches(char **matches, int count, int longest) {
    int across = ui.layout.log.width / (longest + 2);
    across = across > 0 ? across : 1;
    for (int k = 1; k <= count; k++) {
        char cell[512];
        snprintf(cell, sizeof cell, "%-*s%s", longest + 2, matches[k], k % across == 0 || k == count ? "\n" : "");
        say(cell);
    }
}

static int complete(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                    void *context) {
    return worker_complete(ui.worker, line, word, add, context);
}

/* For readline: it may ask for more than has been read. */
static int next_byte(FILE *stream) {
    (void)stream;
    int byte = input_byte(&ui.input, signals_ending);
    return byte < 0 ? EOF : byte;
}

static void open_readline(void) {
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_redisplay_function = on_redisplay;
    rl_completion_display_matches_hook = show_matches;
    rl_completion_query_items = 0;
    rl_getc_function = next_byte;
    rl_variable_bind("keyseq-timeout", "0");           /* it would look for the rest of a key behind our back */
    rl_variable_bind("enable-bracketed-paste", "off"); /* input.c takes what is pasted */
    rl_outstream = fopen("/dev/null", "w");
    prompt_open_with(complete);
    rl_bind_keyseq("\\e[5~", page_up);
    rl_bind_keyseq("\\e[6~", page_down);
    rl_callback_handler_install(prompt_text, on_line);
}

/* ---------------------------------------------------------------- opening and closing */

static int open_screen(void) {
    struct sigaction action = {.sa_handler = on_resize};
    int out = dup(STDOUT_FILENO);
    if (out < 0 || pipe2(ui.pipe, O_CLOEXEC | O_NONBLOCK))
        return -1;
    ui.terminal = fdopen(out, "w");
    ui.screen = ui.terminal ? newterm(NULL, ui.terminal, stdin) : NULL;
    if (!ui.screen)
        return -1;
    sigaction(SIGWINCH, &action, NULL); /* in place of those that curses has set */
    action.sa_handler = on_suspend;
    sigaction(SIGTSTP, &action, NULL);
    draw_open_colours();
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE); /* what poll has seen is there to be read, whatever Ctrl-C does */
    scrollok(stdscr, FALSE);
    ui.mouse = 1;
    input_ask(out, ui.mouse);
    fflush(stdout);
    dup2(ui.pipe[1], STDOUT_FILENO);
    dup2(ui.pipe[1], STDERR_FILENO);
    return 0;
}

static void close_screen(int before_out, int before_err) {
    rl_callback_handler_remove();
    prompt_close();
    fflush(stdout);
    input_ask_no_more(fileno(ui.terminal));
    endwin();
    delscreen(ui.screen);
    dup2(before_out, STDOUT_FILENO);
    dup2(before_err, STDERR_FILENO);
    fclose(ui.terminal);
    close(ui.pipe[0]);
    close(ui.pipe[1]);
}

/* ---------------------------------------------------------------- keys */

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
        say(line);
        left[0] = 0;
    }
}

static void leave_panes(const char *line) {
    ui.in_panes = 0;
    ui.wants_drawing = ui.prompt_moved = 1;
    if (line) {
        rl_replace_line(line, 1);
        rl_point = rl_end;
    }
}

static void press(const struct key *key) {
    switch (key->act) {
    case PRESS_COMMAND:
        if (worker_send(ui.worker, key->line))
            say("too many lines wait already\n");
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
        roll(ui.focus, key->act == PRESS_UP, 1);
        break;
    case PRESS_PAGE_UP:
    case PRESS_PAGE_DOWN:
        page(key->act == PRESS_PAGE_UP);
        break;
    case PRESS_NEXT:
    case PRESS_PREVIOUS:
        move_focus(key->act == PRESS_NEXT ? 1 : -1);
        break;
    case PRESS_ZOOM:
        set_focus(ui.focus, !ui.zoomed);
        break;
    case PRESS_FIND_AGAIN:
        find("");
        break;
    }
}

static int place_at(int row, int column) {
    for (int k = 0; k < PLACE_PANE + ui.view.npanes; k++) {
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
        set_focus(place, ui.zoomed);
    } else if (button == WHEEL_UP || button == WHEEL_DOWN) {
        roll(place, button == WHEEL_UP, 3);
        if (place == PLACE_CHART)
            worker_send(ui.worker, button == WHEEL_UP ? "chart in" : "chart out");
    }
}

/* Each line of it is as if it had been typed. */
static void on_paste(void) {
    char *text = ui.input.text;
    if (ui.in_panes || RL_ISSTATE(RL_STATE_ISEARCH))
        return;
    while (*text) {
        size_t size = strcspn(text, "\n");
        int ends = text[size] == '\n';
        text[size] = 0;
        rl_insert_text(text);
        if (ends) {
            on_line(strdup(rl_line_buffer));
            rl_replace_line("", 1);
        }
        text += size + ends;
    }
    ui.prompt_moved = 1;
}

static void obey_input(void) {
    enum input_kind kind;
    size_t used;
    while (!ui.finished && (kind = input_next(&ui.input)) != INPUT_NOTHING) {
        if (kind == INPUT_MOUSE) {
            on_mouse();
        } else if (kind == INPUT_PASTE) {
            on_paste();
        } else if (kind == INPUT_ESCAPE) {
            ui.in_panes = 1;
            ui.find[0] = 0;
            ui.wants_drawing = ui.prompt_moved = 1;
        } else if (ui.in_panes) {
            const struct key *key = keys_find(ui.input.bytes, ui.input.count, &used);
            input_take(&ui.input, used);
            if (key)
                press(key);
        } else {
            rl_callback_read_char();
        }
    }
}

/* ---------------------------------------------------------------- the loop */

static void take_news(void) {
    struct text printed, requests;
    view_free(&ui.view);
    worker_take(ui.worker, &printed, &requests, &ui.view);
    if (printed.data)
        lines_add(&ui.lines, printed.data);
    ui.wants_drawing = 1;
    if (read_wish())
        lay_out();
    for (char *request = requests.data, *end; request && (end = strchr(request, '\n')); request = end + 1) {
        *end = 0;
        obey_request(request);
    }
    text_free(&printed);
    text_free(&requests);
}

static void take_strays(void) {
    char text[4096];
    ssize_t size = read(ui.pipe[0], text, sizeof text - 1);
    if (size <= 0)
        return;
    text[size] = 0;
    lines_add(&ui.lines, text);
    ui.wants_drawing = 1;
}

static void on_interrupt(void) {
    if (worker_busy(ui.worker)) {
        worker_interrupt(ui.worker);
        if (signals_abandoned())
            worker_interrupt(ui.worker);
    } else {
        rl_free_line_state();
        rl_callback_sigcleanup();
        rl_replace_line("", 0);
        rl_point = 0;
        ui.prompt_moved = 1;
    }
    signals_forget();
}

/* Ctrl-Z: the shell gets a sane terminal, and what comes back is drawn anew. */
static void suspend(void) {
    struct sigaction action = {.sa_handler = SIG_DFL}, before;
    sigset_t only, mask;
    suspended = 0;
    input_ask_no_more(fileno(ui.terminal));
    endwin();
    sigaction(SIGTSTP, &action, &before);
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &only, &mask);
    kill(getpid(), SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &before, NULL);
    refresh();
    input_ask(fileno(ui.terminal), ui.mouse);
    follow_size();
}

static void loop(void) {
    struct pollfd inputs[] = {
        {STDIN_FILENO, POLLIN, 0}, {worker_descriptor(ui.worker), POLLIN, 0}, {ui.pipe[0], POLLIN, 0}};
    sigset_t ours, before;
    double drawn = 0;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGWINCH);
    sigaddset(&ours, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    while (!ui.finished && !signals_ending() && !worker_finished(ui.worker)) {
        double wait = ui.wants_drawing ? drawn + redraw_seconds - clock_seconds() : 10;
        if (ui.prompt_moved && wait > 0) { /* a key is seen at once, whatever else waits */
            draw_prompt();
            refresh();
            ui.prompt_moved = 0;
        } else if (ui.wants_drawing && wait <= 0) {
            draw();
            drawn = clock_seconds();
            continue;
        }
        struct timespec timeout = {(time_t)wait, (long)(1e9 * (wait - (double)(time_t)wait))};
        if (wait < 0)
            timeout = (struct timespec){0, 0};
        int ready = ppoll(inputs, 3, &timeout, &before);
        if (signals_interrupted() && !signals_ending())
            on_interrupt();
        if (suspended) {
            suspend();
            drawn = 0;
        }
        if (resized) {
            resized = 0;
            follow_size();
            drawn = 0;
        }
        if (ready <= 0)
            continue;
        if (inputs[0].revents & POLLIN)
            ui.finished |= !input_read(&ui.input);
        else if (inputs[0].revents)
            break; /* the terminal is gone */
        obey_input();
        if (inputs[1].revents)
            take_news();
        if (inputs[2].revents)
            take_strays();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void log_line(void *context, enum log_level level, const char *text) {
    (void)level;
    worker_print(context, text);
    worker_print(context, "\n");
}

int screen_run(const struct repl_options *options, struct console *console) {
    struct session_options session_options = {.builtin = builtin_session, .threads = options->threads};
    struct error error = {0};
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), ending;
    memset(&ui, 0, sizeof ui);
    signals_install(0);
    if (worker_new(&ui.worker, &session_options, &error)) {
        console_error(console, &error);
        return 1;
    }
    if (open_screen()) {
        worker_free(ui.worker, 0);
        return -1;
    }
    log_set_sink(log_line, ui.worker);
    lay_out();
    open_readline();
    if (repl_send_first(options, worker_send, ui.worker))
        say("out of memory\n");
    loop();
    ending = signals_ending();
    close_screen(out, err);
    log_set_sink(NULL, NULL);
    worker_free(ui.worker, ending != 0);
    lines_free(&ui.lines);
    view_free(&ui.view);
    close(out);
    close(err);
    console_take_log(console);
    return ending ? 128 + ending : 0;
}
