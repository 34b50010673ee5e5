#ifndef FETTLE_SESSION_COMMANDS_RUN_H
#define FETTLE_SESSION_COMMANDS_RUN_H

#include "base/error.h"

struct session;

/* As `step` does. */
int session_run_batches(struct session *session, long batches, struct error *error);

#endif
