/* A session on a thread of its own, for a front end that must not wait: lines go down, text and views come up.
 *
 * Lines are executed in order.  While a run goes on, those that only look or change something (print, info, set, break,
 * strategy, ...) take effect between two batches; the others wait until it stops. */
#ifndef FETTLE_SESSION_WORKER_H
#define FETTLE_SESSION_WORKER_H

#include "base/text.h"
#include "session/session.h"
#include "session/view.h"

struct worker;

/* What there is to see, as of the last publication: a copy that nobody changes. */
struct view {
    char state[16];    /* "idle", "running", "done", "empty" (nothing is open) */
    char why[160];     /* the last run ended before its time; "" if it did not */
    char status[256];  /* where the loop stands, loss, time left */
    struct text chart; /* lines, for the size asked for */
    int npanes;
    struct pane {
        char name[PANE_NAME];
        enum pane_kind kind;
        struct text text; /* lines */
    } panes[PANES_MOST];
};

void view_free(struct view *view);

/* builtin and threads of options count; the rest is the worker's own. */
int worker_new(struct worker **out, const struct session_options *options, struct error *error);
/* Pauses a run, waits, and frees everything.  Before that, session_leave, whose code it returns; said holds what is
 * printed last, too.  why NULL: nothing was executed, nothing is left. */
int worker_free(struct worker *worker, const char *why, struct text *said, struct error *error);

int worker_send(struct worker *worker, const char *line); /* -1 if out of memory */
/* The run pauses after its batch; lines that wait are dropped.  Once more, and the batch is abandoned. */
void worker_interrupt(struct worker *worker);
void worker_save(struct worker *worker);    /* the run, after its batch; it goes on */
int worker_busy(struct worker *worker);     /* something is executed, or waits */
int worker_finished(struct worker *worker); /* `quit` was executed */
/* Readable when there is something new; worker_take empties it. */
int worker_descriptor(const struct worker *worker);
/* Text printed since the last call, what was asked of the screen (session_options.screen, a line each), and the newest
 * view; all of it is the caller's (view_free). */
void worker_take(struct worker *worker, struct text *printed, struct text *requests, struct view *out);
/* The room for what views show: 0 x 0 where there is none, and it is not drawn then. */
void worker_set_room(struct worker *worker, struct room chart, const struct room panes[PANES_MOST]);
/* Where the focus is, for a session that is saved. */
void worker_set_focus(struct worker *worker, const char *pane, int zoomed);
/* Candidates as session_complete gives them; nothing while the worker is busy. */
int worker_complete(struct worker *worker, const char *line, const char *word,
                    void (*add)(void *context, const char *candidate), void *context);
/* Text for those who watch, as if the session had printed it. */
void worker_print(struct worker *worker, const char *text);

#endif
