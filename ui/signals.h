/* Signals only leave a note; who works looks at it between batches. */
#ifndef FETTLE_UI_SIGNALS_H
#define FETTLE_UI_SIGNALS_H

#include <signal.h>

/* SIGINT, SIGTERM and SIGHUP leave a note; SIGPIPE and SIGXFSZ are ignored (writing then fails).  impatient: a second
 * SIGINT that finds the first one's note still there ends the program at once. */
void signals_install(int impatient);
/* Whether a SIGINT, or a signal that ends the program, has come since signals_forget. */
int signals_interrupted(void);
int signals_abandoned(void); /* SIGINT came twice: the batch under way is to be given up */
void signals_forget(void);   /* a SIGINT; a signal that ends the program stays */
/* The signal that asks the program to end; 0 if none came. */
int signals_ending(void);
/* Nothing comes from the terminal any more: one that is gone counts as SIGHUP, which may be ignored (nohup), or late.
 */
void signals_check_terminal(void);

/* While a prompt waits: SIGTSTP leaves a note as well, and so does SIGCONT; or they do what they do by themselves. */
void signals_note_stops(int on);
int signals_stop_asked(void); /* SIGTSTP has come; asked once */
int signals_continued(void);  /* SIGCONT has come; asked once */
void signals_stop(void);      /* stops the program, until it is continued */
/* SIGWINCH leaves a note from now on; *before, where it is given: what it did. */
void signals_note_resizes(struct sigaction *before);
int signals_resized(void); /* asked once */
/* Those that wake who waits; blocked but while waiting, none is missed between a look and the wait. */
void signals_awaited(sigset_t *set);

#endif
