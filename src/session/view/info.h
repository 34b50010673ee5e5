/* Topics of `info`. */
#ifndef FETTLE_SESSION_INFO_H
#define FETTLE_SESSION_INFO_H

#include "session/command.h"

/* Executes `info [TOPIC [WORD...]]`. */
int info_exec(struct session *session, const struct command_line *line, struct error *error);
/* A topic, or what the topic takes. */
session_names info_complete;

#endif
