/* `info program`: the instructions of a training step or an evaluation, and what they cost. */
#ifndef FETTLE_SESSION_INFO_PROGRAM_H
#define FETTLE_SESSION_INFO_PROGRAM_H

#include "session/names.h"

/* words are those behind the topic. */
int info_program(struct session *session, int count, char *const *words, struct error *error);
session_names info_program_complete;

#endif
