/* Signals only leave a note; who works looks at it between batches. */
#ifndef FETTLE_UI_SIGNALS_H
#define FETTLE_UI_SIGNALS_H

#include <signal.h>
#include <time.h>

/* SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1 and SIGUSR2 leave a note; SIGPIPE and SIGXFSZ are ignored (writing then
 * fails).  A second SIGTERM ends the program at once, and so does the SIGINT that finds notes of impatient - 1 others
 * (0: none does); the terminal is as it was before the first call then. */
void signals_install(int impatient);
void signals_hurry(int impatient);
/* What puts the screen back before such an end; "": nothing.  No longer than a line. */
void signals_restore_by(int descriptor, const char *sequence);
/* Whether a read that waits ends with EINTR at SIGUSR1 and SIGUSR2, as it does at the others. */
void signals_wake_reads(int on);
/* Whether a SIGINT, or a signal that ends the program, has come since signals_forget. */
int signals_interrupted(void);
int signals_abandoned(void); /* SIGINT came twice: the batch under way is to be given up */
void signals_forget(void);   /* a SIGINT; a signal that ends the program stays */
/* The signal that asks the program to end; 0 if none came. */
int signals_ending(void);
/* SIGUSR1 or SIGUSR2: the run is to be saved and goes on, as batch systems ask before they end a job. */
int signals_save_noted(void);
int signals_save_asked(void); /* asked once */
/* Nothing comes from the terminal any more: one that is gone counts as SIGHUP, which may be ignored (nohup), or late.
 */
void signals_check_terminal(void);

/* While a prompt waits: SIGTSTP leaves a note as well, and so does SIGCONT; or they do what they do by themselves. */
void signals_note_stops(int on);
int signals_stop_asked(void); /* SIGTSTP has come; asked once */
int signals_continued(void);  /* SIGCONT has come; asked once */
void signals_stop(int all);   /* stops the program, or its process group, until it is continued */
/* SIGWINCH leaves a note from now on; *before, where it is given: what it did. */
void signals_note_resizes(struct sigaction *before);
int signals_resized(void); /* asked once */
/* Those that wake who waits, but SIGTERM; blocked but while waiting, none is missed between a look and the wait. */
void signals_awaited(sigset_t *set);
/* ppoll with the mask that there was before.  SIGTERM, which is never blocked for long, so that it ends a program that
 * hangs, is looked for first. */
struct pollfd;
int signals_poll(struct pollfd *inputs, unsigned count, const struct timespec *timeout, const sigset_t *before);

#endif
