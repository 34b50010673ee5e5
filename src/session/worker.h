/* A session on a thread of its own, for a front end that must not wait: a transport of messages.
 *
 * Lines are executed in order.  While a run goes on, those that only look or change something (print, info, set, break,
 * strategy, ...) take effect between two batches; the others wait until it stops. */
#ifndef FETTLE_SESSION_WORKER_H
#define FETTLE_SESSION_WORKER_H

#include "base/text.h"
#include "session/session.h"

struct worker;

/* builtin and threads of options count; the rest is the worker's own. */
int worker_new(struct worker **out, const struct session_options *options, struct error *error);
/* Pauses a run, waits, and frees everything.  Before that, session_leave, whose code it returns; said holds what is
 * printed last, too.  why NULL: nothing was executed, nothing is left. */
int worker_free(struct worker *worker, const char *why, struct text *said, struct error *error);

/* Takes what the request carries.  -1 where it is not taken: too many lines wait, or out of memory. */
int worker_post(struct worker *worker, struct request request);
/* The same, and waits for its reply; -1 while something is executed: what the session has is then in use. */
int worker_ask(struct worker *worker, struct request request, struct event *reply);
/* Readable until worker_next has returned 0: there is nothing new.  What an event carries is the caller's (event_free);
 * of views there is only the newest. */
int worker_descriptor(const struct worker *worker);
int worker_next(struct worker *worker, struct event *out);

/* Requests that are common. */
int worker_send(struct worker *worker, const char *line);
void worker_interrupt(struct worker *worker);
void worker_save(struct worker *worker);

int worker_busy(struct worker *worker);     /* a line is executed, or waits */
int worker_finished(struct worker *worker); /* `quit` was executed */
/* Text for those who watch, as if the session had printed it. */
void worker_print(struct worker *worker, const char *text);

#endif
