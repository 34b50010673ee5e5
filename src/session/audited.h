/* Changes that the run's audit log remembers. */
#ifndef FETTLE_SESSION_AUDITED_H
#define FETTLE_SESSION_AUDITED_H

#include "session/names.h"

/* Words as trainer_change takes them; says what it did. */
int session_change(struct session *session, int count, const char *const *words, struct error *error);
session_names changes_complete; /* the commands that make one */

#endif
