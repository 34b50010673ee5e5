/* A program on a terminal, and a person who types and reads: what the tests of prompt and panes are written with. */
#ifndef FETTLE_TESTS_UI_DIALOGUE_H
#define FETTLE_TESTS_UI_DIALOGUE_H

#include "child.h"

struct terminal {
    struct child child;
    char *seen; /* since the last expect that was met */
    size_t size;
};

extern int failures;
extern const char *fettle; /* the program that is tested */
extern char scratch[];     /* a folder of the test's own, where it runs, with the files that the tests share */

/* From the arguments of main: FETTLE and the folder with the shared files. */
int dialogue_open(int argc, char **argv);
/* Removes the folder; the exit status. */
int dialogue_close(void);

void check(int good, const char *what);
/* On 24 x 80; ends the test where there are no pseudo-terminals. */
void start_on(struct terminal *t, const char *type_name, char *const *arguments);
void start(struct terminal *t, char *const *arguments); /* on an xterm */
void expect(struct terminal *t, const char *text, const char *what);
void type(struct terminal *t, const char *keys);
/* Types a question; whether the answer stands on the screen then, all of which is written again. */
void check_alive(struct terminal *t, const char *question, const char *answer, const char *what);
/* Waits for the end; the exit status, or 128 + signal. */
int finish(struct terminal *t);

#endif
