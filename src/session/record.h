/* The curves of a session: what the run brings is kept for charts and for expressions. */
#ifndef FETTLE_SESSION_RECORD_H
#define FETTLE_SESSION_RECORD_H

#include "base/error.h"
#include "session/series.h"

struct session;

/* What the last batch brought, or the row that was just logged. */
void session_record_batch(struct session *session);
void session_record_row(struct session *session);
/* By its name, or by an end of it that no other has ("forces_mae" where there is one). */
int session_find_series(struct session *session, const char *name, const struct series **out, struct error *error);

#endif
