/* Runs, to their limits or to a stop point, whose commands are executed then. */
#ifndef FETTLE_SESSION_RUNNING_H
#define FETTLE_SESSION_RUNNING_H

#include "base/error.h"
#include "session/expression.h"

struct session;
struct trainer;

/* What ends a run: so many batches, or epochs (-1: no limit), or an expression that is true. */
struct run_limits {
    long batches, epochs;
    const struct expression *until;
};

int session_run(struct session *session, struct run_limits limits, struct error *error);
/* ERROR_STATE: nothing is left of what `run` of the config says. */
int session_refuse_at_end(const struct trainer *trainer, struct error *error);
/* Where the run stands, in a line that begins with a text. */
void session_report(struct session *session, const char *prefix);

#endif
