#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "base/clock.h"
#include "draw.h"
#include "prompt.h"
#include "screen_internal.h"
#include "signals.h"

static const double redraw_seconds = 0.1;
enum { EVENTS_AT_ONCE = 16 };

struct screen ui;

/* ---------------------------------------------------------------- opening and closing */

static int open_screen(void) {
    struct termios modes;
    int out = dup(STDOUT_FILENO);
    if (out < 0 || pipe2(ui.pipe, O_CLOEXEC | O_NONBLOCK))
        return -1;
    ui.terminal = fdopen(out, "w");
    /* before curses looks: where nobody has a handler it takes one of its own, and loses a SIGTSTP that comes while it
     * draws */
    signals_note_stops(1);
    ui.screen = ui.terminal ? newterm(NULL, ui.terminal, stdin) : NULL;
    if (!ui.screen) {
        signals_note_stops(0);
        return -1;
    }
    signals_note_resizes(NULL); /* in place of those that curses has set */
    draw_open_colours();
    cbreak();
    noecho();
    nonl();
    /* Ctrl-S and Ctrl-V are keys, the terminal's no more, and so are Ctrl-C and Ctrl-Z: a signal would overtake the
     * keys before it, or be overtaken by a line behind it.  This thread, which reads them, never works for long. */
    if (!tcgetattr(STDIN_FILENO, &modes)) {
        ui.input.interrupt = modes.c_cc[VINTR];
        ui.input.stop = modes.c_cc[VSUSP];
        ui.input.ignored = modes.c_cc[VQUIT];
        modes.c_iflag &= ~(tcflag_t)IXON;
        modes.c_lflag &= ~(tcflag_t)(IEXTEN | ISIG);
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
        def_prog_mode(); /* curses keeps them so */
    }
    scrollok(stdscr, FALSE);
    typeahead(-1); /* what is drawn is drawn whole, whatever is typed meanwhile: it might be nothing that draws again */
    screen_note_way_back(out);
    ui.mouse = 1;
    input_ask(out, ui.mouse);
    fflush(stdout);
    dup2(ui.pipe[1], STDOUT_FILENO);
    dup2(ui.pipe[1], STDERR_FILENO);
    return 0;
}

static void close_screen(int before_out, int before_err) {
    prompt_close();
    fflush(stdout);
    signals_restore_by(0, "");
    input_ask_no_more(fileno(ui.terminal));
    endwin();
    delscreen(ui.screen);
    dup2(before_out, STDOUT_FILENO);
    dup2(before_err, STDERR_FILENO);
    fclose(ui.terminal);
    close(ui.pipe[0]);
    close(ui.pipe[1]);
}

/* ---------------------------------------------------------------- the loop */

static void follow_size(void) {
    struct winsize size;
    if (!ioctl(fileno(ui.terminal), TIOCGWINSZ, &size) && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
    clearok(stdscr, TRUE);
    screen_lay_out();
}

static void take_view(struct view *view) {
    view_free(&ui.view);
    ui.view = *view;
    *view = (struct view){0};
    if (screen_wish())
        screen_lay_out();
}

static void take_news(void) {
    struct event event;
    /* a few: who prints without end does not keep keys from being read */
    for (int left = EVENTS_AT_ONCE; left > 0 && worker_next(ui.worker, &event); left--) {
        if (event.kind == TOLD_TEXT)
            lines_add(&ui.lines, event.text);
        else if (event.kind == TOLD_VIEW)
            take_view(event.view);
        else
            screen_obey(&event);
        event_free(&event);
    }
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

void screen_interrupt(void) {
    if (worker_busy(ui.worker)) {
        worker_interrupt(ui.worker);
    } else {
        prompt_clear();
        ui.prompt_moved = 1;
    }
    input_end_paste(&ui.input);
}

/* From elsewhere, maybe twice. */
static void on_interrupts(void) {
    for (int left = signals_abandoned() ? 2 : 1; left > 0; left--)
        screen_interrupt();
    signals_forget();
}

/* After a stop, whatever the terminal has been used for meanwhile.  A screen that has been left already is not left
 * again: the cursor would jump to where it was when the screen was first entered. */
static void come_back(void) {
    if (!isendwin())
        endwin();
    refresh();
    input_ask(fileno(ui.terminal), ui.mouse);
    follow_size();
}

/* The shell gets a sane terminal, and what comes back is drawn anew. */
void screen_stop(int all) {
    input_ask_no_more(fileno(ui.terminal));
    endwin();
    signals_stop(all);
    come_back();
}

static void loop(void) {
    struct pollfd inputs[] = {
        {STDIN_FILENO, POLLIN, 0}, {worker_descriptor(ui.worker), POLLIN, 0}, {ui.pipe[0], POLLIN, 0}};
    sigset_t ours, before;
    double drawn = 0;
    signals_awaited(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    while (!ui.finished && !signals_ending() && !worker_finished(ui.worker)) {
        double wait = ui.wants_drawing ? drawn + redraw_seconds - clock_seconds() : 10;
        if (ui.prompt_moved && wait > 0) { /* a key is seen at once, whatever else waits */
            screen_draw_prompt();
            refresh();
            ui.prompt_moved = 0;
        } else if (ui.wants_drawing && wait <= 0) {
            screen_draw();
            drawn = clock_seconds();
            continue;
        }
        struct timespec timeout = {(time_t)wait, (long)(1e9 * (wait - (double)(time_t)wait))};
        if (wait < 0)
            timeout = (struct timespec){0, 0};
        int ready = signals_poll(inputs, 3, &timeout, &before);
        if (signals_interrupted() && !signals_ending())
            on_interrupts();
        if (signals_save_asked())
            worker_save(ui.worker);
        if (signals_stop_asked()) {
            screen_stop(0);
            drawn = 0;
        }
        if (signals_continued()) {
            come_back();
            drawn = 0;
        }
        if (signals_resized()) {
            follow_size();
            drawn = 0;
        }
        if (ready <= 0)
            continue;
        if (inputs[0].revents & POLLIN)
            ui.finished |= !input_read(&ui.input);
        else if (inputs[0].revents)
            break; /* the terminal is gone */
        screen_obey_input();
        if (inputs[1].revents)
            take_news();
        if (inputs[2].revents)
            take_strays();
    }
    signals_check_terminal();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void log_line(void *context, enum log_level level, const char *text) {
    (void)level;
    worker_print(context, text);
    worker_print(context, "\n");
}

int screen_run(const struct repl_options *options, struct console *console) {
    struct session_options session_options;
    struct error error = {0};
    struct text last = {0};
    int failed, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), ending;
    memset(&ui, 0, sizeof ui);
    signals_install(0);
    repl_own(options, &session_options);
    if (worker_new(&ui.worker, &session_options, &error)) {
        console_error(console, &error);
        return 1;
    }
    if (open_screen()) {
        worker_free(ui.worker, NULL, NULL, NULL);
        return -1;
    }
    log_set_sink(log_line, ui.worker);
    screen_lay_out();
    screen_open_prompt();
    if (repl_send_first(options, worker_send, ui.worker))
        screen_say("out of memory\n");
    loop();
    ending = signals_ending();
    close_screen(out, err);
    signals_note_stops(0);
    log_set_sink(NULL, NULL);
    signals_hurry(2); /* it may hang in a library */
    failed = worker_free(ui.worker, repl_why(), &last, &error);
    if (last.data)
        console_print(console, last.data);
    if (error.code)
        console_error(console, &error);
    text_free(&last);
    lines_free(&ui.lines);
    view_free(&ui.view);
    close(out);
    close(err);
    console_take_log(console);
    return ending ? 128 + ending : failed ? 1 : 0;
}
