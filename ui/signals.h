/* Signals only leave a note; who works looks at it between batches. */
#ifndef FETTLE_UI_SIGNALS_H
#define FETTLE_UI_SIGNALS_H

/* SIGINT, SIGTERM and SIGHUP leave a note, SIGPIPE is ignored (writing then fails).  impatient: a second SIGINT that
 * finds the first one's note still there ends the program at once. */
void signals_install(int impatient);
/* Whether a SIGINT, or a signal that ends the program, has come since signals_forget. */
int signals_interrupted(void);
int signals_abandoned(void); /* SIGINT came twice: the batch under way is to be given up */
void signals_forget(void);   /* a SIGINT; a signal that ends the program stays */
/* The signal that asks the program to end; 0 if none came. */
int signals_ending(void);

#endif
