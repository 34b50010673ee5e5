#include "session/execute.h"

#include <stdlib.h>
#include <string.h>

#include "session/keeping.h"
#include "session/session_internal.h"

static void remember(struct session *session, const struct command *command, const char *line) {
    char *copy = command->flags & COMMAND_REPEAT ? strdup(line) : NULL;

    free(session->repeat);
    session->repeat = copy;
}

/* What callbacks of the run write, too. */
static void confine(struct session *session, int on) {
    session->confined = on;
    if (session->trainer)
        trainer_confine(session->trainer, on);
}

/* A line that can be executed now, by a command with all of the flags; *command is NULL where it is empty. */
static int read_command(struct session *session, const char *text, unsigned flags, struct command_line *line,
                        const struct command **command, struct error *error) {
    int code = command_split(line, text, error);

    *command = NULL;
    if (code || line->count == 0 || (code = command_find(command, line->words[0], error)))
        return code;
    if (flags & ~(*command)->flags)
        return error_set(error, ERROR_USAGE, "%s does more than look, or takes its time", (*command)->name);
    if ((code = command_check(*command, line, error)))
        return code;
    return ((*command)->flags & COMMAND_OPEN) && !session->trainer
               ? error_set(error, ERROR_STATE, "no session is open; `open FILE` opens one")
               : 0;
}

static int execute(struct session *session, const char *text, struct error *error) {
    const struct command *command;
    struct command_line line;
    int code = read_command(session, text, 0, &line, &command, error);

    if (code || !command)
        goto out;
    remember(session, command, text);
    session_log(session, "> ", text);
    if (!text_ends_with(text, "\n"))
        session_log(session, "", "\n");
    int confined = session_is_strange(session), before = session->confined;
    session->told = 0;
    confine(session, confined);
    code = command->exec(session, &line, error);
    confine(session, before);
    if (code == ERROR_INTERRUPT && !session->told) {
        session_print(session, "interrupted; nothing has changed\n");
        session->told = 1;
    }
out:
    command_line_free(&line);
    return code;
}

int session_look(struct session *session, const char *text, struct text *out, struct error *error) {
    const struct command *command;
    struct command_line line;
    int code = read_command(session, text, COMMAND_LOOK, &line, &command, error);

    if (!code && command) {
        struct text *before = session->captured;
        session->captured = out;
        code = command->exec(session, &line, error);
        session->captured = before;
    }
    command_line_free(&line);
    return code;
}

int session_draw(struct session *session, const char *text, struct room room, struct text *out, struct error *error) {
    const struct command *command;
    struct command_line line;
    int code = read_command(session, text, 0, &line, &command, error);

    if (!code && command && command->draw)
        code = command->draw(session, &line, room, out, error);
    else if (!code)
        code = session_look(session, text, out, error);
    command_line_free(&line);
    return code;
}

int session_execute(struct session *session, const char *line, struct error *error) {
    const char *before = session->guard.origin;
    session->guard.origin = NULL; /* even where it comes between two batches that a file asked for */
    int code = session_perform(session, line, error);
    session_save_if_asked(session);
    session->guard.origin = before;
    return code;
}

int session_perform(struct session *session, const char *line, struct error *error) {
    int code;

    if (commands_take_line(session, line, &code, error))
        return code;
    if (line[strspn(line, " \t\r\n")])
        return execute(session, line, error);
    if (!session->repeat)
        return 0;
    /* The command may replace what is repeated. */
    char *again = strdup(session->repeat);
    if (!again)
        return error_memory(error);
    code = execute(session, again, error);
    free(again);
    return code;
}

int session_is_live(const char *text) {
    const struct command *command = NULL;
    struct command_line line;
    int live = !command_split(&line, text, NULL) && line.count > 0 && !command_find(&command, line.words[0], NULL) &&
               (command->flags & COMMAND_LIVE);
    command_line_free(&line);
    return live;
}
