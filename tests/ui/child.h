/* A program on a pseudo-terminal, as the tests of prompt and panes start it. */
#ifndef FETTLE_TESTS_UI_CHILD_H
#define FETTLE_TESTS_UI_CHILD_H

#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

/* Generous, because a sanitized program on a busy machine is slow. */
enum { PATIENCE_MS = 60000, EXIT_SKIPPED = 77 };

struct child {
    int fd;
    pid_t pid;
    void (*sink)(void *context, const char *bytes, size_t size); /* what it writes */
    void *context;
};

long now_ms(void);

/* Changes what is set in the program's environment: words are NAME=VALUE, or NAME to remove it; NULL ends them. */
int child_start(struct child *child, int rows, int columns, char *const *arguments, const char *const *environment);
/* Hands to the sink what comes, once, or waits for it until then; 0 where nothing more will come, or the time is over.
 */
int child_await(struct child *child, long end_ms);
/* Waits so long, reads once and hands it to the sink; 0 where the other end is gone or nothing came in time. */
int child_receive(struct child *child, long wait_ms);
/* However much it is: what comes meanwhile goes to the sink.  -1 where it was not taken within PATIENCE_MS. */
int child_type(struct child *child, const char *bytes, size_t size);
void child_resize(struct child *child, int rows, int columns);
void child_hang_up(struct child *child); /* the terminal is gone */
/* Nothing has come for so long, and none of its threads has run meanwhile; 0 where that was not seen in PATIENCE_MS. */
int child_settle(struct child *child, long quiet_ms);
/* The terminal is read line by line with echo, or not, as in `before`: 0 where it does not become so. */
int child_modes_become(struct child *child, const struct termios *before);
/* It has ended; child_finish says how, once. */
int child_ended(const struct child *child);
/* Waits for the end; the exit status, or 128 + signal; -1 for one that had to be killed. */
int child_finish(struct child *child);
/* kB that it has resident now; 0 where nobody knows. */
long child_memory(const struct child *child);

#endif
