/* Lines that are executed, and those that only look. */
#ifndef FETTLE_SESSION_EXECUTE_H
#define FETTLE_SESSION_EXECUTE_H

#include "session/command.h"

/* Executes a line of whoever brought the command under way (guard.origin). */
int session_perform(struct session *session, const char *line, struct error *error);
/* What a command that only looks would print; ERROR_USAGE where it does more. */
int session_look(struct session *session, const char *line, struct text *out, struct error *error);
/* The same, or what the command draws into the room of a pane. */
int session_draw(struct session *session, const char *line, struct room room, struct text *out, struct error *error);

#endif
