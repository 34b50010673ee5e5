/* The line prompt: readline on a terminal, plain lines from anything else. */
#ifndef FETTLE_UI_REPL_H
#define FETTLE_UI_REPL_H

#include "console.h"

struct repl_options {
    const char *session;    /* file to open first; NULL: the built-in session */
    char *const *overrides; /* for it */
    int noverrides;
    const char *const *commands; /* -x, executed in order before anything is read */
    int ncommands;
    const char *script; /* with batch: lines to execute; NULL: none */
    int batch;          /* execute commands and script, then end; nothing is opened unasked */
    int threads;
    int trust; /* commands of any session file write as the user may */
    int line;  /* no panes, even on a terminal that can have them */
};

struct session_options;
/* What a session is told, whatever shows it: threads, whom the user trusts, the session that is built in. */
void repl_own(const struct repl_options *options, struct session_options *out);
/* What the line that says where the run is begins with. */
const char *repl_why(void);
struct worker;
/* Sends what opens the session, and the commands, down to a worker; -1 if that failed. */
int repl_send_first(const struct repl_options *options, int (*send)(struct worker *worker, const char *line),
                    struct worker *worker);
/* The exit status. */
int repl_run(const struct repl_options *options, struct console *console);

#endif
