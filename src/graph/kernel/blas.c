#include "graph/kernel/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef FETTLE_BLAS
#define FETTLE_BLAS "libopenblas.so.0"
#endif

enum {
    BUFFER_MB = 128,  /* each */
    BUFFERS_MOST = 64 /* that are taken beforehand: it complains where it has more than it was built for */
};

__typeof__(&cblas_sgemm) blas_gemm_f32;
__typeof__(&cblas_dgemm) blas_gemm_f64;

/* There is one BLAS for all that a process does with it. */
static struct {
    pthread_mutex_t lock;
    int open;
    int members; /* of all teams that are there */
    int buffers; /* that there were for them once, and still are */
    /* what it calls itself when a thread enters and leaves: a buffer that was given back is kept for the next one */
    void *(*take)(int position);
    void (*give)(void *buffer);
} blas = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hold(void) {
    pthread_mutex_lock(&blas.lock);
}

static void let_go(void) {
    pthread_mutex_unlock(&blas.lock);
}

/* A child gets the lock free, whoever had it in its parent. */
static void watch_forks(void) {
    pthread_atfork(hold, let_go, let_go);
}

/* Whether the system gives so many buffers, asked as the BLAS asks for them. */
static int there_is_room(int count) {
    size_t size = (size_t)BUFFER_MB << 20;
    void **buffers = calloc((size_t)count, sizeof *buffers);
    int got = 0;
    for (; buffers && got < count; got++) {
        buffers[got] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffers[got] == MAP_FAILED)
            break;
    }
    int room = got == count;
    while (got > 0)
        munmap(buffers[--got], size);
    free(buffers);
    return room;
}

/* How many threads it is going to have, the caller's included. */
static int own_threads(void) {
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"};
    cpu_set_t set;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const char *text = getenv(names[k]);
        int threads = text ? atoi(text) : 0;
        if (threads > 0)
            return threads < BUFFERS_MOST ? threads : BUFFERS_MOST;
    }
    int count = sched_getaffinity(0, sizeof set, &set) ? BUFFERS_MOST : CPU_COUNT(&set);
    return count < BUFFERS_MOST ? count : BUFFERS_MOST;
}

static int memory_error(int threads, struct error *error) {
    return error_set(error, ERROR_MEMORY,
                     "not enough memory: the BLAS needs %d MB of address space for each thread, and there are %d",
                     BUFFER_MB, threads);
}

static int open_library(struct error *error) {
    int threads = own_threads();
    if (!there_is_room(threads))
        return memory_error(threads, error);
    void *library = dlopen(FETTLE_BLAS, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(error, ERROR_IO, "the BLAS cannot be loaded: %s", dlerror());
    void (*set_threads)(int threads) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    int (*end_threads)(void) = (int (*)(void))dlsym(library, "blas_thread_shutdown_");
    blas_gemm_f32 = (__typeof__(blas_gemm_f32))dlsym(library, "cblas_sgemm");
    blas_gemm_f64 = (__typeof__(blas_gemm_f64))dlsym(library, "cblas_dgemm");
    if (!blas_gemm_f32 || !blas_gemm_f64 || !set_threads) {
        dlclose(library);
        return error_set(error, ERROR_IO, "the BLAS cannot be used: %s is not OpenBLAS", FETTLE_BLAS);
    }
    blas.take = (void *(*)(int))dlsym(library, "blas_memory_alloc");
    blas.give = (void (*)(void *))dlsym(library, "blas_memory_free");
    /* its threads do not compose with ours, and would keep their buffers for nothing */
    set_threads(1);
    if (end_threads)
        end_threads();
    blas.open = 1;
    return 0;
}

int blas_open(struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    hold();
    int code = blas.open ? 0 : open_library(error);
    let_go();
    return code;
}

/* It has so many buffers from now on. */
static void take(int count) {
    void *buffers[BUFFERS_MOST];
    if (!blas.take || !blas.give)
        return;
    count = count < BUFFERS_MOST ? count : BUFFERS_MOST;
    for (int k = 0; k < count; k++)
        buffers[k] = blas.take(0);
    for (int k = 0; k < count; k++)
        blas.give(buffers[k]);
}

static int reserve(int threads) {
    hold();
    int members = blas.members + threads, more = members - blas.buffers;
    int room = more <= 0 || there_is_room(more);
    if (room)
        blas.members = members;
    if (room && more > 0) {
        take(members);
        blas.buffers = members;
    }
    let_go();
    return room;
}

int blas_team_new(struct team **out, int threads, struct error *error) {
    *out = NULL;
    int code = blas_open(error);
    if (code)
        return code;
    *out = team_new(threads);
    if (!*out)
        return error_set(error, ERROR_MEMORY, "cannot start %d threads", threads);
    if (reserve(threads))
        return 0;
    team_free(*out);
    *out = NULL;
    return memory_error(threads, error);
}

void blas_team_free(struct team *team) {
    if (!team)
        return;
    hold();
    blas.members -= team_size(team);
    let_go();
    team_free(team);
}
