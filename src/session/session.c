#include "base/print.h"
#include "session/session_internal.h"
#include "base/file.h"
#include "session/command/draft.h"
#include "session/view/info.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_LINE = 1 << 20 };

int session_new(struct session **out, const struct session_options *options, struct error *error) {
    struct session *session = calloc(1, sizeof *session);

    *out = session;
    if (!session)
        return error_set(error, ERROR_MEMORY, "out of memory");
    session->options = *options;
    view_begin(&session->view);
    session->rewinding.capacity = REWIND_STATES;
    return 0;
}

void session_free(struct session *session) {
    if (!session)
        return;
    session_close(session);
    stops_free(&session->stops);
    guard_free(&session->guard);
    free(session->repeat);
    free(session);
}

int session_finished(const struct session *session) {
    return session->finished;
}

int session_asked(const struct session *session) {
    return session->options.asked ? session->options.asked(session->options.context) : session_interrupted(session);
}

int session_interrupted(const struct session *session) {
    return session->options.interrupted && session->options.interrupted(session->options.context);
}

/* Once more than the front end does: the log is a border of its own. */
static void write_log(struct session *session, const char *prefix, const char *text) {
    struct text shown = {0};

    if (!session->log)
        return;
    text_add(&shown, prefix);
    text_add_shown(&shown, text, strlen(text));
    if (shown.data)
        fputs(shown.data, session->log);
    fflush(session->log);
    text_free(&shown);
}

void session_print(struct session *session, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    char *line = print_new_v(format, arguments);
    va_end(arguments);
    if (!line)
        return;
    if (session->captured) {
        text_add(session->captured, line);
        free(line);
        return;
    }
    session->options.print(session->options.context, line);
    write_log(session, "", line);
    free(line);
}

/* ---------------------------------------------------------------- executing */

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

static int execute(struct session *session, const char *text, struct error *error) {
    const struct command *command = NULL;
    struct command_line line;
    int code;

    if ((code = command_split(&line, text, error)) || line.count == 0)
        goto out;
    if ((code = command_find(&command, line.words[0], error)) || (code = command_check(command, &line, error)))
        goto out;
    if ((command->flags & COMMAND_OPEN) && !session->trainer) {
        code = error_set(error, ERROR_STATE, "no session is open; `open FILE` opens one");
        goto out;
    }
    remember(session, command, text);
    write_log(session, "> ", text);
    if (!text_ends_with(text, "\n"))
        write_log(session, "", "\n");
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
    const struct command *command = NULL;
    struct command_line line;
    int code;

    if ((code = command_split(&line, text, error)))
        goto out;
    if (line.count == 0 || (code = command_find(&command, line.words[0], error)))
        goto out;
    if (!(command->flags & COMMAND_LOOK))
        code = error_set(error, ERROR_USAGE, "%s does more than look, or takes its time", command->name);
    if (code || (code = command_check(command, &line, error)))
        goto out;
    if ((command->flags & COMMAND_OPEN) && !session->trainer) {
        code = error_set(error, ERROR_STATE, "no session is open; `open FILE` opens one");
        goto out;
    }
    struct text *before = session->captured;
    session->captured = out;
    code = command->exec(session, &line, error);
    session->captured = before;
out:
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

    if (session->stops.collecting)
        return session_collect(session, line, error);
    if (line[strspn(line, " \t\r\n")])
        return execute(session, line, error);
    if (!session->repeat)
        return 0;
    /* The command may replace what is repeated. */
    char *again = strdup(session->repeat);
    if (!again)
        return error_set(error, ERROR_MEMORY, "out of memory");
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

int session_keep_run(struct session *session, struct text *path, struct error *error) {
    struct trainer *trainer = session->trainer;
    int code;

    if (!trainer || !trainer_output(trainer) || trainer_global_step(trainer) == 0)
        return 0;
    trainer_abandon(trainer);
    if (trainer_unkept(trainer) && (code = trainer_keep(trainer, error)))
        return code;
    text_format(path, "%s/last.safetensors", trainer_output(trainer));
    if (!path->failed && !file_exists(path->data)) /* one that was gone on with, and then was not trained */
        text_clear(path);
    return path->failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
}

int session_leave(struct session *session, const char *why, struct text *said, struct error *error) {
    struct text path = {0};
    int code = 0;

    if (session->refused && session->refused == trainer_accepted(session->trainer) + 1)
        return ERROR_IO; /* it has been told */
    if (!session->dropped && (code = session_keep_run(session, &path, error)))
        error_prefix(error, "the run is not saved: ");
    if (path.size && (!trainer_done(session->trainer) || code))
        text_format(said, "%s; --resume %s goes on\n", why, path.data);
    text_free(&path);
    return code;
}

void session_save_if_asked(struct session *session) {
    struct trainer *trainer = session->trainer;
    struct error error = {0};
    char why[1536];

    session->save_due |= session->options.save_asked && session->options.save_asked(session->options.context);
    if (!session->save_due || !trainer || !trainer_output(trainer) || trainer_global_step(trainer) == 0)
        return;
    int code = trainer_unkept(trainer) ? trainer_keep(trainer, &error) : 0;
    if (code == ERROR_STATE) /* in the middle of a batch */
        return;
    session->save_due = 0;
    if (code)
        session_print(session, "fettle: %s\n", error_format(&error, why, sizeof why));
    else
        session_print(session, "saved %s/last.safetensors, as was asked for by a signal\n", trainer_output(trainer));
}

/* Where the line stands; a place that the command itself complains of (a config) stays, and this one goes behind. */
static void add_place(struct error *error, const char *path, int number) {
    size_t length = strlen(error->message);

    if (!error->file[0]) {
        snprintf(error->file, sizeof error->file, "%s", path);
        error->line = number;
    } else {
        char place[300];
        int size = snprintf(place, sizeof place, " (line %d of %.250s)", number, path);
        if (length >= (size_t)size && !strcmp(error->message + length - (size_t)size, place))
            return; /* a script that calls itself */
        snprintf(error->message + length, sizeof error->message - length, "%s", place);
    }
}

int session_read_line(struct session *session, FILE *file, struct text *line, struct error *error) {
    char piece[4096];
    size_t used = 0;
    int c = 0, why = 0;

    text_clear(line);
    while (c != '\n') {
        if ((c = getc(file)) == EOF) {
            why = errno;
            if (!ferror(file) || why != EINTR || session_interrupted(session))
                break;
            session_save_if_asked(session);
            clearerr(file); /* a signal that only asked for that */
            continue;
        }
        if (!c)
            return error_set(error, ERROR_DATA, "a zero byte: this is no script of commands");
        piece[used++] = (char)c;
        if (used == sizeof piece || c == '\n') {
            text_add_bytes(line, piece, used);
            used = 0;
        }
        if (line->size > MAX_LINE)
            return error_set(error, ERROR_DATA, "a line of more than %d bytes: this is no script of commands",
                             MAX_LINE);
    }
    text_add_bytes(line, piece, used);
    if (ferror(file))
        return error_set(error, why == EINTR ? ERROR_INTERRUPT : ERROR_IO, "%s", strerror(why));
    return line->failed ? error_set(error, ERROR_MEMORY, "out of memory") : 0;
}

int session_source(struct session *session, const char *path, int typed, struct error *error) {
    int standard = strcmp(path, "-") == 0, number = 0, code = 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    struct text line = {0};

    if (!file)
        return error_set(error, error_of_system(errno), "%s: %s", path, strerror(errno));
    if (session->depth >= MAX_DEPTH) {
        code = error_set(error, ERROR_USAGE, "%s: scripts that call scripts, more than %d deep", path, MAX_DEPTH);
        goto out;
    }
    session->depth++;
    while (!code && !session->finished) {
        number++;
        if ((code = session_read_line(session, file, &line, error))) {
            if (error) /* of what cannot be read at all no line is told */
                add_place(error, standard ? "standard input" : path, code == ERROR_DATA ? number : 0);
            break;
        }
        if (!line.size)
            break;
        if (typed)
            session_print(session, "(fettle) %.*s\n", (int)strcspn(line.data, "\r\n"), line.data);
        if (!line.data[strspn(line.data, " \t\r\n")])
            continue;
        code = session_perform(session, line.data, error);
        if (!code && session_asked(session))
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
        if (code && typed && code != ERROR_INTERRUPT) {
            char said[1536];
            for (size_t k = 0; error_format_all(error, k, said, sizeof said); k++)
                session_print(session, "fettle: %s\n", said);
            error_clear(error);
            code = 0;
        }
        if (code && error)
            add_place(error, standard ? "standard input" : path, number);
    }
    session->depth--;
out:
    text_free(&line);
    if (!standard)
        fclose(file);
    return code;
}

/* ---------------------------------------------------------------- completion */

struct filter {
    const char *word;
    session_add *add;
    void *context;
};

static void add_matching(void *context, const char *candidate) {
    struct filter *filter = context;

    if (strncmp(candidate, filter->word, strlen(filter->word)) == 0)
        filter->add(filter->context, candidate);
}

static void commands_complete(session_add *add, void *context) {
    for (size_t g = 0; g < command_group_count; g++)
        for (size_t k = 0; k < command_groups[g]->count; k++)
            add(context, command_groups[g]->commands[k].name);
}

int session_complete(struct session *session, const char *line, const char *word,
                     void (*add)(void *context, const char *candidate), void *context) {
    struct filter filter = {word, add, context};
    const struct command *command = NULL;
    char name[64];
    size_t length;

    line += strspn(line, " \t");
    length = strcspn(line, " \t");
    if (!line[length]) {
        commands_complete(add_matching, &filter);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    if (command_find(&command, name, NULL))
        return 0;
    switch (command->completion) {
    case COMPLETE_COMMAND:
        commands_complete(add_matching, &filter);
        break;
    case COMPLETE_STOP:
        phases_complete(session, add_matching, &filter);
        metrics_complete(session, add_matching, &filter);
        break;
    case COMPLETE_METRIC:
        metrics_complete(session, add_matching, &filter);
        break;
    case COMPLETE_MODULE:
        modules_complete(session, add_matching, &filter);
        break;
    case COMPLETE_SETTING:
        settings_complete(session, add_matching, &filter);
        break;
    case COMPLETE_TOPIC:
        info_complete(session, line, add_matching, &filter);
        break;
    case COMPLETE_STRATEGY:
        strategies_complete(session, add_matching, &filter);
        break;
    case COMPLETE_OPTIMIZER:
        optimizers_complete(session, add_matching, &filter);
        break;
    case COMPLETE_PHASE:
        phases_complete(session, add_matching, &filter);
        break;
    case COMPLETE_POINT:
        points_complete(session, add_matching, &filter);
        break;
    case COMPLETE_CHANGE: {
        const char *change = fork_change(line);
        if (change)
            return session_complete(session, change, word, add, context);
        changes_complete(session, add_matching, &filter);
        break;
    }
    case COMPLETE_BRANCH:
        branches_complete(session, add_matching, &filter);
        break;
    case COMPLETE_BUILD:
        draft_complete(session, line, add_matching, &filter);
        break;
    case COMPLETE_FILE:
    case COMPLETE_NONE:
        break;
    }
    return command->completion == COMPLETE_FILE;
}

/* ---------------------------------------------------------------- unknown names */

struct names {
    char **names;
    size_t count, capacity;
};

static void collect(void *context, const char *name) {
    struct names *names = context;

    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 64;
        char **grown = realloc(names->names, capacity * sizeof *grown);
        if (!grown)
            return;
        names->names = grown;
        names->capacity = capacity;
    }
    if ((names->names[names->count] = strdup(name)))
        names->count++;
}

int session_unknown(struct session *session, session_complete_names *complete, const char *what, const char *name,
                    struct error *error) {
    struct names names = {0};
    const char *nearest;

    complete(session, collect, &names);
    nearest = text_nearest(name, (const char *const *)names.names, names.count);
    if (nearest)
        error_set(error, ERROR_NAME, "no %s \"%s\"; did you mean \"%s\"?", what, name, nearest);
    else
        error_set(error, ERROR_NAME, "no %s \"%s\"", what, name);
    for (size_t k = 0; k < names.count; k++)
        free(names.names[k]);
    free(names.names);
    return ERROR_NAME;
}
