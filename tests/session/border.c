/* What passes between a session on a thread of its own and a front end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "session/worker.h"

/* A session in a folder of its own, and what it has told. */
struct post {
    struct worker *worker;
    char folder[64];
    struct text told; /* a line for each event; of text, the text */
    struct view view; /* the newest */
};

static void send(struct post *post, const char *line) {
    cr_assert(eq(int, worker_send(post->worker, line), 0));
}

static void send_focus(struct post *post, const char *pane, int zoomed) {
    struct request request = {.kind = ASK_FOCUS, .text = strdup(pane), .on = zoomed};
    cr_assert(eq(int, worker_post(post->worker, request), 0));
}

static void take(struct post *post, struct event *event) {
    if (event->kind == TOLD_TEXT) {
        text_add(&post->told, event->text);
    } else if (event->kind == TOLD_VIEW) {
        view_free(&post->view);
        post->view = *event->view;
        *event->view = (struct view){0};
    } else if (event->kind == TOLD_PANES) {
        text_add(&post->told, "panes");
        for (int k = 0; k < event->panes->count; k++)
            text_format(&post->told, " %s", event->panes->names[k]);
        text_add(&post->told, "\n");
    } else {
        text_format(&post->told, "%s %d %s\n", event->kind == TOLD_FOCUS ? "focus" : "other", event->on, event->text);
    }
    event_free(event);
}

/* Until all lines are done. */
static void settle(struct post *post) {
    struct pollfd input = {worker_descriptor(post->worker), POLLIN, 0};
    struct event event;
    int busy = 1;
    while (busy) {
        busy = worker_busy(post->worker);
        while (worker_next(post->worker, &event))
            take(post, &event);
        if (busy)
            poll(&input, 1, 100);
    }
}

static void begin(struct post *post) {
    struct session_options options = {.threads = 1};
    struct error error = {0};
    char line[1024];
    *post = (struct post){.folder = "/tmp/fettle-test-XXXXXX"};
    cr_assert(ne(ptr, mkdtemp(post->folder), NULL));
    cr_assert(eq(int, chdir(post->folder), 0));
    cr_assert(eq(int, worker_new(&post->worker, &options, &error), 0));
    snprintf(line, sizeof line,
             "open %s/../ui/config.yaml data.train_file_path=%s/../ui/water.xyz data.val_file_path=%s/../ui/water.xyz",
             TEST_DATA_DIR, TEST_DATA_DIR, TEST_DATA_DIR);
    send(post, line);
    settle(post);
    text_clear(&post->told);
}

static void end(struct post *post) {
    char line[128];
    worker_free(post->worker, NULL, NULL, NULL);
    text_free(&post->told);
    view_free(&post->view);
    cr_assert(eq(int, chdir("/"), 0));
    snprintf(line, sizeof line, "rm -r %s", post->folder);
    cr_assert(eq(int, system(line), 0));
}

Test(border, completion_is_a_request_with_a_reply) {
    struct post post;
    struct event reply;
    begin(&post);
    struct request request = {.kind = ASK_NAMES, .text = strdup("keep "), .word = strdup("")};
    cr_assert(eq(int, worker_ask(post.worker, request, &reply), 0));
    end(&post); /* what was told outlives the session */
    cr_assert(eq(int, (int)reply.kind, TOLD_NAMES));
    cr_assert(eq(int, (int)reply.names.count, 3));
    cr_assert(eq(str, reply.names.list[1], "other"));
    cr_assert(eq(int, reply.on, 0));
    event_free(&reply);
}

Test(border, a_focus_keeps_its_place_among_the_lines) {
    struct post post;
    struct error error = {0};
    char *first, *second;
    size_t size;
    begin(&post);
    send(&post, "layout values tree");
    send_focus(&post, "tree", 1);
    send(&post, "save first.yaml");
    send_focus(&post, "values", 0);
    send(&post, "save second.yaml");
    settle(&post);
    cr_assert(eq(int, file_read("first.yaml", &first, &size, &error), 0), "%s", error.message);
    cr_assert(eq(int, file_read("second.yaml", &second, &size, &error), 0), "%s", error.message);
    cr_assert(ne(ptr, strstr(first, "  focus: \"tree\"\n  zoom: true\n"), NULL), "%s", first);
    cr_assert(ne(ptr, strstr(second, "  focus: \"values\"\n  chart"), NULL), "%s", second);
    free(first);
    free(second);
    end(&post);
}

Test(border, what_a_command_makes_of_the_focus_is_told_as_it_is) {
    struct post post;
    begin(&post);
    send(&post, "layout values tree");
    send(&post, "focus tree zoom");
    send(&post, "focus zoom");
    send_focus(&post, "log", 1);
    send(&post, "focus zoom");
    send(&post, "focus chart");
    settle(&post);
    cr_assert(eq(str, post.told.data, "panes values tree\nfocus 1 tree\nfocus 0 tree\nfocus 0 log\nfocus 0 chart\n"));
    end(&post);
}

Test(border, a_front_end_sees_what_it_wishes_for) {
    struct post post;
    struct view_wish *wish = calloc(1, sizeof *wish);
    begin(&post);
    cr_assert(eq(int, post.view.npanes, 0));
    *wish = (struct view_wish){.npanes = 3, .panes = {{"values", {30, 10}}, {"info run", {30, 10}}, {"tree", {0, 0}}}};
    cr_assert(eq(int, worker_post(post.worker, (struct request){.kind = ASK_VIEW, .wish = wish}), 0));
    send(&post, "echo done"); /* behind it */
    settle(&post);
    while (!post.view.npanes)
        settle(&post);
    cr_assert(eq(int, (int)post.view.panes[0].kind, PANE_VALUES));
    cr_assert(eq(int, (int)post.view.panes[1].kind, PANE_LINES));
    cr_assert(ne(ptr, strstr(post.view.panes[0].text.data, "lr 0.01"), NULL));
    cr_assert(ne(ptr, strstr(post.view.panes[1].text.data, "next phase: "), NULL));
    cr_assert(eq(ptr, post.view.panes[2].text.data, NULL), "it has no room");
    end(&post);
}

Test(border, an_interrupt_drops_lines_and_nothing_else) {
    struct post post;
    char *saved;
    size_t size;
    begin(&post);
    send(&post, "layout values tree");
    settle(&post);
    send(&post, "continue");
    send(&post, "next");
    send_focus(&post, "tree", 0);
    worker_interrupt(post.worker);
    worker_interrupt(post.worker);
    settle(&post);
    send(&post, "save after.yaml");
    settle(&post);
    cr_assert(eq(int, file_read("after.yaml", &saved, &size, NULL), 0));
    cr_assert(ne(ptr, strstr(saved, "  focus: \"tree\"\n"), NULL), "%s", saved);
    free(saved);
    end(&post);
}

Test(border, what_is_wished_for_is_drawn_whatever_is_asked_beside_it) {
    static const char *const names[] = {"info run", "info break"};
    struct post post;
    begin(&post);
    for (int k = 0; k < 200; k++) {
        struct view_wish *wish = calloc(1, sizeof *wish);
        *wish = (struct view_wish){.npanes = 1, .panes = {{"", {30, 10}}}};
        snprintf(wish->panes[0].name, PANE_NAME, "%s", names[k % 2]);
        send_focus(&post, "log", 0);
        cr_assert(eq(int, worker_post(post.worker, (struct request){.kind = ASK_VIEW, .wish = wish}), 0));
        while (!post.view.npanes || strcmp(post.view.panes[0].name, names[k % 2]))
            settle(&post);
    }
    end(&post);
}
