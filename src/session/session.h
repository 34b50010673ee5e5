/* The session: the one object a front end holds.  It owns config, data, model and training, and it executes commands;
 * what a person can do at a prompt, a script can do.  What it tells are messages (message.h). */
#ifndef FETTLE_SESSION_SESSION_H
#define FETTLE_SESSION_SESSION_H

#include <stddef.h>
#include <stdio.h>
#include "base/error.h"
#include "base/text.h"
#include "session/message.h"

struct session;
struct config;

struct session_options {
    /* Takes what the session tells, and what that carries; it must not call the session.  NULL: nobody listens. */
    void (*tell)(void *context, struct event *event);
    /* What overtakes the lines (ASK_INTERRUPT, ASK_SAVE) is a flag of the transport, looked at while something runs. */
    int (*interrupted)(void *context); /* asked after every batch; may be NULL */
    /* Whether it was interrupted, asked where nothing else may be done meanwhile, as `interrupted` may; NULL: that one.
     */
    int (*asked)(void *context);
    int (*abandoned)(void *context);  /* asked between the phases of a batch, to give it up; may be NULL */
    int (*save_asked)(void *context); /* asked once a batch: the run is to be saved, and goes on; may be NULL */
    int screen;                       /* there is one: TOLD_FOCUS to TOLD_MOUSE mean something */
    void *context;
    const char *builtin; /* the session that `open` without a file opens; may be NULL */
    int threads;         /* 0: team_default_size */
    const char *trusted; /* a file with the folders whose sessions may write as the user may, one a line; may be NULL */
    int trust_all;       /* all may */
};

/* What a config says of the workbench, under `fettle`, as opening it would check it: for those who train without one.
 */
int session_check(const struct config *config, struct error *error);

int session_new(struct session **out, const struct session_options *options, struct error *error);
void session_free(struct session *session);

/* Executes one line, which is the user's own.  An empty line repeats the last command that may be repeated.
 * ERROR_INTERRUPT where it was paused by `interrupted`. */
int session_execute(struct session *session, const char *line, struct error *error);
/* Executes the lines of a script, "-" for standard input, until the first that fails.  typed: each line is shown, as if
 * it were typed at a prompt, and a mistake is told and does not end the script. */
int session_source(struct session *session, const char *path, int typed, struct error *error);
/* The next line of a script, its end included; *line is emptied at the end of the file.  ERROR_DATA where this cannot
 * be a script: a line without end, a byte that is zero; ERROR_INTERRUPT where a signal came first. */
int session_read_line(struct session *session, FILE *file, struct text *line, struct error *error);
/* Whether a line may be executed between two batches of a run: it looks at things, or changes settings. */
int session_is_live(const char *line);
/* While nothing is executed: saves the run if save_asked says so. */
void session_save_if_asked(struct session *session);
/* Before a session is freed, whatever ends it: a run that has trained since it was saved last is saved as
 * last.safetensors in its folder, unless `quit force` was executed.  said: where it is, in a line that begins with
 * why; or empty.  An error that has been told is a code and nothing in *error. */
int session_leave(struct session *session, const char *why, struct text *said, struct error *error);
/* `quit` was executed. */
int session_finished(const struct session *session);

/* The front end has moved the focus: for a session that is saved. */
void session_note_focus(struct session *session, const char *pane, int zoomed);

/* Candidates for the word that ends a line (its text up to the cursor): calls add for each.  Returns 1 where file
 * names should be offered instead. */
int session_complete(struct session *session, const char *line, const char *word,
                     void (*add)(void *context, const char *candidate), void *context);

#endif
