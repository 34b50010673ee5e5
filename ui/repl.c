#include "repl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "builtin.h"
#include "prompt.h"
#include "screen.h"
#include "session/session.h"
#include "signals.h"

static const char prompt_text[] = "(fettle) ";

/* ---------------------------------------------------------------- what the session asks of a front end */

static void print(void *context, const char *text) {
    console_print(context, text);
}

static void progress(void *context, const char *line) {
    console_progress(context, line);
}

static int abandoned(void *context) {
    (void)context;
    return signals_abandoned();
}

static int interrupted(void *context) {
    (void)context;
    return signals_interrupted();
}

/* ---------------------------------------------------------------- executing */

/* Quotes a word for a command line. */
static void add_quoted(struct text *line, const char *word) {
    text_add(line, " \"");
    for (; *word; word++) {
        if (*word == '"' || *word == '\\')
            text_add(line, "\\");
        text_add_bytes(line, word, 1);
    }
    text_add(line, "\"");
}

static void add_open(const struct repl_options *options, struct text *line) {
    text_add(line, "open");
    if (options->session)
        add_quoted(line, options->session);
    for (int k = 0; k < options->noverrides; k++)
        add_quoted(line, options->overrides[k]);
}

static int open_first(struct session *session, const struct repl_options *options, struct error *error) {
    struct text line = {0};
    int code;

    add_open(options, &line);
    code = line.failed ? error_set(error, ERROR_MEMORY, "out of memory") : session_execute(session, line.data, error);
    text_free(&line);
    return code;
}

int repl_send_first(const struct repl_options *options, int (*send)(struct worker *worker, const char *line),
                    struct worker *worker) {
    struct text line = {0};
    int failed;

    add_open(options, &line);
    failed = line.failed || send(worker, line.data);
    for (int k = 0; k < options->ncommands; k++)
        failed |= send(worker, options->commands[k]);
    text_free(&line);
    return failed ? -1 : 0;
}

/* One line at the prompt: a mistake is reported and no more. */
static void execute(struct session *session, const char *line, struct console *console) {
    struct error error = {0};

    if (session_execute(session, line, &error) && error.code != ERROR_INTERRUPT)
        console_error(console, &error);
    console_progress(console, "");
    if (!signals_ending())
        signals_forget();
}

static void read_terminal(struct session *session, struct console *console) {
    char *line = NULL;

    prompt_open(session);
    while (!session_finished(session) && !signals_ending()) {
        enum prompt_result result = prompt_read(prompt_text, &line);
        if (result == PROMPT_END) {
            signals_check_terminal();
            break;
        }
        signals_forget();
        if (result == PROMPT_LINE)
            execute(session, line, console);
        free(line);
        line = NULL;
    }
    prompt_close();
}

static int read_lines(struct session *session, struct console *console, struct error *error) {
    struct text line = {0};
    int code = 0;

    while (!code && !session_finished(session) && !signals_ending() && !console->out_error) {
        if ((code = session_read_line(stdin, &line, error)) || !line.size)
            break;
        /* An empty line repeats the last command at a prompt; in a stream it is a blank line. */
        if (line.data[strspn(line.data, " \t\r\n")])
            execute(session, line.data, console);
    }
    if (code)
        error_prefix(error, "standard input: ");
    text_free(&line);
    return code;
}

static int status_of(const struct error *error) {
    if (signals_ending())
        return 128 + signals_ending();
    switch (error->code) {
    case ERROR_NONE:
        return 0;
    case ERROR_USAGE:
        return 2;
    case ERROR_INTERRUPT:
        return 130;
    default:
        return 1;
    }
}

/* Commands and script, until the first that fails. */
static int execute_given(struct session *session, const struct repl_options *options, struct error *error) {
    int code = 0;

    for (int k = 0; k < options->ncommands && !code && !session_finished(session); k++) {
        code = session_execute(session, options->commands[k], error);
        if (code && !error->file[0])
            error_prefix(error, "%s: ", options->commands[k]);
    }
    if (!code && options->script && !session_finished(session))
        code = session_source(session, options->script, 0, error);
    return code;
}

int repl_run(const struct repl_options *options, struct console *console) {
    struct session_options session_options = {.print = print,
                                              .progress = console->live ? progress : NULL,
                                              .interrupted = interrupted,
                                              .abandoned = abandoned,
                                              .context = console,
                                              .builtin = builtin_session,
                                              .threads = options->threads};
    struct session *session = NULL;
    struct error error = {0};
    int terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int status = 0;

    if (!options->line && terminal && !options->batch && screen_possible() &&
        (status = screen_run(options, console)) >= 0)
        return status;
    signals_install(0);
    status = 0;
    if (session_new(&session, &session_options, &error))
        goto out;
    /* At a prompt a session that does not open is a mistake like any other; in a script it ends the script. */
    if (!options->batch && open_first(session, options, &error)) {
        console_error(console, &error);
        memset(&error, 0, sizeof error);
    }
    if (execute_given(session, options, &error) || options->batch || session_finished(session))
        goto out;
    if (terminal)
        read_terminal(session, console);
    else
        read_lines(session, console, &error);
out:
    if (session && signals_ending())
        session_rescue(session);
    console_progress(console, "");
    if (error.code)
        console_error(console, &error);
    status = status_of(&error);
    session_free(session);
    return status;
}
