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
#include "user_folder.h"

static const char prompt_text[] = "(fettle) ";

/* ---------------------------------------------------------------- what the session tells, and asks */

static void tell(void *context, struct event *event) {
    if (event->kind == TOLD_TEXT)
        console_print(context, event->text);
    else if (event->kind == TOLD_PROGRESS)
        console_progress(context, event->text);
    event_free(event);
}

static int save_asked(void *context) {
    (void)context;
    return signals_save_asked();
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
    code = line.failed ? error_memory(error) : session_execute(session, line.data, error);
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
    struct error_list all = {0};
    struct error error = {.all = &all};

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
        if (result == PROMPT_END)
            signals_check_terminal();
        if (signals_ending())
            break;
        signals_forget();
        if (result != PROMPT_INTERRUPTED) /* Ctrl-D is a `quit` */
            execute(session, result == PROMPT_LINE ? line : "quit", console);
        free(line);
        line = NULL;
    }
    prompt_close();
}

static int read_lines(struct session *session, struct console *console, struct error *error) {
    struct text line = {0};
    int code = 0;

    while (!code && !session_finished(session) && !signals_ending() && !console->out_error) {
        signals_wake_reads(1);
        code = session_read_line(session, stdin, &line, error);
        signals_wake_reads(0);
        if (code || !line.size)
            break;
        /* An empty line repeats the last command at a prompt; in a stream it is a blank line. */
        if (line.data[strspn(line.data, " \t\r\n")])
            execute(session, line.data, console);
    }
    if (code == ERROR_INTERRUPT)
        memset(error, 0, sizeof *error); /* status_of knows */
    else if (code)
        error_prefix(error, "standard input: ");
    text_free(&line);
    return code;
}

static int status_of(const struct error *error) {
    if (signals_ending())
        return 128 + signals_ending();
    if (signals_interrupted() && !error->code)
        return 130;
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
        if (!code && options->batch && signals_interrupted())
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
        if (code && !error->file[0])
            error_prefix(error, "%s: ", options->commands[k]);
    }
    if (!code && options->script && !session_finished(session))
        code = session_source(session, options->script, 0, error);
    return code;
}

const char *repl_why(void) {
    return signals_interrupted() ? "interrupted" : "the run is kept";
}

void repl_own(const struct repl_options *options, struct session_options *out) {
    static char trusted[USER_FOLDER + 16];
    char folder[USER_FOLDER];

    if (*user_folder("XDG_CONFIG_HOME", ".config", folder))
        snprintf(trusted, sizeof trusted, "%s/trusted", folder);
    *out = (struct session_options){
        .builtin = builtin_session, .threads = options->threads, .trusted = trusted, .trust_all = options->trust};
}

/* What has been trained is kept, whatever the way out. */
static int leave(struct session *session, struct console *console) {
    struct text said = {0};
    struct error error = {0};
    int code = session_leave(session, repl_why(), &said, &error);

    if (error.code)
        console_error(console, &error);
    if (said.size)
        console_say(console, "%.*s", (int)said.size - 1, said.data);
    text_free(&said);
    return code;
}

int repl_run(const struct repl_options *options, struct console *console) {
    struct session_options session_options;
    struct session *session = NULL;
    struct error_list all = {0};
    struct error error = {.all = &all};
    int terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int status = 0;

    if (!options->line && terminal && !options->batch && screen_possible() &&
        (status = screen_run(options, console)) >= 0)
        return status;
    signals_install(terminal && !options->batch ? 0 : 3); /* after those that pause, and abandon the batch */
    status = 0;
    repl_own(options, &session_options);
    session_options.tell = tell;
    session_options.interrupted = interrupted;
    session_options.abandoned = abandoned;
    session_options.save_asked = save_asked;
    session_options.context = console;
    if (session_new(&session, &session_options, &error))
        goto out;
    /* At a prompt a session that does not open is a mistake like any other; in a script it ends the script. */
    if (!options->batch && open_first(session, options, &error)) {
        console_error(console, &error);
        error_clear(&error);
    }
    if (execute_given(session, options, &error) || options->batch || session_finished(session))
        goto out;
    if (terminal)
        read_terminal(session, console);
    else
        read_lines(session, console, &error);
out:
    console_progress(console, "");
    if (error.code)
        console_error(console, &error);
    status = status_of(&error);
    if (session && leave(session, console) && !status)
        status = 1;
    session_free(session);
    return status;
}
