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
    struct session *session; /* the thread's own, but for worker_complete */
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t wake;
    char **queue;
    size_t count;
    struct text printed, requests;
    struct view view;
    char progress[256];
    struct room chart, panes[PANES_MOST];
    char focus[PANE_NAME];
    int zoomed;
    double due[1 + PANES_MOST]; /* when the chart, and each pane, may be drawn again while something runs */
    int resized, running, finished, ending;
    int descriptor;
    atomic_int interrupted, save;
};

static void tell(struct worker *worker) {
    uint64_t one = 1;
    if (write(worker->descriptor, &one, sizeof one) < 0) {
        /* full: it is readable already */
    }
}

void worker_print(struct worker *worker, const char *text) {
    pthread_mutex_lock(&worker->lock);
    text_add(&worker->printed, text);
    pthread_mutex_unlock(&worker->lock);
    tell(worker);
}

/* ---------------------------------------------------------------- views */

static void free_view(struct view *view) {
    text_free(&view->chart);
    for (int k = 0; k < PANES_MOST; k++)
        text_free(&view->panes[k].text);
}

static void copy_view(struct view *to, const struct view *from) {
    *to = *from;
    to->chart = (struct text){0};
    if (from->chart.data)
        text_add(&to->chart, from->chart.data);
    for (int k = 0; k < PANES_MOST; k++) {
        to->panes[k].text = (struct text){0};
        if (from->panes[k].text.data)
            text_add(&to->panes[k].text, from->panes[k].text.data);
    }
}

/* What watching costs a run: the chart and the panes are drawn so seldom that all of them together take less than a
 * two-hundredth of the time. */
static int is_due(const struct worker *worker, int part, int running) {
    return !running || clock_seconds() >= worker->due[part];
}

static void note_cost(struct worker *worker, int part, double begin) {
    double now = clock_seconds();
    worker->due[part] = now + 200 * (1 + worker->view.npanes) * (now - begin);
}

static void take_text(struct text *to, struct text *from) {
    *to = *from;
    *from = (struct text){0};
}

static void publish(struct worker *worker, int running) {
    struct session *session = worker->session;
    struct view view = {.state = "empty"};
    struct room chart, panes[PANES_MOST];
    int keep_chart = 0, keep_pane[PANES_MOST] = {0};
    pthread_mutex_lock(&worker->lock);
    chart = worker->chart;
    memcpy(panes, worker->panes, sizeof panes);
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
            session_draw(session, "chart", chart, &view.chart, NULL);
            note_cost(worker, 0, begin);
        } else {
            keep_chart = 1;
        }
        snprintf(view.why, sizeof view.why, "%s", running ? "" : session->why);
    }
    view.npanes = session->view.npanes;
    for (int k = 0; k < view.npanes; k++) {
        snprintf(view.panes[k].name, sizeof view.panes[k].name, "%s", session->view.panes[k]);
        view.panes[k].kind = pane_kind(view.panes[k].name);
        view.panes[k].kind = pane_kind(view.panes[k].name);
        if (panes[k].height <= 0)
            continue;
        if (strcmp(worker->view.panes[k].name, view.panes[k].name) || is_due(worker, 1 + k, running)) {
            double begin = clock_seconds();
            pane_draw(session, view.panes[k].name, panes[k], &view.panes[k].text);
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
    free_view(&worker->view);
    worker->view = view;
    pthread_mutex_unlock(&worker->lock);
    tell(worker);
}

/* ---------------------------------------------------------------- what the session asks for */

static void on_print(void *context, const char *text) {
    worker_print(context, text);
}

/* What the screen will do with a request, for a session that is saved before it has. */
static void foresee_focus(struct worker *worker, const char *request) {
    int zooms = !strncmp(request, "zoom ", 5);
    const char *name = request + (zooms ? 5 : 6);
    if ((!zooms && strncmp(request, "focus ", 6) != 0) || !strcmp(name, "next") || !strcmp(name, "previous"))
        return;
    int same = !name[0] || !strcmp(name, worker->focus);
    if (name[0])
        snprintf(worker->focus, sizeof worker->focus, "%s", name);
    worker->zoomed = zooms && !(worker->zoomed && same);
}

static void on_screen(void *context, const char *request) {
    struct worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    foresee_focus(worker, request);
    text_format(&worker->requests, "%s\n", request);
    pthread_mutex_unlock(&worker->lock);
    tell(worker);
}

static int on_focus(void *context, char name[128]) {
    struct worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    snprintf(name, 128, "%s", worker->focus);
    int zoomed = worker->zoomed;
    pthread_mutex_unlock(&worker->lock);
    return zoomed;
}

static void on_progress(void *context, const char *line) {
    struct worker *worker = context;
    snprintf(worker->progress, sizeof worker->progress, "%s", line);
    publish(worker, line[0] != 0);
}

static char *take_line(struct worker *worker, int live_only) {
    char *line = NULL;
    pthread_mutex_lock(&worker->lock);
    if (worker->count && (!live_only || session_is_live(worker->queue[0]))) {
        line = worker->queue[0];
        worker->count--;
        memmove(worker->queue, worker->queue + 1, worker->count * sizeof *worker->queue);
    }
    pthread_mutex_unlock(&worker->lock);
    return line;
}

static void obey(struct worker *worker, char *line) {
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
    free(line);
}

/* Between two batches. */
static int on_look(void *context) {
    struct worker *worker = context;
    char *line;
    while (!atomic_load(&worker->interrupted) && (line = take_line(worker, 1)))
        obey(worker, line);
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
        worker->running = !worker->ending && worker->count;
        int ending = worker->ending, lines = worker->running;
        worker->resized = 0;
        pthread_mutex_unlock(&worker->lock);
        if (ending)
            break;
        if (!lines) {
            session_save_if_asked(worker->session);
            publish(worker, 0);
            continue;
        }
        atomic_store(&worker->interrupted, 0);
        char *line = take_line(worker, 0);
        if (line)
            obey(worker, line);
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

int worker_new(struct worker **out, const struct session_options *options, struct error *error) {
    struct worker *worker = calloc(1, sizeof *worker);
    struct session_options own = *options;
    int code;
    *out = NULL;
    if (!worker || !(worker->queue = calloc(MAX_QUEUE, sizeof *worker->queue))) {
        free(worker);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    own.print = on_print;
    own.progress = on_progress;
    own.interrupted = on_look;
    own.asked = on_asked;
    own.abandoned = on_hurry;
    own.save_asked = on_save;
    own.screen = on_screen;
    own.focus = on_focus;
    own.context = worker;
    worker->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    snprintf(worker->view.state, sizeof worker->view.state, "empty");
    interrupt_watch(on_asked, worker);
    code = session_new(&worker->session, &own, error);
    if (!code && worker->descriptor < 0)
        code = error_set(error, ERROR_IO, "no descriptor for events");
    if (!code && thread_start(&worker->thread, work, worker))
        code = error_set(error, ERROR_MEMORY, "cannot start a thread");
    if (code) {
        interrupt_watch(NULL, NULL);
        session_free(worker->session);
        if (worker->descriptor >= 0)
            close(worker->descriptor);
        free(worker->queue);
        free(worker);
        return code;
    }
    *out = worker;
    return 0;
}

static void drop_queue(struct worker *worker) {
    while (worker->count)
        free(worker->queue[--worker->count]);
}

int worker_free(struct worker *worker, const char *why, struct text *said, struct error *error) {
    struct text farewell = {0};
    int code = 0;
    if (!worker)
        return 0;
    pthread_mutex_lock(&worker->lock);
    drop_queue(worker);
    worker->ending = 1;
    atomic_store(&worker->interrupted, 1);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    interrupt_watch(NULL, NULL); /* what is saved now is saved */
    if (why) {
        code = session_leave(worker->session, why, &farewell, error);
        if (farewell.data)
            text_add(&worker->printed, farewell.data);
        take_text(said, &worker->printed);
        text_free(&farewell);
    }
    session_free(worker->session);
    text_free(&worker->printed);
    text_free(&worker->requests);
    free_view(&worker->view);
    drop_queue(worker);
    close(worker->descriptor);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker->queue);
    free(worker);
    return code;
}

int worker_send(struct worker *worker, const char *line) {
    char *copy = strdup(line);
    int failed = !copy;
    pthread_mutex_lock(&worker->lock);
    failed |= worker->count == MAX_QUEUE;
    if (!failed)
        worker->queue[worker->count++] = copy;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    if (failed)
        free(copy);
    return failed ? -1 : 0;
}

void worker_interrupt(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    drop_queue(worker);
    pthread_mutex_unlock(&worker->lock);
    atomic_fetch_add(&worker->interrupted, 1);
}

void worker_save(struct worker *worker) {
    atomic_store(&worker->save, 1);
    pthread_mutex_lock(&worker->lock);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

int worker_busy(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    int busy = worker->running || worker->count;
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

void view_free(struct view *view) {
    free_view(view);
    memset(view, 0, sizeof *view);
}

void worker_take(struct worker *worker, struct text *printed, struct text *requests, struct view *out) {
    uint64_t count;
    if (read(worker->descriptor, &count, sizeof count) < 0) {
        /* nothing new */
    }
    pthread_mutex_lock(&worker->lock);
    *printed = worker->printed;
    worker->printed = (struct text){0};
    *requests = worker->requests;
    worker->requests = (struct text){0};
    copy_view(out, &worker->view);
    pthread_mutex_unlock(&worker->lock);
}

void worker_set_room(struct worker *worker, struct room chart, const struct room panes[PANES_MOST]) {
    size_t size = sizeof worker->panes;
    pthread_mutex_lock(&worker->lock);
    worker->resized |= memcmp(&chart, &worker->chart, sizeof chart) || memcmp(panes, worker->panes, size);
    worker->chart = chart;
    memcpy(worker->panes, panes, size);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

void worker_set_focus(struct worker *worker, const char *pane, int zoomed) {
    pthread_mutex_lock(&worker->lock);
    snprintf(worker->focus, sizeof worker->focus, "%s", pane);
    worker->zoomed = zoomed;
    pthread_mutex_unlock(&worker->lock);
}

int worker_complete(struct worker *worker, const char *line, const char *word,
                    void (*add)(void *context, const char *candidate), void *context) {
    int files = 0;
    pthread_mutex_lock(&worker->lock); /* while it is held the thread does not begin anything */
    if (!worker->running && !worker->count)
        files = session_complete(worker->session, line, word, add, context);
    pthread_mutex_unlock(&worker->lock);
    return files;
}
