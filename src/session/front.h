/* What a session says to its front end, and what it asks of it. */
#ifndef FETTLE_SESSION_FRONT_H
#define FETTLE_SESSION_FRONT_H

#include "session/message.h"

struct session;

void session_print(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
void session_tell(struct session *session, struct event event); /* what it carries goes with it */
void session_tell_text(struct session *session, enum event_kind kind, const char *text, int on);
/* Into the log of the run alone. */
void session_log(struct session *session, const char *prefix, const char *text);
int session_interrupted(const struct session *session);
int session_asked(const struct session *session); /* the same, and nothing is done meanwhile */

#endif
