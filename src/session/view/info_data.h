/* `info data`, `info errors`: words are those behind the topic. */
#ifndef FETTLE_SESSION_INFO_DATA_H
#define FETTLE_SESSION_INFO_DATA_H

#include "session/names.h"

int info_data(struct session *session, int count, char *const *words, struct error *error);
int info_errors(struct session *session, int count, char *const *words, struct error *error);
session_names roles_complete; /* train, val, test, predict */
/* Says it where looks use the raw weights though evaluation would see others. */
void session_print_weights(struct session *session);

#endif
