/* Topics of `info`. */
#ifndef FETTLE_SESSION_INFO_H
#define FETTLE_SESSION_INFO_H

#include "session/session_internal.h"

/* Executes `info [TOPIC [WORD...]]`. */
int info_exec(struct session *session, const struct command_line *line, struct error *error);
/* Candidates for the word of `info` that ends `line`: a topic, or what the topic takes. */
void info_complete(struct session *session, const char *line, session_add *add, void *context);

/* What topics show.  words are those behind the topic. */
int info_module(struct session *session, const char *path, struct error *error); /* NULL: the whole model */
int info_data(struct session *session, int count, char *const *words, struct error *error);
int info_errors(struct session *session, int count, char *const *words, struct error *error);
int info_program(struct session *session, int count, char *const *words, struct error *error);
void info_program_complete(struct session *session, session_add *add, void *context);

/* train, val, test, predict; ERROR_NAME with the nearest */
void roles_complete(struct session *session, session_add *add, void *context);
int info_role(struct session *session, const char *word, enum data_role *out, struct error *error);

#endif
