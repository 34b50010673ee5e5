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
#include "builtin.h"
#include "keys.h"
#include "layout.h"
#include "lines.h"
#include "prompt.h"
#include "session/worker.h"
#include "signals.h"

static const char prompt_text[] = "(fettle) ";
static const char panes_text[] = "keys: ? shows them, i goes back to the prompt";
static const double redraw_seconds = 0.1;
enum { ESCAPE_MS = 50 }; /* a key's sequence comes within this */

/* readline's callbacks carry no context: there is one screen. */
static struct {
    struct worker *worker;
    struct layout layout;
    struct lines lines;
    struct view view;
    size_t scroll; /* rows of the log above its end */
    int wants_drawing, prompt_moved, finished;
    int in_panes;    /* keys are single ones, not text */
    char input[512]; /* typed, and not taken yet */
    size_t ninput;
    SCREEN *screen;
    FILE *terminal;
    int pipe[2]; /* what anything writes to stdout or stderr */
} ui;

static volatile sig_atomic_t resized;

static void on_resize(int number) {
    (void)number;
    resized = 1;
}

/* ---------------------------------------------------------------- drawing */

static void put(int row, int column, const char *text, int width, int attributes) {
    int columns;
    size_t size = text_fit(text, width, &columns);
    attrset((attr_t)attributes);
    mvaddnstr(row, column, text, (int)size);
    for (; columns < width; columns++)
        addch(' ');
    attrset(A_NORMAL);
}

static void put_lines(const struct rectangle *where, const char *text) {
    for (int row = 0; row < where->height; row++) {
        size_t size = text ? strcspn(text, "\n") : 0;
        char line[1024];
        snprintf(line, sizeof line, "%.*s", (int)size, text ? text : "");
        put(where->top + row, where->left, line, where->width, A_NORMAL);
        if (text)
            text = text[size] ? text + size + 1 : NULL;
    }
}

/* Names left, numbers right. */
static void spread(char *line, size_t size, int width) {
    char name[256] = "", value[64] = "";
    sscanf(line, "%255s %63s", name, value);
    int room = width - 1 - (int)strlen(value);
    room = room > 0 ? room : 0;
    snprintf(line, size, "%-*.*s %s", room, room, name, value);
}

static void draw_pane(const struct rectangle *where, const struct pane *pane) {
    const char *text = pane->text.data;
    int values = !strcmp(pane->name, "values"), columns;
    char line[1024];
    for (int row = 0; row < where->height; row++)
        mvaddch(where->top + row, where->left, '|');
    snprintf(line, sizeof line, " %s", pane->name);
    put(where->top, where->left + 1, line, where->width - 1, A_BOLD | A_UNDERLINE);
    for (int row = 1; row < where->height; row++) {
        size_t size = text ? strcspn(text, "\n") : 0, fits;
        snprintf(line, sizeof line, "%.*s", (int)size, text ? text : "");
        fits = values ? size : text_fit(line, where->width - 1, &columns); /* the rest goes below */
        if (size && values)
            spread(line, sizeof line, where->width - 1);
        put(where->top + row, where->left + 1, line, where->width - 1, A_NORMAL);
        if (text && fits && fits < size)
            text += fits;
        else
            text = text && text[size] ? text + size + 1 : NULL;
    }
}

/* One below the other; those with fewer lines than their share leave what they do not need to the others. */
static void draw_side(void) {
    const struct rectangle *side = &ui.layout.side;
    int top = side->top, left = side->height;
    for (int k = 0; k < ui.view.npanes; k++) {
        const struct pane *pane = &ui.view.panes[k];
        int share = left / (ui.view.npanes - k), lines = 2;
        for (const char *c = pane->text.data; c && *c; c++)
            lines += *c == '\n';
        int height = k + 1 < ui.view.npanes && lines < share ? lines : share;
        draw_pane(&(struct rectangle){top, side->left, height, side->width}, pane);
        top += height;
        left -= height;
    }
    for (; left > 0; left--, top++)
        put(top, side->left, "|", side->width, A_NORMAL);
}

/* The log from its end, wrapped. */
static void draw_log(void) {
    const struct rectangle *where = &ui.layout.log;
    size_t skip = ui.scroll;
    int row = where->height - 1, columns;
    for (size_t k = ui.lines.count; k > 0 && row >= 0; k--) {
        const char *line = lines_at(&ui.lines, k - 1), *parts[64];
        int count = 0;
        do {
            parts[count++] = line;
            size_t size = text_fit(line, where->width, &columns);
            line += size ? size : strlen(line);
        } while (*line && count < 64);
        while (count > 0 && row >= 0) {
            count--;
            if (skip) {
                skip--;
                continue;
            }
            put(where->top + row--, where->left, parts[count], where->width, A_NORMAL);
        }
    }
    for (; row >= 0; row--)
        put(where->top + row, where->left, "", where->width, A_NORMAL);
}

static void draw_prompt(void) {
    const struct rectangle *where = &ui.layout.prompt;
    char line[4096], before[4096];
    int columns, cursor, begin = 0;
    if (!where->height)
        return;
    if (ui.in_panes) {
        put(where->top, where->left, panes_text, where->width - 1, A_BOLD);
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
    put(where->top, where->left, line + begin, where->width - 1, A_NORMAL);
    (void)columns;
    move(where->top, cursor < where->width ? cursor : where->width - 1);
}

static void draw(void) {
    struct layout *l = &ui.layout;
    char status[512];
    if (l->chart.height)
        put_lines(&l->chart, ui.view.chart.data
                                 ? ui.view.chart.data
                                 : "no batch has been trained yet: `step`, `next`, `continue`; `help` lists "
                                   "the commands");
    if (l->side.height)
        draw_side();
    if (l->log.height)
        draw_log();
    if (l->status.height) {
        snprintf(status, sizeof status, " %s  %s%s", ui.view.state, ui.view.status,
                 ui.scroll ? "  (scrolled: PgDn)" : "");
        put(l->status.top, l->status.left, status, l->status.width, A_REVERSE);
    }
    draw_prompt();
    refresh();
    ui.wants_drawing = ui.prompt_moved = 0;
}

static void on_redisplay(void) {
    ui.prompt_moved = 1;
}

static void lay_out(void) {
    int height, width;
    getmaxyx(stdscr, height, width);
    layout_make(&ui.layout, height, width);
    worker_set_chart(ui.worker, ui.layout.chart.width, ui.layout.chart.height);
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
    ui.scroll = 0;
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

static int page(int up) {
    size_t half = (size_t)(ui.layout.log.height > 1 ? ui.layout.log.height / 2 : 1);
    if (up)
        ui.scroll = ui.scroll + half < ui.lines.count + half ? ui.scroll + half : ui.scroll;
    else
        ui.scroll = ui.scroll > half ? ui.scroll - half : 0;
    ui.wants_drawing = 1;
    return 0;
}

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

static int next_byte(FILE *stream);

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
    rl_variable_bind("keyseq-timeout", "0"); /* it would look for the rest of a key behind our back */
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
    sigaction(SIGWINCH, &action, NULL); /* in place of the one that curses has set */
    cbreak();
    noecho();
    nonl();
    scrollok(stdscr, FALSE);
    fflush(stdout);
    dup2(ui.pipe[1], STDOUT_FILENO);
    dup2(ui.pipe[1], STDERR_FILENO);
    return 0;
}

static void close_screen(int before_out, int before_err) {
    rl_callback_handler_remove();
    prompt_close();
    fflush(stdout);
    endwin();
    delscreen(ui.screen);
    dup2(before_out, STDOUT_FILENO);
    dup2(before_err, STDERR_FILENO);
    fclose(ui.terminal);
    close(ui.pipe[0]);
    close(ui.pipe[1]);
}

/* ---------------------------------------------------------------- keys */

static int wait_for_input(int ms) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, ms) > 0 && input.revents & POLLIN;
}

/* 0 where the terminal is gone. */
static int read_input(void) {
    ssize_t size = read(STDIN_FILENO, ui.input + ui.ninput, sizeof ui.input - ui.ninput);
    if (size > 0)
        ui.ninput += (size_t)size;
    return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

static void take_input(size_t count) {
    ui.ninput -= count;
    memmove(ui.input, ui.input + count, ui.ninput);
}

/* For readline: it may ask for more than has been read (a search, a paste). */
static int next_byte(FILE *stream) {
    (void)stream;
    while (!ui.ninput) {
        int ready = wait_for_input(1000);
        if (signals_ending() || (ready && !read_input()))
            return EOF;
    }
    unsigned char byte = (unsigned char)ui.input[0];
    take_input(1);
    return byte;
}

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
        ui.in_panes = 0;
        ui.prompt_moved = 1;
        break;
    case PRESS_PAUSE:
        if (worker_busy(ui.worker))
            worker_interrupt(ui.worker);
        break;
    case PRESS_UP:
    case PRESS_DOWN:
        page(key->act == PRESS_UP);
        break;
    }
}

static void obey_input(void) {
    while (ui.ninput && !ui.finished) {
        size_t used;
        int escape = ui.input[0] == '\033';
        if (escape && ui.ninput == 1 && wait_for_input(ESCAPE_MS))
            read_input();
        if (escape && ui.ninput == 1) {
            take_input(1);
            ui.in_panes = 1;
            ui.prompt_moved = 1;
        } else if (ui.in_panes) {
            const struct key *key = keys_find(ui.input, ui.ninput, &used);
            take_input(used);
            if (key)
                press(key);
        } else {
            rl_callback_read_char();
        }
    }
}

/* ---------------------------------------------------------------- the loop */

static void take_news(void) {
    struct text printed;
    view_free(&ui.view);
    worker_take(ui.worker, &printed, &ui.view);
    if (printed.data)
        lines_add(&ui.lines, printed.data);
    text_free(&printed);
    ui.wants_drawing = 1;
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
        if (resized) {
            resized = 0;
            follow_size();
            drawn = 0;
        }
        if (ready <= 0)
            continue;
        if (inputs[0].revents & POLLIN)
            ui.finished |= !read_input();
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
