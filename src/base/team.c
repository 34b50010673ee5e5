#include "base/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SPIN_BARRIER = 4000, /* pauses before a waiting member lets others run: about 100 us */
    SPIN_IDLE = 20000    /* and before it sleeps between runs */
};

struct member {
    struct team *team;
    pthread_t thread;
    int index;
};

struct team {
    int size;
    struct member *members;

    void (*run)(void *context, int member, int members);
    void *context;
    atomic_int generation; /* of runs */
    atomic_int running;    /* members that have not finished this run */
    atomic_int stopping;

    pthread_mutex_t lock; /* for sleeping only */
    pthread_cond_t wake;
    atomic_int sleepers;

    atomic_int barrier_count, barrier_generation;
};

static inline void pause_briefly(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    int seen = 0;
    for (;;) {
        int spins = 0;
        while (atomic_load_explicit(&team->generation, memory_order_acquire) == seen) {
            pause_briefly();
            if (++spins < SPIN_IDLE)
                continue;
            pthread_mutex_lock(&team->lock);
            atomic_fetch_add(&team->sleepers, 1);
            while (atomic_load(&team->generation) == seen)
                pthread_cond_wait(&team->wake, &team->lock);
            atomic_fetch_sub(&team->sleepers, 1);
            pthread_mutex_unlock(&team->lock);
        }
        seen = atomic_load(&team->generation);
        if (atomic_load(&team->stopping))
            return NULL;
        team->run(team->context, member->index, team->size);
        atomic_fetch_sub_explicit(&team->running, 1, memory_order_release);
    }
}

static void advance(struct team *team)
{
    atomic_fetch_add(&team->generation, 1);
    if (atomic_load(&team->sleepers)) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->wake);
        pthread_mutex_unlock(&team->lock);
    }
}

struct team *team_new(int threads)
{
    struct team *team = calloc(1, sizeof *team);
    if (!team)
        return NULL;
    team->size = 1;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    if (threads < 1)
        threads = 1;
    team->members = calloc((size_t)threads, sizeof *team->members);
    if (!team->members) {
        team_free(team);
        return NULL;
    }
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
    if (team->size != threads) {
        team_free(team);
        return NULL;
    }
    return team;
}

void team_free(struct team *team)
{
    if (!team)
        return;
    atomic_store(&team->stopping, 1);
    advance(team);
    for (int k = 1; k < team->size; k++)
        pthread_join(team->members[k].thread, NULL);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->lock);
    free(team->members);
    free(team);
}

int team_size(const struct team *team)
{
    return team->size;
}

void team_run(struct team *team, void (*run)(void *context, int member, int members), void *context)
{
    team->run = run;
    team->context = context;
    atomic_store_explicit(&team->running, team->size - 1, memory_order_relaxed);
    if (team->size > 1)
        advance(team);
    run(context, 0, team->size);
    for (int spins = 0; atomic_load_explicit(&team->running, memory_order_acquire);) {
        pause_briefly();
        if (++spins > SPIN_BARRIER)
            sched_yield();
    }
}

void team_barrier(struct team *team, int member)
{
    (void)member;
    if (team->size == 1)
        return;
    int generation = atomic_load_explicit(&team->barrier_generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->barrier_count, 1, memory_order_acq_rel) == team->size - 1) {
        atomic_store_explicit(&team->barrier_count, 0, memory_order_relaxed);
        atomic_store_explicit(&team->barrier_generation, generation + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&team->barrier_generation, memory_order_acquire) == generation;) {
        pause_briefly();
        if (++spins > SPIN_BARRIER)
            sched_yield();
    }
}

int team_default_size(void)
{
    static const char *const names[] = {"FETTLE_NUM_THREADS", "OMP_NUM_THREADS"};
    for (int k = 0; k < 2; k++) {
        const char *text = getenv(names[k]);
        int threads = text ? atoi(text) : 0;
        if (threads > 0)
            return threads < 1024 ? threads : 1024;
    }
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        return CPU_COUNT(&set);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}
