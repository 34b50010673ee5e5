#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "base/interrupt.h"

/* A handler reaches nothing but static memory. */
static volatile sig_atomic_t interrupts, ending, hurried, stop_asked, continued, resized, save_asked;
static volatile double first_interrupt, first_ending; /* s: when they came */

/* How the terminal was, and what puts its screen back: for an end at once. */
static struct {
    int has_modes, descriptor;
    struct termios modes;
    volatile sig_atomic_t size;
    char sequence[256];
} terminal;

static pthread_t owner; /* of the terminal */

/* The kernel may hand a signal to a thread that some library has started.  The owner alone waits for it: it would sleep
 * on. */
static int passed_on(int number) {
    if (pthread_equal(pthread_self(), owner))
        return 0;
    pthread_kill(owner, number);
    return 1;
}

static double seconds_now(void) {
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Whoever works may hang in a library for ever: nothing of the program is asked, only the terminal is put back, where
 * it is ours. */
static void end_at_once(int number) {
    sigset_t only;

    if (tcgetpgrp(STDIN_FILENO) == getpgrp()) {
        if (terminal.size && write(terminal.descriptor, terminal.sequence, (size_t)terminal.size) < 0) {
            /* it is gone */
        }
        if (terminal.has_modes)
            tcsetattr(STDIN_FILENO, TCSANOW, &terminal.modes);
    }
    signal(number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, number);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    _exit(128 + number);
}

/* Another one is meant as such only some time after the first: timeout(1) and srun send each signal twice. */
static int is_another(double first) {
    return seconds_now() - first >= 0.5;
}

static void on_interrupt(int number) {
    if (passed_on(number))
        return;
    if (!interrupts)
        first_interrupt = seconds_now();
    if (interrupts < 3)
        interrupts++;
    if (hurried && interrupts >= hurried && is_another(first_interrupt))
        end_at_once(number);
}

static void on_ending(int number) {
    if (passed_on(number))
        return;
    if (!ending)
        first_ending = seconds_now();
    else if (number == SIGTERM && is_another(first_ending))
        end_at_once(number);
    ending = number;
}

static void on_save(int number) {
    if (!passed_on(number))
        save_asked = 1;
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
    action.sa_flags = handler == on_save ? SA_RESTART : 0; /* nothing is cut short by what goes on */
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
    if (!terminal.has_modes)
        terminal.has_modes = !tcgetattr(STDIN_FILENO, &terminal.modes);
    install(SIGINT, on_interrupt);
    install(SIGTERM, on_ending);
    install(SIGHUP, on_ending);
    install(SIGXCPU, on_ending);
    install(SIGUSR1, on_save);
    install(SIGUSR2, on_save);
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

void signals_hurry(int impatient) {
    hurried = impatient;
}

int signals_save_noted(void) {
    return save_asked;
}

int signals_save_asked(void) {
    int asked = save_asked;

    save_asked = 0;
    return asked;
}

void signals_restore_by(int descriptor, const char *sequence) {
    size_t size = strlen(sequence);

    terminal.size = 0;
    if (size > sizeof terminal.sequence)
        return;
    memcpy(terminal.sequence, sequence, size);
    terminal.descriptor = descriptor;
    terminal.size = (sig_atomic_t)size;
}

void signals_wake_reads(int on) {
    struct sigaction action;

    for (int number = SIGUSR1; number; number = number == SIGUSR1 ? SIGUSR2 : 0)
        if (!sigaction(number, NULL, &action) && action.sa_handler == on_save) {
            action.sa_flags = on ? 0 : SA_RESTART;
            sigaction(number, &action, NULL);
        }
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

void signals_stop(int all) {
    sigset_t stops, before;

    signals_note_stops(0);
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    sigaddset(&stops, SIGCONT);
    pthread_sigmask(SIG_UNBLOCK, &stops, &before);
    kill(all ? 0 : getpid(), SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signals_note_stops(1);
}

void signals_awaited(sigset_t *set) {
    static const int awaited[] = {SIGINT, SIGHUP, SIGXCPU, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT};

    sigemptyset(set);
    for (size_t k = 0; k < sizeof awaited / sizeof *awaited; k++)
        sigaddset(set, awaited[k]);
}

int signals_poll(struct pollfd *inputs, unsigned count, const struct timespec *timeout, const sigset_t *before) {
    sigset_t term, mask;
    int ready = -1;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &mask);
    if (ending)
        errno = EINTR;
    else
        ready = ppoll(inputs, count, timeout, before);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return ready;
}
