#include "data/frame/prefetch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

enum state { IDLE, ASKED, DONE, ENDING };

struct prefetch {
    pthread_t thread;
    int running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum state state; /* under the lock; the rest belongs to the thread while it is ASKED, else to the caller */
    const struct frame **frames;
    int nframes, capacity;
    const struct batch_options *options;
    struct batch *batch;
    int code;
    long served;
};

static void *work(void *argument) {
    struct prefetch *p = argument;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->state != ASKED && p->state != ENDING)
            pthread_cond_wait(&p->changed, &p->lock);
        if (p->state == ENDING)
            break;
        pthread_mutex_unlock(&p->lock);
        struct error unheard = {0}; /* who wants the batch will join it again, and hear it */
        p->code = batch_join(&p->batch, p->frames, p->nframes, p->options, &unheard);
        pthread_mutex_lock(&p->lock);
        p->state = p->state == ENDING ? ENDING : DONE;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct prefetch *prefetch_new(void) {
    struct prefetch *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    return p;
}

/* Begins with the first batch that is asked for. */
static void start(struct prefetch *p) {
    p->running = thread_start(&p->thread, work, p) == 0;
}

static enum state settle(struct prefetch *p) {
    pthread_mutex_lock(&p->lock);
    while (p->state == ASKED)
        pthread_cond_wait(&p->changed, &p->lock);
    enum state state = p->state;
    p->state = IDLE;
    pthread_mutex_unlock(&p->lock);
    return state;
}

void prefetch_free(struct prefetch *p) {
    if (!p)
        return;
    if (p->running) {
        settle(p);
        pthread_mutex_lock(&p->lock);
        p->state = ENDING;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    batch_free(p->batch);
    free(p->frames);
    free(p);
}

int prefetch_join(struct prefetch *p, struct batch **out, const struct frame *const *frames, int nframes,
                  const struct batch_options *options, struct error *error) {
    if (settle(p) != DONE || p->code || p->nframes != nframes || p->options != options ||
        memcmp(p->frames, frames, (size_t)nframes * sizeof(const struct frame *)) != 0)
        return batch_join(out, frames, nframes, options, error);
    struct batch *ready = p->batch;
    p->batch = *out;
    *out = ready;
    p->served++;
    return 0;
}

void prefetch_ask(struct prefetch *p, const struct frame *const *frames, int nframes,
                  const struct batch_options *options) {
    settle(p);
    if (!p->running)
        start(p);
    if (nframes > p->capacity) {
        const struct frame **more = realloc(p->frames, (size_t)nframes * sizeof *more);
        if (!more)
            return;
        p->frames = more;
        p->capacity = nframes;
    }
    if (!p->running)
        return;
    memcpy(p->frames, frames, (size_t)nframes * sizeof(const struct frame *));
    p->nframes = nframes;
    p->options = options;
    pthread_mutex_lock(&p->lock);
    p->state = ASKED;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

long prefetch_served(const struct prefetch *p) {
    return p->served;
}
