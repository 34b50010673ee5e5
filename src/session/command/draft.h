/* `build`: another model, made aside and shown; a new run begins with it once it is accepted. */
#ifndef FETTLE_SESSION_DRAFT_H
#define FETTLE_SESSION_DRAFT_H

#include "session/session_internal.h"

int draft_exec(struct session *session, const struct command_line *line, struct error *error);
/* Candidates for the word that ends `line`: a builder, or an argument of the one that is named. */
void draft_complete(struct session *session, const char *line, session_add *add, void *context);

#endif
