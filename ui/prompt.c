#include "prompt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <string.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>
#include "base/file.h"
#include "session/session.h"
#include "signals.h"

enum { HISTORY_LINES = 2000, MAX_CANDIDATES = 4096 };

/* readline's callbacks carry no context. */
static struct {
    struct session *session;
    prompt_complete *complete; /* in place of the session's own; NULL: that */
    char history[4096];
    char *line;
    int done;
    char **candidates;
    size_t count, next;
    int held; /* a byte that line_byte has not given to readline yet; 0: none */
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
    files = prompt_state.complete ? prompt_state.complete(line, word, add_candidate, NULL)
                                  : session_complete(prompt_state.session, line, word, add_candidate, NULL);
    if (prompt_state.count)
        matches = rl_completion_matches(word, next_candidate);
    for (; prompt_state.next < prompt_state.count; prompt_state.next++)
        free(prompt_state.candidates[prompt_state.next]);
    if (!matches && files)
        rl_attempted_completion_over = 0;
    free(line);
    return matches;
}

/* ---------------------------------------------------------------- history */

static void find_history(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char folder[4000] = "";

    if (state && state[0] == '/')
        snprintf(folder, sizeof folder, "%s/fettle", state);
    else if (home && home[0] == '/')
        snprintf(folder, sizeof folder, "%s/.local/state/fettle", home);
    prompt_state.history[0] = '\0';
    /* Where the folder cannot be made there is no history file: no reason to stop anyone. */
    if (folder[0] && file_make_directories(folder, NULL) == 0)
        snprintf(prompt_state.history, sizeof prompt_state.history, "%s/history", folder);
}

/* Ctrl-C does not throw away what has been typed: what poll has seen would be gone before it is read, and reading would
 * wait with signals blocked. */
static void prepare(int meta) {
    struct termios modes;
    rl_prep_terminal(meta);
    if (!tcgetattr(STDIN_FILENO, &modes)) {
        modes.c_lflag |= NOFLSH;
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
}

static int nothing(int count, int key) {
    (void)count, (void)key;
    return 0;
}

int prompt_held(void) {
    int byte = prompt_state.held;
    prompt_state.held = 0;
    return byte;
}

static void feed(int byte) {
    prompt_state.held = byte;
    rl_callback_read_char();
}

void prompt_end_search(void) {
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH))
        feed('\n');
}

int prompt_ends_search(int byte) {
    return RL_ISSTATE(RL_STATE_ISEARCH) && (byte == '\033' || byte == CTRL('X'));
}

/* readline 8.2 loses count of who owns the list of what can be undone (the line, the entry of the history it comes
 * from, the line that was typed before one looked there), and frees it twice when the line is done with.  It is
 * forgotten before: some bytes a line. */
extern HIST_ENTRY *_rl_saved_line_for_history;

void prompt_forget_undo(void) {
    HIST_ENTRY *entry = current_history();
    rl_undo_list = NULL;
    if (entry)
        entry->data = NULL;
    if (_rl_saved_line_for_history)
        _rl_saved_line_for_history->data = NULL;
}

void prompt_clear(void) {
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH))
        feed(CTRL('G'));
    prompt_forget_undo();
    rl_free_line_state();
    rl_callback_sigcleanup();
    using_history(); /* back to its end */
    rl_replace_line("", 0);
    rl_point = 0;
}

/* The byte that has ended a search is held back. */
static int line_byte(FILE *stream) {
    int byte = prompt_held();
    if (!byte)
        byte = rl_getc(stream);
    if (!prompt_ends_search(byte))
        return byte;
    prompt_state.held = byte;
    return '\n';
}

static void open_prompt(void) {
    /* readline would read a paste to its end whatever happens, and never come back from one that has none */
    rl_variable_bind("enable-bracketed-paste", "off");
    rl_bind_keyseq("\\e[200~", nothing);
    rl_bind_keyseq("\\e[201~", nothing);
    rl_variable_bind("keyseq-timeout", "0"); /* it would look for the rest of a key behind our back */
    if (rl_getc_function == rl_getc)
        rl_getc_function = line_byte;
    signal(SIGQUIT, SIG_IGN); /* Ctrl-\ lies beside Enter; it would leave the terminal as it is */
    /* Alt-9 a few times, and readline would insert the next character for minutes: no numeric arguments */
    rl_unbind_function_in_map(rl_digit_argument, emacs_meta_keymap);
    /* these free what can be undone as well: see prompt_forget_undo */
    rl_unbind_function_in_map(rl_vi_editing_mode, emacs_meta_keymap);
    rl_unbind_function_in_map(rl_revert_line, emacs_meta_keymap);
    rl_readline_name = "fettle";
    rl_catch_signals = 0;
    if (rl_prep_term_function)
        rl_prep_term_function = prepare;
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t\n";
    rl_completer_quote_characters = "\"'";
    using_history();
    find_history();
    if (prompt_state.history[0])
        read_history(prompt_state.history);
}

void prompt_open(struct session *session) {
    prompt_state.session = session;
    prompt_state.complete = NULL;
    open_prompt();
}

void prompt_open_with(prompt_complete *complete_words) {
    prompt_state.complete = complete_words;
    open_prompt();
}

void prompt_close(void) {
    rl_callback_handler_remove();
    if (prompt_state.history[0]) {
        stifle_history(HISTORY_LINES);
        write_history(prompt_state.history);
    }
    clear_history();
    rl_clear_history();
    free(prompt_state.candidates);
    prompt_state.candidates = NULL;
}

/* ---------------------------------------------------------------- reading */

static void take_line(char *line) {
    prompt_forget_undo();
    prompt_state.line = line;
    prompt_state.done = 1;
    rl_callback_handler_remove();
}

void prompt_remember(const char *line) {
    HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

    if (line[0] && !(last && strcmp(last->line, line) == 0))
        add_history(line);
}

/* After a stop, whatever the terminal has been used for meanwhile. */
static void come_back(void) {
    rl_deprep_terminal(); /* what readline has done already it would not do again */
    prepare(1);
    rl_resize_terminal();
    rl_crlf();
    rl_forced_update_display();
}

/* Ctrl-Z: the shell gets a sane terminal. */
static void suspend(void) {
    rl_deprep_terminal();
    signals_stop();
    come_back();
}

/* The callback interface, because a plain readline() call cannot be left from a signal in the middle of a search.
 * Signals come only while waiting, so that none is missed between the look and the wait. */
enum prompt_result prompt_read(const char *prompt, char **line) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    enum prompt_result result = PROMPT_END;
    sigset_t ours, before;

    signals_awaited(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    signals_note_stops(1);
    *line = prompt_state.line = NULL;
    prompt_state.done = 0;
    rl_callback_handler_install(prompt, take_line);
    while (!prompt_state.done) {
        int ready = ppoll(&input, 1, NULL, &before);
        if (signals_interrupted()) {
            prompt_clear();
            rl_crlf();
            rl_callback_handler_remove();
            result = signals_ending() ? PROMPT_END : PROMPT_INTERRUPTED;
            goto out;
        }
        if (ready < 0 && errno != EINTR)
            break;
        if (signals_stop_asked())
            suspend();
        if (signals_continued())
            come_back();
        if (rl_pending_signal())
            rl_check_signals(); /* a new size */
        /* A terminal that is gone reads as an end of file. */
        if (ready > 0)
            do
                rl_callback_read_char();
            while (prompt_state.held && !prompt_state.done);
    }
    if (prompt_state.line) {
        prompt_remember(prompt_state.line);
        *line = prompt_state.line;
        result = PROMPT_LINE;
    } else {
        rl_callback_handler_remove();
    }
out:
    signals_note_stops(0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}
