#include "base/interrupt.h"

#include <stddef.h>

/* One for the program, like the signals that it stands for. */
static int (*watcher)(void *context);
static void *watched;

void interrupt_watch(int (*asked)(void *context), void *context) {
    watcher = asked;
    watched = context;
}

int interrupt_check(struct error *error) {
    return watcher && watcher(watched) ? error_set(error, ERROR_INTERRUPT, "interrupted") : 0;
}
