/* `build`: another model, made aside and shown; a new run begins with it once it is accepted. */
#ifndef FETTLE_SESSION_DRAFT_H
#define FETTLE_SESSION_DRAFT_H

#include "session/command.h"

int draft_exec(struct session *session, const struct command_line *line, struct error *error);
session_names draft_complete; /* a builder, or an argument of the one that is named */

#endif
