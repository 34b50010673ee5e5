#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument) {
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    sigset_t others, before;
    sigfillset(&others);
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
        sigdelset(&others, own[k]);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    int why = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}
