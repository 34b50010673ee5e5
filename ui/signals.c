#include "signals.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include "base/interrupt.h"

/* A handler reaches nothing but static memory. */
static volatile sig_atomic_t interrupts, ending, hurried, stop_asked, continued, resized;

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

static void on_stop(int number) {
    if (!passed_on(number))
        stop_asked = 1;
}

static void on_continued(int number) {
    if (!passed_on(number))
        continued = 1;
}

static void on_resize(int number) {
    if (!passed_on(number))
        resized = 1;
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

static int asks_to_stop(void *context) {
    (void)context;
    return signals_interrupted();
}

void signals_install(int impatient) {
    interrupt_watch(asks_to_stop, NULL);
    hurried = impatient;
    owner = pthread_self();
    install(SIGINT, on_interrupt);
    install(SIGTERM, on_ending);
    install(SIGHUP, on_ending);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
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

void signals_check_terminal(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    if (!ending && poll(&input, 1, 0) > 0 && input.revents & (POLLHUP | POLLERR | POLLNVAL))
        ending = SIGHUP;
}

void signals_note_stops(int on) {
    struct sigaction action = {.sa_handler = on ? on_stop : SIG_DFL};

    sigaction(SIGTSTP, &action, NULL);
    action.sa_handler = on ? on_continued : SIG_DFL;
    sigaction(SIGCONT, &action, NULL);
}

int signals_stop_asked(void) {
    int asked = stop_asked;

    stop_asked = 0;
    return asked;
}

int signals_continued(void) {
    int come = continued;

    continued = 0;
    return come;
}

void signals_note_resizes(struct sigaction *before) {
    struct sigaction action = {.sa_handler = on_resize};

    sigaction(SIGWINCH, &action, before);
}

int signals_resized(void) {
    int come = resized;

    resized = 0;
    return come;
}

void signals_stop(void) {
    sigset_t stops, before;

    signals_note_stops(0);
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGCONT);
    pthread_sigmask(SIG_UNBLOCK, &stops, &before);
    kill(getpid(), SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signals_note_stops(1);
}

void signals_awaited(sigset_t *set) {
    static const int awaited[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};

    sigemptyset(set);
    for (size_t k = 0; k < sizeof awaited / sizeof *awaited; k++)
        sigaddset(set, awaited[k]);
}
