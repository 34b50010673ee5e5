#include "prompt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "console.h"
#include "recall.h"
#include "session/session.h"
#include "signals.h"
#include "words.h"

enum {
    MAX_CANDIDATES = 4096,
    SHOWN_MOST = 400,
    ARGUMENT_MOST = 1000,
    COLUMNS_LEAST = 12,
    SEARCHES = RL_STATE_ISEARCH | RL_STATE_NSEARCH
};

/* readline's callbacks carry no context. */
static struct {
    struct prompt_options options;
    struct session *session; /* of those who read line by line */
    struct input input;
    char **lines;      /* that have been taken and not been asked for: a macro may hold many */
    int nlines, ended; /* where there is one, or no more, nothing is drawn */
    int pastes;        /* the terminal is asked to say what is pasted */
    const char *ahead; /* what readline reads before the input */
    int held;          /* and a byte before that; 0: none */
    char **candidates;
    size_t count, next;
} prompt_state;

/* ---------------------------------------------------------------- completion */

static void add_candidate(void *context, const char *candidate) {
    (void)context;
    if (prompt_state.count == MAX_CANDIDATES)
        return;
    if (!prompt_state.candidates)
        prompt_state.candidates = calloc(MAX_CANDIDATES, sizeof *prompt_state.candidates);
    if (prompt_state.candidates && (prompt_state.candidates[prompt_state.count] = strdup(candidate)))
        prompt_state.count++;
}

/* readline asks until it gets NULL, and frees what it got. */
static char *next_candidate(const char *word, int state) {
    (void)word;
    (void)state;
    return prompt_state.next < prompt_state.count ? prompt_state.candidates[prompt_state.next++] : NULL;
}

static char **complete(const char *word, int start, int end) {
    char *line = strndup(rl_line_buffer, (size_t)end);
    char **matches = NULL;
    int files = 0;

    (void)start;
    rl_attempted_completion_over = 1;
    if (!line)
        return NULL;
    prompt_state.count = prompt_state.next = 0;
    files = prompt_state.options.complete(line, word, add_candidate, NULL);
    if (prompt_state.count)
        matches = rl_completion_matches(word, next_candidate);
    for (; prompt_state.next < prompt_state.count; prompt_state.next++)
        free(prompt_state.candidates[prompt_state.next]);
    if (!matches && files)
        rl_attempted_completion_over = 0;
    free(line);
    return matches;
}

static void show_matches(char **matches, int count, int longest) {
    int shown = count < SHOWN_MOST ? count : SHOWN_MOST, across = prompt_state.options.width() / (longest + 2);
    char cell[512];

    across = across > 0 ? across : 1;
    rl_crlf();
    for (int k = 1; k <= shown; k++) {
        int ends = k % across == 0 || k == shown;
        snprintf(cell, sizeof cell - 1, "%-*s", ends ? 0 : longest + 2, matches[k]);
        prompt_state.options.say(ends ? strcat(cell, "\n") : cell);
    }
    if (shown < count) {
        snprintf(cell, sizeof cell, "and %d more\n", count - shown);
        prompt_state.options.say(cell);
    }
    rl_forced_update_display();
}

/* ---------------------------------------------------------------- what readline reads */

/* A search ends before keys like Ctrl-X: by callbacks, readline would do what they mean behind the key after them. */
static int next_byte(FILE *stream) {
    int byte = prompt_state.held;

    (void)stream;
    prompt_state.held = 0;
    if (byte)
        return byte;
    if (prompt_state.ahead && *prompt_state.ahead)
        byte = (unsigned char)*prompt_state.ahead++;
    else
        byte = input_byte(prompt_state.options.input);
    if (RL_ISSTATE(RL_STATE_ISEARCH) && byte > 0 && byte != ESC && rl_get_keymap()[byte].type == ISKMAP) {
        prompt_state.held = byte;
        return ESC;
    }
    return byte;
}

static int goes_on(void) {
    return input_goes_on(prompt_state.options.input);
}

/* Where readline jumps to when it gives a key up.  Not in its headers; bash has it from the library as well.  Reading
 * by callbacks, readline 8.2 sets it to a function that has returned when it goes on to bytes that a sequence or a
 * macro has left; so it is set anew behind each key. */
extern sigjmp_buf _rl_top_level;
static sigjmp_buf given_up;

static void read_one(void) {
    if (sigsetjmp(given_up, 0))
        rl_redisplay_function();
    else
        rl_callback_read_char();
}

/* By callbacks, readline leaves what a macro holds behind the beginning of a search to the next key. */
static void read_key(void) {
    do
        read_one();
    while (RL_ISSTATE(RL_STATE_MACROINPUT) || prompt_state.held);
}

static void feed(const char *bytes) {
    prompt_state.options.input->last = 0;
    for (prompt_state.ahead = bytes; *prompt_state.ahead;)
        read_key();
}

/* After each key, those of macros too: no number, and no line, gets so big that it holds anyone up.  What vi's commands
 * may leave behind a zero in the line, when one is repeated within another, is no part of it. */
static void redisplay(void) {
    memcpy(&_rl_top_level, &given_up, sizeof given_up);
    recall_keep_sound();
    if (rl_numeric_arg > ARGUMENT_MOST) {
        rl_numeric_arg = ARGUMENT_MOST;
        if (RL_ISSTATE(RL_STATE_NUMERICARG)) {
            rl_message("(arg: %d) ", rl_numeric_arg);
            return;
        }
    }
    int end = (int)strnlen(rl_line_buffer, RECALL_LINE_MOST);
    if (rl_end > end && !RL_ISSTATE(RL_STATE_DISPATCHING)) {
        while (end > 0 && (rl_line_buffer[end] & 0xc0) == 0x80)
            end--;
        rl_delete_text(end, rl_end);
        rl_point = rl_point < end ? rl_point : end;
        rl_mark = rl_mark < end ? rl_mark : end;
        rl_ding();
    }
    if (!prompt_state.nlines && !prompt_state.ended)
        prompt_state.options.draw();
}

/* Out of the middle of a key, of a number, of a motion; a search goes on. */
static void settle(void) {
    if (RL_ISSTATE(RL_STATE_VIMOTION))
        RL_UNSETSTATE(RL_STATE_VIMOTION | RL_STATE_NUMERICARG);
    if (RL_ISSTATE(RL_STATE_NUMERICARG))
        feed("\a");
    if (!RL_ISSTATE(SEARCHES))
        rl_callback_sigcleanup();
}

/* Each line of it is as if it had been typed; an empty one is not: it would repeat a command. */
static void paste(char *text) {
    size_t size = strlen(text);
    int ends = size && text[size - 1] == '\n';

    text[size -= (size_t)ends] = '\0';
    settle();
    if (RL_ISSTATE(SEARCHES)) {
        feed(text);
    } else {
        if (rl_end + (int)size > RECALL_LINE_MOST)
            text[rl_end < RECALL_LINE_MOST ? RECALL_LINE_MOST - rl_end : 0] = '\0';
        rl_insert_text(text);
        rl_last_func = NULL;
    }
    if (ends && rl_line_buffer[strspn(rl_line_buffer, " ")])
        feed("\r");
    else
        rl_redisplay_function();
}

void prompt_obey(enum input_kind kind) {
    if (kind == INPUT_TEXT)
        read_key();
    else if (kind == INPUT_PASTE)
        paste(prompt_state.options.input->text);
    else if (kind == INPUT_ESCAPE)
        feed("\033");
}

int prompt_wants_escape(void) {
    return RL_ISSTATE(RL_STATE_ISEARCH) || (rl_editing_mode == 0 && rl_get_keymap() == vi_insertion_keymap);
}

static int begin_paste(int count, int key) {
    (void)count, (void)key;
    input_begin_paste(prompt_state.options.input);
    return 0;
}

static int nothing(int count, int key) {
    (void)count, (void)key;
    return 0;
}

/* ---------------------------------------------------------------- opening and closing */

void prompt_bind(const char *keys, int (*command)(int count, int key)) {
    const Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};

    for (size_t k = 0; k < sizeof maps / sizeof *maps; k++)
        rl_bind_keyseq_in_map(keys, command, maps[k]);
}

/* readline calls it before each line. */
static int begin_line(void) {
    if (RL_ISSTATE(SEARCHES)) { /* by callbacks, readline may end the line with a key that comes before it */
        rl_callback_sigcleanup();
        rl_replace_line("", 1);
        using_history();
    }
    recall_revert();
    rl_last_func = NULL; /* no search goes on from what was */
    return 0;
}

/* readline would wait for the end of a paste for ever: it is for input.h to know one. */
static void take_pastes(void) {
    const char *term = getenv("TERM"), *region = rl_variable_value("enable-active-region");

    prompt_state.pastes =
        term && *term && strcmp(term, "dumb") && !strcmp(rl_variable_value("enable-bracketed-paste"), "on");
    rl_variable_bind("enable-bracketed-paste", "off"); /* and the region with it */
    rl_variable_bind("enable-active-region", region);
    prompt_bind("\\e[200~", begin_paste);
    prompt_bind("\\e[201~", nothing);
}

static void open_prompt(void) {
    signal(SIGQUIT, SIG_IGN); /* Ctrl-\ lies beside Enter; it would leave the terminal as it is */
    rl_readline_name = "fettle";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_getc_function = next_byte;
    rl_input_available_hook = goes_on;
    rl_startup_hook = begin_line;
    rl_attempted_completion_function = complete;
    rl_completion_display_matches_hook = show_matches;
    rl_completion_query_items = 0;
    rl_completer_word_break_characters = " \t\n";
    rl_completer_quote_characters = "\"'";
    /* beside Alt-Enter, and nobody comes there by intention: `set editing-mode vi` is for those who want it */
    rl_unbind_function_in_map(rl_vi_editing_mode, emacs_meta_keymap);
    rl_initialize(); /* it reads the inputrc */
    rl_redisplay_function = redisplay;
    take_pastes();
    words_open();
    recall_open();
}

static void take(char *line) {
    if (line)
        recall_add(line);
    prompt_state.options.take(line);
}

void prompt_open_with(const struct prompt_options *options) {
    prompt_state.options = *options;
    rl_outstream = fopen("/dev/null", "w");
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_redisplay_function = redisplay; /* it does not ask what the terminal can do: curses has */
    open_prompt();
    rl_callback_handler_install(options->prompt, take);
}

void prompt_close(void) {
    rl_callback_handler_remove();
    recall_close();
    while (prompt_state.nlines)
        free(prompt_state.lines[--prompt_state.nlines]);
    free(prompt_state.lines);
    free(prompt_state.candidates);
    prompt_state.lines = prompt_state.candidates = NULL;
}

/* ---------------------------------------------------------------- lines */

static void give_up(void) {
    settle();
    rl_free_line_state();
    rl_callback_sigcleanup();
    rl_replace_line("", 1);
    rl_point = 0;
    input_end_paste(prompt_state.options.input);
}

void prompt_clear(void) {
    give_up();
    rl_callback_handler_install(prompt_state.options.prompt, take);
}

/* ---------------------------------------------------------------- line by line */

/* Ctrl-C does not throw away what has been typed: what poll has seen would be gone before it is read, and reading would
 * wait with signals blocked.  Ctrl-S is a key. */
static void prepare(int meta) {
    struct termios modes;
    rl_prep_terminal(meta);
    if (!tcgetattr(STDIN_FILENO, &modes)) {
        modes.c_lflag |= NOFLSH;
        modes.c_iflag &= ~(tcflag_t)IXON;
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    if (prompt_state.pastes)
        input_ask_pastes(STDOUT_FILENO, 1);
}

static void unprepare(void) {
    if (prompt_state.pastes)
        input_ask_pastes(STDOUT_FILENO, 0);
    rl_deprep_terminal();
}

static int complete_session(const char *line, const char *word, void (*add)(void *context, const char *candidate),
                            void *context) {
    return session_complete(prompt_state.session, line, word, add, context);
}

static void take_line(char *line) {
    char **more = line ? realloc(prompt_state.lines, (size_t)(prompt_state.nlines + 1) * sizeof *more) : NULL;

    if (!more) {
        rl_crlf();
        prompt_state.ended = 1;
        free(line);
        return;
    }
    prompt_state.lines = more;
    prompt_state.lines[prompt_state.nlines++] = line;
}

static char *first_line(void) {
    char *line = prompt_state.nlines ? prompt_state.lines[0] : NULL;

    if (line)
        memmove(prompt_state.lines, prompt_state.lines + 1, (size_t)--prompt_state.nlines * sizeof line);
    return line;
}

static void say(const char *text) {
    console_write(stdout, "%s", text);
}

static int width(void) {
    int rows, columns;

    rl_get_screen_size(&rows, &columns);
    return columns;
}

void prompt_open(struct session *session) {
    prompt_state.session = session;
    prompt_state.input.at_once = 1; /* what stands behind the last line is not ours */
    prompt_state.options = (struct prompt_options){.complete = complete_session,
                                                   .take = take_line,
                                                   .draw = rl_redisplay,
                                                   .say = say,
                                                   .width = width,
                                                   .input = &prompt_state.input};
    rl_prep_term_function = prepare;
    rl_deprep_term_function = unprepare;
    open_prompt();
}

/* Below the line, with the cursor wherever it stands in it. */
static void go_below(void) {
    rl_point = rl_end;
    rl_redisplay();
    rl_crlf();
}

/* In another row, whatever stands in this one. */
static void draw_again(void) {
    rl_crlf();
    rl_forced_update_display();
}

static void follow_size(void) {
    int rows, columns;

    rl_redisplay_function = rl_redisplay; /* or it would be drawn without what is there being cleared */
    rl_resize_terminal();
    rl_redisplay_function = redisplay;
    rl_get_screen_size(&rows, &columns);
    if (columns < COLUMNS_LEAST)
        rl_set_screen_size(rows, COLUMNS_LEAST);
}

/* After a stop, whatever the terminal has been used for meanwhile. */
static void come_back(void) {
    unprepare(); /* what readline has done already it would not do again */
    prepare(1);
    follow_size();
    draw_again();
}

/* Ctrl-Z: the shell gets a sane terminal. */
static void suspend(void) {
    unprepare();
    signals_stop(0);
    come_back();
}

/* The callback interface, because a plain readline() call cannot be left from a signal.  Signals come only while
 * waiting, so that none is missed between the look and the wait. */
enum prompt_result prompt_read(const char *prompt, char **line) {
    struct pollfd waiting = {.fd = STDIN_FILENO, .events = POLLIN};
    struct sigaction winch_before;
    struct input *input = &prompt_state.input;
    enum prompt_result result = PROMPT_END;
    enum input_kind kind;
    sigset_t ours, before;

    if ((*line = first_line())) {
        console_write(stdout, "%s%s\n", prompt, *line);
        return PROMPT_LINE;
    }
    prompt_state.ended = 0;
    signals_awaited(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    signals_note_stops(1);
    signals_note_resizes(&winch_before);
    follow_size();
    rl_callback_handler_install(prompt, take);
    if (input->pasting)
        input_begin_paste(input); /* it was not the paste that paused */
    while (!prompt_state.nlines && !prompt_state.ended && result == PROMPT_END) {
        int ready = signals_interrupted() ? 0 : signals_poll(&waiting, 1, NULL, &before);
        if (signals_interrupted()) {
            go_below();
            prompt_state.ended = 1;
            give_up();
            while (prompt_state.nlines) /* of the macro that it was in the middle of */
                free(first_line());
            if (signals_ending())
                break;
            result = PROMPT_INTERRUPTED;
            continue;
        }
        if (ready < 0 && errno != EINTR)
            break;
        if (signals_save_noted()) {
            rl_crlf();
            session_save_if_asked(prompt_state.session);
            rl_forced_update_display();
        }
        if (signals_stop_asked())
            suspend();
        if (signals_continued())
            come_back();
        if (signals_resized())
            follow_size();
        if (ready > 0 && !input_read(input))
            break; /* the terminal is gone */
        while (!prompt_state.nlines && !prompt_state.ended && (kind = input_next(input)) != INPUT_NOTHING)
            prompt_obey(kind);
    }
    rl_callback_handler_remove();
    if ((*line = first_line()))
        result = PROMPT_LINE;
    signals_note_stops(0);
    sigaction(SIGWINCH, &winch_before, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}
