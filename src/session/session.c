#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/keeping.h"
#include "session/opening.h"
#include "session/session_internal.h"
#include "session/setup.h"
#include "train/run/point.h"

int session_new(struct session **out, const struct session_options *options, struct error *error) {
    struct session *session = calloc(1, sizeof *session);

    *out = session;
    if (!session)
        return error_memory(error);
    session->options = *options;
    view_begin(&session->view);
    session_tell_panes(session);
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

int session_check(const struct config *config, struct error *error) {
    struct session_options options = {.tell = NULL};
    struct session *session;
    struct setup *setup = NULL;
    int code = session_new(&session, &options, error);
    if (!code)
        code = setup_read(&setup, session, config, error);
    setup_free(setup);
    session_free(session);
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

int session_complete(struct session *session, const char *line, const char *word,
                     void (*add)(void *context, const char *candidate), void *context) {
    struct filter filter = {word, add, context};
    const struct command *command = NULL;
    char name[64];
    size_t length;

    line += strspn(line, " \t");
    length = strcspn(line, " \t");
    if (!line[length]) {
        commands_complete(session, line, add_matching, &filter);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    if (command_find(&command, name, NULL))
        return 0;
    if (command->complete)
        command->complete(session, line, add_matching, &filter);
    return (command->flags & COMMAND_FILES) != 0;
}
