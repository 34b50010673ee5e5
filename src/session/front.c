#include "session/front.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "session/session_internal.h"

int session_asked(const struct session *session) {
    return session->options.asked ? session->options.asked(session->options.context) : session_interrupted(session);
}

int session_interrupted(const struct session *session) {
    return session->options.interrupted && session->options.interrupted(session->options.context);
}

void session_tell(struct session *session, struct event event) {
    if (session->options.tell)
        session->options.tell(session->options.context, &event);
    else
        event_free(&event);
}

void session_tell_text(struct session *session, enum event_kind kind, const char *text, int on) {
    char *copy = strdup(text);
    if (copy)
        session_tell(session, (struct event){.kind = kind, .text = copy, .on = on});
}

/* Once more than the front end does: the log is a border of its own. */
void session_log(struct session *session, const char *prefix, const char *text) {
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
    session_log(session, "", line);
    session_tell(session, (struct event){.kind = TOLD_TEXT, .text = line});
}
