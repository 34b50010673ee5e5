/* What comes from a terminal: keys, escape sequences, pastes and mouse events at the prompt.  The first byte chooses
 * the mode of editing, and whether it is the prompt of the panes, their keys, or the plain prompt, which readline
 * draws. At the latter \376 is a pause and \377 a new size, of as many rows and columns as the two bytes behind it say.
 */
#include "prompt.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "common.h"
#include "keys.h"
#include "signals.h"

enum { VI = 1, PANES = 2, LINE = 4, WIDTH = 80, LONGEST = 2 * 16384, MOST = 4000, PAUSE = 254, RESIZE = 255 };

static struct input input;
static int ended;
static struct {
    const uint8_t *next, *end; /* of the plain prompt's */
    int ended;                 /* with a Ctrl-C */
    int descriptor;            /* the terminal's other side; -1: there is none */
} typed;

static int complete(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                    void *context) {
    static const char *const words[] = {"print", "step", "strategy", "stop", "stepi", "val0_epoch/forces_mae"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (!strncmp(words[k], word, strlen(word)))
            add(context, words[k]);
    return line[0] == 's';
}

static void take(char *line) {
    ended |= !line;
    free(line);
}

static void draw(void) {
}

/* A search may show a line that is shorter than the one it has found. */
static void check_line(void) {
    if (rl_point < 0 || (rl_point > rl_end && !RL_ISSTATE(RL_STATE_ISEARCH)) || rl_end > LONGEST ||
        rl_line_buffer[rl_end] || !rl_display_prompt)
        fuzz_fail("the line is out of order: point %d, end %d", rl_point, rl_end);
}

static void say(const char *text) {
    if (!strlen(text))
        fuzz_fail("nothing is said");
}

static int width(void) {
    return WIDTH;
}

/* ---------------------------------------------------------------- what a terminal does */

/* Whether a byte is there.  Nothing comes behind the input, however long one waits. */
static int is_typed(void) {
    if (typed.next < typed.end && *typed.next == PAUSE) {
        typed.next++;
        return 0;
    }
    return typed.next < typed.end;
}

static int resize(void) {
    if (typed.end - typed.next < 3 || *typed.next != RESIZE)
        return 0;
    struct winsize size = {.ws_row = typed.next[1], .ws_col = typed.next[2]};
    typed.next += 3;
    ioctl(typed.descriptor, TIOCSWINSZ, &size);
    raise(SIGWINCH);
    return 1;
}

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout) {
    (void)count, (void)timeout;
    polled->revents = is_typed() ? POLLIN : 0;
    return polled->revents != 0;
}

/* For those who wait however long it takes: at the end there is a Ctrl-C. */
int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    sigset_t before;
    (void)count, (void)timeout;
    int ends = typed.next == typed.end && !typed.ended,
        interrupts = ends || (typed.next < typed.end && *typed.next == 3);
    if (interrupts)
        raise(SIGINT);
    typed.ended |= ends;
    typed.next += interrupts && !ends;
    if (interrupts || resize()) {
        pthread_sigmask(SIG_SETMASK, mask, &before);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        errno = EINTR;
        return -1;
    }
    is_typed();
    polled->revents = POLLIN;
    return 1;
}

ssize_t __real_read(int descriptor, void *bytes, size_t size);
ssize_t __wrap_read(int descriptor, void *bytes, size_t size);
ssize_t __wrap_read(int descriptor, void *bytes, size_t size) {
    if (descriptor != STDIN_FILENO)
        return __real_read(descriptor, bytes, size);
    if (typed.next == typed.end || !size)
        return 0;
    *(uint8_t *)bytes = *typed.next++;
    return 1;
}

struct session;
int __wrap_session_complete(struct session *session, const char *line, const char *word,
                            void (*add)(void *context, const char *candidate), void *context);
int __wrap_session_complete(struct session *session, const char *line, const char *word,
                            void (*add)(void *context, const char *candidate), void *context) {
    (void)session;
    return complete(line, word, add, context);
}

static void open_terminal(void) {
    struct winsize size = {.ws_row = 24, .ws_col = WIDTH};
    int side;
    typed.descriptor = -1;
    if (openpty(&typed.descriptor, &side, NULL, NULL, &size))
        return; /* its size is always the same then */
    dup2(side, STDIN_FILENO);
    close(side);
}

/* ---------------------------------------------------------------- fuzzing */

/* Beside what readline binds by itself. */
static const char inputrc[] = "set bell-style none\n"
                              "\"\\C-xp\": history-search-backward\n"
                              "\"\\C-xn\": history-search-forward\n"
                              "\"\\C-xs\": history-substring-search-backward\n"
                              "\"\\C-xm\": menu-complete\n"
                              "\"\\C-xv\": vi-editing-mode\n"
                              "\"\\C-xc\": character-search\n"
                              "\"\\C-xk\": \"print \\C-rst\\C-a\\C-k\\C-y\"\n"
                              "\"\\C-xj\": \"\\e4\\e[\\C-g\\C-pz\\C-_\"\n"
                              "set keymap vi-command\n"
                              "\"\\C-xv\": emacs-editing-mode\n"
                              "\"\\C-xk\": \"kx.k/st\\C-mu\"\n";

void fuzz_open(void) {
    fuzz_write("inputrc", inputrc, strlen(inputrc));
    setenv("INPUTRC", "inputrc", 1);
    setenv("XDG_STATE_HOME", fuzz_folder(), 1);
    setenv("HOME", fuzz_folder(), 1);
    setenv("TERM", "xterm-256color", 1);
    open_terminal();
    signals_install(0);
    signal(SIGTERM, SIG_DFL); /* whoever hangs here is to be ended */
    rl_outstream = fopen("/dev/null", "w");
    rl_initialize(); /* while it believes that it draws: it asks what the terminal can do */
}

static void obey(int panes) {
    enum input_kind kind;
    size_t used;
    while (!ended && (kind = input_next(&input)) != INPUT_NOTHING) {
        if (kind == INPUT_INTERRUPT)
            prompt_clear();
        if (kind == INPUT_INTERRUPT || kind == INPUT_STOP || kind == INPUT_MOUSE ||
            (kind == INPUT_ESCAPE && !prompt_wants_escape()))
            continue;
        if (!panes || kind != INPUT_TEXT) {
            prompt_obey(kind);
            check_line();
            continue;
        }
        keys_find(input.bytes, input_text_size(&input), &used);
        if (!used || used > input_text_size(&input))
            fuzz_fail("a key of %zu bytes where there are %zu", used, input.count);
        input_take(&input, used);
    }
}

static void read_lines(void) {
    enum prompt_result result;
    char *line = NULL;
    do {
        result = prompt_read("(fettle) ", &line);
        signals_forget();
        check_line();
        if ((result == PROMPT_LINE) != (line != NULL))
            fuzz_fail("result %d, and %s line", (int)result, line ? "a" : "no");
        free(line);
    } while (!typed.ended);
}

static void open_as(int line) {
    static const struct prompt_options options = {complete, take, draw, say, width, &input, "(fettle) "};
    static int is_open = -1;
    if (is_open == line)
        return;
    if (is_open >= 0)
        prompt_close();
    if (line == 1)
        prompt_open(NULL);
    else if (line == 0)
        prompt_open_with(&options);
    is_open = line;
}

void fuzz_input(const uint8_t *data, size_t size) {
    if (!size || size > MOST)
        return;
    input = (struct input){.interrupt = 3, .stop = 26, .ignored = 28};
    ended = 0;
    rl_variable_bind("editing-mode", data[0] & VI ? "vi" : "emacs");
    open_as((data[0] & LINE) != 0);
    if (data[0] & LINE) {
        typed.next = data + 1;
        typed.end = data + size;
        typed.ended = 0;
        read_lines();
    } else {
        memcpy(input.bytes, data + 1, size - 1);
        input.count = size - 1;
        obey(data[0] & PANES);
        prompt_clear();
    }
    clear_history();
    if (fuzz_replays()) /* opening it takes longer than an input does */
        open_as(-1);
}
