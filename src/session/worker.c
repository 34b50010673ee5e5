#include "session/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/thread.h"
#include "session/progress.h"
#include "session/execute.h"
#include "session/session_internal.h"

enum { MAX_QUEUE = 4096 };

struct worker {
    struct session *session; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t wake, answered;
    struct request *queue; /* lines, and what must keep its place among them */
    size_t count, lines;
    struct event *events;
    size_t nevents, capacity;
    struct text printed; /* since the last of them */
    struct event reply;  /* to the request that is waited for, once has_reply */
    int has_reply;
    struct view view;
    char progress[256];
    struct view_wish wish;
    double due[1 + PANES_MOST]; /* when the chart, and each pane, may be drawn again while something runs */
    int seen;                   /* the view has been taken */
    int resized, running, finished, ending;
    int descriptor;
    atomic_int interrupted, save;
};

static void ring(struct worker *worker) {
    uint64_t one = 1;
    if (write(worker->descriptor, &one, sizeof one) < 0) {
        /* full: it is readable already */
    }
}

static void add_event(struct worker *worker, struct event event) {
    if (worker->nevents == worker->capacity) {
        size_t capacity = worker->capacity ? 2 * worker->capacity : 16;
        struct event *events = realloc(worker->events, capacity * sizeof *events);
        if (!events) {
            event_free(&event);
            return;
        }
        worker->events = events;
        worker->capacity = capacity;
    }
    worker->events[worker->nevents++] = event;
}

static void take_text(struct text *to, struct text *from) {
    *to = *from;
    *from = (struct text){0};
}

/* What has been printed so far is told before what comes now. */
static void add_printed(struct worker *worker) {
    struct text printed;
    take_text(&printed, &worker->printed);
    if (printed.size)
        add_event(worker, (struct event){.kind = TOLD_TEXT, .text = printed.data});
    else
        text_free(&printed);
}

static void tell(struct worker *worker, struct event *event) {
    pthread_mutex_lock(&worker->lock);
    if (event->kind == TOLD_TEXT) {
        text_add(&worker->printed, event->text);
        event_free(event);
    } else {
        add_printed(worker);
        add_event(worker, *event);
    }
    pthread_mutex_unlock(&worker->lock);
    ring(worker);
}

void worker_print(struct worker *worker, const char *text) {
    struct event event = {.kind = TOLD_TEXT, .text = strdup(text)};
    if (event.text)
        tell(worker, &event);
}

/* ---------------------------------------------------------------- views */

/* What watching costs a run: the chart and the panes are drawn so seldom that all of them together take less than a
 * two-hundredth of the time. */
static int is_due(const struct worker *worker, int part, int running) {
    return !running || clock_seconds() >= worker->due[part];
}

static void note_cost(struct worker *worker, int part, double begin) {
    double now = clock_seconds();
    worker->due[part] = now + 200 * (1 + worker->view.npanes) * (now - begin);
}

static void publish(struct worker *worker, int running) {
    struct session *session = worker->session;
    struct view view = {.state = "empty"};
    struct view_wish wish;
    int keep_chart = 0, keep_pane[PANES_MOST] = {0};
    pthread_mutex_lock(&worker->lock);
    wish = worker->wish;
    worker->resized = 0;
    pthread_mutex_unlock(&worker->lock);
    if (session->trainer) {
        struct text place = {0};
        snprintf(view.state, sizeof view.state, "%s",
                 running                          ? "running"
                 : trainer_done(session->trainer) ? "done"
                                                  : "idle");
        progress_place(session->trainer, &place);
        snprintf(view.status, sizeof view.status, "%.250s",
                 running && worker->progress[0] ? worker->progress
                 : place.data                   ? place.data
                                                : "");
        text_free(&place);
        if (is_due(worker, 0, running)) {
            double begin = clock_seconds();
            session_draw(session, "chart", wish.chart, &view.chart, NULL);
            note_cost(worker, 0, begin);
        } else {
            keep_chart = 1;
        }
        snprintf(view.why, sizeof view.why, "%s", running ? "" : session->why);
    }
    view.npanes = wish.npanes;
    for (int k = 0; k < view.npanes; k++) {
        snprintf(view.panes[k].name, sizeof view.panes[k].name, "%s", wish.panes[k].name);
        view.panes[k].kind = pane_kind(view.panes[k].name);
        if (wish.panes[k].room.height <= 0)
            continue;
        if (strcmp(worker->view.panes[k].name, view.panes[k].name) || is_due(worker, 1 + k, running)) {
            double begin = clock_seconds();
            pane_draw(session, view.panes[k].name, wish.panes[k].room, &view.panes[k].text);
            note_cost(worker, 1 + k, begin);
        } else {
            keep_pane[k] = 1;
        }
    }
    pthread_mutex_lock(&worker->lock);
    if (keep_chart)
        take_text(&view.chart, &worker->view.chart);
    for (int k = 0; k < view.npanes; k++)
        if (keep_pane[k])
            take_text(&view.panes[k].text, &worker->view.panes[k].text);
    view_free(&worker->view);
    worker->view = view;
    worker->seen = 0;
    pthread_mutex_unlock(&worker->lock);
    ring(worker);
}

/* ---------------------------------------------------------------- what the session tells */

static void on_tell(void *context, struct event *event) {
    struct worker *worker = context;
    if (event->kind != TOLD_PROGRESS) {
        tell(worker, event);
        return;
    }
    /* views tell it */
    snprintf(worker->progress, sizeof worker->progress, "%s", event->text);
    event_free(event);
    publish(worker, worker->progress[0] != 0);
}

static void add_name(void *context, const char *name) {
    names_add(&((struct event *)context)->names, name);
}

static void answer(struct worker *worker, const struct request *request) {
    struct event reply = {.kind = TOLD_NAMES};
    reply.on = session_complete(worker->session, request->text, request->word, add_name, &reply);
    pthread_mutex_lock(&worker->lock);
    worker->reply = reply;
    worker->has_reply = 1;
    pthread_cond_signal(&worker->answered);
    pthread_mutex_unlock(&worker->lock);
}

/* ---------------------------------------------------------------- what is asked of the session */

static int take_request(struct worker *worker, int live_only, struct request *out) {
    int taken = 0;
    pthread_mutex_lock(&worker->lock);
    if (worker->count && (!live_only || worker->queue[0].kind != ASK_LINE || session_is_live(worker->queue[0].text))) {
        *out = worker->queue[0];
        worker->count--;
        worker->lines -= out->kind == ASK_LINE;
        memmove(worker->queue, worker->queue + 1, worker->count * sizeof *worker->queue);
        taken = 1;
    }
    pthread_mutex_unlock(&worker->lock);
    return taken;
}

static void execute(struct worker *worker, const char *line) {
    struct error_list all = {0};
    struct error error = {.all = &all};
    if (session_execute(worker->session, line, &error) && error.code != ERROR_INTERRUPT) {
        char text[1536];
        struct text said = {0};
        for (size_t k = 0; error_format_all(&error, k, text, sizeof text); k++)
            text_format(&said, "fettle: %s\n", text);
        worker_print(worker, said.data ? said.data : "");
        text_free(&said);
    }
}

static void obey(struct worker *worker, struct request *request) {
    if (request->kind == ASK_LINE)
        execute(worker, request->text);
    else if (request->kind == ASK_FOCUS)
        session_note_focus(worker->session, request->text, request->on);
    else if (request->kind == ASK_NAMES)
        answer(worker, request);
    request_free(request);
}

/* Between two batches. */
static int on_look(void *context) {
    struct worker *worker = context;
    struct request request;
    while (!atomic_load(&worker->interrupted) && take_request(worker, 1, &request))
        obey(worker, &request);
    return atomic_load(&worker->interrupted);
}

static int on_asked(void *context) {
    return atomic_load(&((struct worker *)context)->interrupted) > 0;
}

static int on_hurry(void *context) {
    return atomic_load(&((struct worker *)context)->interrupted) > 1;
}

static int on_save(void *context) {
    return atomic_exchange(&((struct worker *)context)->save, 0);
}

static void *work(void *context) {
    struct worker *worker = context;
    for (;;) {
        pthread_mutex_lock(&worker->lock);
        worker->running = 0;
        while (!worker->count && !worker->ending && !worker->resized && !atomic_load(&worker->save))
            pthread_cond_wait(&worker->wake, &worker->lock);
        worker->running = !worker->ending && worker->lines;
        int ending = worker->ending, any = worker->count > 0;
        pthread_mutex_unlock(&worker->lock);
        if (ending)
            break;
        if (!any) {
            session_save_if_asked(worker->session);
            publish(worker, 0);
            continue;
        }
        struct request request;
        if (!take_request(worker, 0, &request))
            continue;
        if (request.kind != ASK_LINE) {
            obey(worker, &request);
            continue;
        }
        atomic_store(&worker->interrupted, 0);
        obey(worker, &request);
        worker->progress[0] = 0;
        pthread_mutex_lock(&worker->lock);
        worker->finished = session_finished(worker->session);
        if (!worker->ending) /* what the panes show is drawn whatever the line was asked to leave undone */
            atomic_store(&worker->interrupted, 0);
        worker->running = 0; /* before those who watch are told */
        pthread_mutex_unlock(&worker->lock);
        publish(worker, 0);
    }
    return NULL;
}

/* ---------------------------------------------------------------- from the front end */

/* Lines that wait, or all requests. */
static void drop(struct worker *worker, int all) {
    size_t kept = 0;
    for (size_t k = 0; k < worker->count; k++)
        if (all || worker->queue[k].kind == ASK_LINE)
            request_free(&worker->queue[k]);
        else
            worker->queue[kept++] = worker->queue[k];
    worker->count = kept;
    worker->lines = 0;
}

static void destroy(struct worker *worker) {
    session_free(worker->session);
    for (size_t k = 0; k < worker->nevents; k++)
        event_free(&worker->events[k]);
    free(worker->events);
    text_free(&worker->printed);
    view_free(&worker->view);
    drop(worker, 1);
    if (worker->descriptor >= 0)
        close(worker->descriptor);
    pthread_cond_destroy(&worker->wake);
    pthread_cond_destroy(&worker->answered);
    pthread_mutex_destroy(&worker->lock);
    free(worker->queue);
    free(worker);
}

int worker_new(struct worker **out, const struct session_options *options, struct error *error) {
    struct worker *worker = calloc(1, sizeof *worker);
    struct session_options own = *options;
    int code;
    *out = NULL;
    if (!worker || !(worker->queue = calloc(MAX_QUEUE, sizeof *worker->queue))) {
        free(worker);
        return error_memory(error);
    }
    own.tell = on_tell;
    own.interrupted = on_look;
    own.asked = on_asked;
    own.abandoned = on_hurry;
    own.save_asked = on_save;
    own.screen = 1;
    own.context = worker;
    worker->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    pthread_cond_init(&worker->answered, NULL);
    snprintf(worker->view.state, sizeof worker->view.state, "empty");
    interrupt_watch(on_asked, worker);
    code = session_new(&worker->session, &own, error);
    if (!code && worker->descriptor < 0)
        code = error_set(error, ERROR_IO, "no descriptor for events");
    if (!code && thread_start(&worker->thread, work, worker))
        code = error_set(error, ERROR_MEMORY, "cannot start a thread");
    if (code) {
        interrupt_watch(NULL, NULL);
        destroy(worker);
        return code;
    }
    *out = worker;
    return 0;
}

int worker_free(struct worker *worker, const char *why, struct text *said, struct error *error) {
    struct text farewell = {0};
    int code = 0;
    if (!worker)
        return 0;
    pthread_mutex_lock(&worker->lock);
    drop(worker, 1);
    worker->ending = 1;
    atomic_store(&worker->interrupted, 1);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    interrupt_watch(NULL, NULL); /* what is saved now is saved */
    if (why) {
        code = session_leave(worker->session, why, &farewell, error);
        add_printed(worker);
        for (size_t k = 0; k < worker->nevents; k++)
            if (worker->events[k].kind == TOLD_TEXT)
                text_add(said, worker->events[k].text);
        text_add(said, farewell.data ? farewell.data : "");
        text_free(&farewell);
    }
    destroy(worker);
    return code;
}

/* Under the lock. */
static int put(struct worker *worker, struct request *request) {
    if (worker->count == MAX_QUEUE)
        return -1;
    worker->queue[worker->count++] = *request;
    worker->lines += request->kind == ASK_LINE;
    return 0;
}

int worker_post(struct worker *worker, struct request request) {
    int failed = 0;
    pthread_mutex_lock(&worker->lock);
    switch (request.kind) {
    case ASK_VIEW:
        failed = !request.wish;
        if (!failed) {
            worker->resized |= memcmp(request.wish, &worker->wish, sizeof worker->wish) != 0;
            worker->wish = *request.wish;
        }
        break;
    case ASK_INTERRUPT:
        drop(worker, 0);
        atomic_fetch_add(&worker->interrupted, 1);
        break;
    case ASK_SAVE:
        atomic_store(&worker->save, 1);
        break;
    case ASK_LINE:
    case ASK_NAMES:
    case ASK_FOCUS:
        failed = !request.text || put(worker, &request);
        if (!failed)
            request = (struct request){0};
        break;
    }
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    request_free(&request);
    return failed ? -1 : 0;
}

int worker_ask(struct worker *worker, struct request request, struct event *reply) {
    pthread_mutex_lock(&worker->lock);
    int failed = worker->running || worker->lines || !request.text || !request.word || put(worker, &request);
    if (!failed) {
        pthread_cond_signal(&worker->wake);
        while (!worker->has_reply)
            pthread_cond_wait(&worker->answered, &worker->lock);
        *reply = worker->reply;
        worker->has_reply = 0;
    }
    pthread_mutex_unlock(&worker->lock);
    if (failed)
        request_free(&request);
    return failed ? -1 : 0;
}

int worker_send(struct worker *worker, const char *line) {
    return worker_post(worker, (struct request){.kind = ASK_LINE, .text = strdup(line)});
}

void worker_interrupt(struct worker *worker) {
    worker_post(worker, (struct request){.kind = ASK_INTERRUPT});
}

void worker_save(struct worker *worker) {
    worker_post(worker, (struct request){.kind = ASK_SAVE});
}

int worker_busy(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    int busy = worker->running || worker->lines;
    pthread_mutex_unlock(&worker->lock);
    return busy;
}

int worker_finished(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    int finished = worker->finished;
    pthread_mutex_unlock(&worker->lock);
    return finished;
}

int worker_descriptor(const struct worker *worker) {
    return worker->descriptor;
}

/* The newest view, before what was told since the one before. */
static int take_view(struct worker *worker, struct event *out) {
    struct view *view = worker->seen ? NULL : malloc(sizeof *view);
    if (!view)
        return 0;
    view_copy(view, &worker->view);
    worker->seen = 1;
    *out = (struct event){.kind = TOLD_VIEW, .view = view};
    return 1;
}

int worker_next(struct worker *worker, struct event *out) {
    uint64_t count;
    pthread_mutex_lock(&worker->lock);
    int any = take_view(worker, out);
    if (!any && !worker->nevents)
        add_printed(worker);
    if (!any && worker->nevents) {
        *out = worker->events[0];
        worker->nevents--;
        memmove(worker->events, worker->events + 1, worker->nevents * sizeof *worker->events);
        any = 1;
    }
    if (!any && read(worker->descriptor, &count, sizeof count) < 0) {
        /* it was not readable */
    }
    pthread_mutex_unlock(&worker->lock);
    return any;
}
