#include "base/team.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/processors.h"

/* A waiting member spins for a moment, since what it waits for is near when every member has a processor.  Then it
 * sleeps: where the machine has other work, a spinning member would take time from the one it waits for. */
enum {
    SPIN_BARRIER = 2000, /* pauses: some 30 us */
    SPIN_IDLE = 20000    /* between runs */
};

struct member {
    struct team *team;
    pthread_t thread;
    int index;
};

struct team {
    int size;
    int crowded;   /* more members than processors */
    pid_t process; /* whose threads the members are */
    struct member *members;

    void (*run)(void *context, int member, int members);
    void *context;
    atomic_int generation; /* of runs */
    atomic_int running;    /* members that have not finished this run */
    atomic_int stopping;

    atomic_int idle, joining, waiting; /* members asleep on generation, running, barrier_generation */

    atomic_int barrier_count, barrier_generation;
};

/* Spinning is of use only where every member has a processor. */
static int spins_of(const struct team *team, int spins) {
    return team->crowded ? 0 : spins;
}

static inline void pause_briefly(void) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Waits until *place is no longer `old`. */
static void wait_for_change(atomic_int *place, int old, atomic_int *sleepers, int spins) {
    for (int k = 0; k < spins; k++) {
        if (atomic_load_explicit(place, memory_order_acquire) != old)
            return;
        pause_briefly();
    }
    /* who changes *place looks at sleepers afterwards, so one of the two sees the other */
    atomic_fetch_add(sleepers, 1);
    while (atomic_load(place) == old)
        syscall(SYS_futex, place, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(sleepers, 1);
}

static void wake_all(atomic_int *place, atomic_int *sleepers) {
    if (atomic_load(sleepers))
        syscall(SYS_futex, place, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void *member_main(void *argument) {
    struct member *member = argument;
    struct team *team = member->team;
    for (int seen = 0;; seen++) {
        wait_for_change(&team->generation, seen, &team->idle, spins_of(team, SPIN_IDLE));
        if (atomic_load(&team->stopping))
            return NULL;
        team->run(team->context, member->index, team->size);
        if (atomic_fetch_sub(&team->running, 1) == 1)
            wake_all(&team->running, &team->joining);
    }
}

static void advance(struct team *team) {
    atomic_fetch_add(&team->generation, 1);
    wake_all(&team->generation, &team->idle);
}

/* The members begin; size is how many there are in the end. */
static int start(struct team *team, int threads) {
    team->size = 1;
    team->process = getpid();
    team->crowded = threads > 1 && threads > processors_usable();
    /* signals are the business of the thread that owns the terminal */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int k = 1; k < threads; k++) {
        team->members[k].team = team;
        team->members[k].index = k;
        if (pthread_create(&team->members[k].thread, NULL, member_main, &team->members[k]))
            break;
        team->size = k + 1;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return team->size == threads ? 0 : -1;
}

static void stop(struct team *team) {
    atomic_store(&team->stopping, 1);
    advance(team);
    for (int k = 1; k < team->size; k++)
        pthread_join(team->members[k].thread, NULL);
}

struct team *team_new(int threads) {
    struct team *team = threads > TEAM_MOST ? NULL : calloc(1, sizeof *team);
    if (threads < 1)
        threads = 1;
    if (team)
        team->members = calloc((size_t)threads, sizeof *team->members);
    if (team && team->members && !start(team, threads))
        return team;
    team_free(team);
    return NULL;
}

int team_revive(struct team *team) {
    int threads = team->size;
    struct team fresh = {.members = team->members};
    *team = fresh;
    if (!start(team, threads))
        return 0;
    stop(team);
    *team = fresh;
    team->size = threads; /* of nobody: to be tried again */
    return -1;
}

void team_free(struct team *team) {
    if (!team)
        return;
    if (team->process == getpid())
        stop(team);
    free(team->members);
    free(team);
}

int team_size(const struct team *team) {
    return team->size;
}

void team_run(struct team *team, void (*run)(void *context, int member, int members), void *context) {
    team->run = run;
    team->context = context;
    atomic_store_explicit(&team->running, team->size - 1, memory_order_relaxed);
    if (team->size > 1)
        advance(team);
    run(context, 0, team->size);
    for (int left; (left = atomic_load(&team->running));)
        wait_for_change(&team->running, left, &team->joining, spins_of(team, SPIN_BARRIER));
}

void team_barrier(struct team *team, int member) {
    (void)member;
    if (team->size == 1)
        return;
    int generation = atomic_load_explicit(&team->barrier_generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->barrier_count, 1, memory_order_acq_rel) == team->size - 1) {
        atomic_store_explicit(&team->barrier_count, 0, memory_order_relaxed);
        atomic_store(&team->barrier_generation, generation + 1);
        wake_all(&team->barrier_generation, &team->waiting);
        return;
    }
    wait_for_change(&team->barrier_generation, generation, &team->waiting, spins_of(team, SPIN_BARRIER));
}

int team_default_size(void) {
    static const char *const names[] = {"FETTLE_NUM_THREADS", "OMP_NUM_THREADS"};
    for (int k = 0; k < 2; k++) {
        const char *text = getenv(names[k]);
        int threads = text ? atoi(text) : 0;
        if (threads > 0)
            return threads < 1024 ? threads : 1024;
    }
    return processors_usable();
}
