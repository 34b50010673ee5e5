#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

/* A handler reaches nothing but static memory. */
static volatile sig_atomic_t interrupts, ending, hurried;

static pthread_t owner; /* of the terminal */

/* The kernel may hand a signal to a thread that some library has started.  The owner alone waits for it: it would sleep
 * on. */
static int passed_on(int number) {
    if (pthread_equal(pthread_self(), owner))
        return 0;
    pthread_kill(owner, number);
    return 1;
}

static void on_interrupt(int number) {
    if (passed_on(number))
        return;
    if (hurried && interrupts) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (interrupts < 2)
        interrupts++;
}

static void on_ending(int number) {
    if (passed_on(number))
        return;
    ending = number;
}

static void install(int number, void (*handler)(int)) {
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    /* What the parent ignores (nohup) stays ignored. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN && number != SIGINT)
        return;
    sigaction(number, &action, NULL);
}

void signals_install(int impatient) {
    hurried = impatient;
    owner = pthread_self();
    install(SIGINT, on_interrupt);
    install(SIGTERM, on_ending);
    install(SIGHUP, on_ending);
    signal(SIGPIPE, SIG_IGN);
}

int signals_interrupted(void) {
    return interrupts || ending;
}

int signals_abandoned(void) {
    return interrupts > 1;
}

void signals_forget(void) {
    interrupts = 0;
}

int signals_ending(void) {
    return ending;
}
