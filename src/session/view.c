#include "session/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/execute.h"
#include "session/session_internal.h"

void view_begin(struct view_options *view) {
    static const char *const panes[] = {"values", "info layers", "info optimizer", "info break", "info rewind", "tree"};
    memset(view, 0, sizeof *view);
    view->curve = (struct curve_view){.logarithmic = 1, .cursor = -1};
    for (; view->npanes < (int)(sizeof panes / sizeof *panes); view->npanes++)
        snprintf(view->panes[view->npanes], PANE_NAME, "%s", panes[view->npanes]);
}

void view_mark(struct session *session, char what) {
    struct view_options *view = &session->view;
    int64_t now = trainer_global_step(session->trainer);
    while (view->nmarks && view->marks[view->nmarks - 1].step > now) /* the run has gone back */
        view->nmarks--;
    if (view->nmarks == MARKS_MOST)
        memmove(view->marks, view->marks + 1, (size_t)--view->nmarks * sizeof *view->marks);
    view->marks[view->nmarks++] = (struct view_mark){now, what};
}

void session_note_focus(struct session *session, const char *pane, int zoomed) {
    snprintf(session->view.focus, sizeof session->view.focus, "%s", pane);
    session->view.zoomed = zoomed;
}

void session_tell_panes(struct session *session) {
    struct pane_names *panes = calloc(1, sizeof *panes);
    if (!panes)
        return;
    panes->count = session->view.npanes;
    memcpy(panes->names, session->view.panes, sizeof panes->names);
    session_tell(session, (struct event){.kind = TOLD_PANES, .panes = panes});
}

/* ---------------------------------------------------------------- panes */

enum pane_kind pane_kind(const char *name) {
    const struct command *command = command_pane(name);
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(name, " "), name);
    return command || !command_find(&command, first, NULL) ? command->kind : PANE_LINES;
}

void pane_draw(struct session *session, const char *name, struct room room, struct text *out) {
    const struct command *pane = command_pane(name);
    struct error error = {0};
    if (!session->trainer)
        return;
    if (pane ? pane->draw(session, NULL, room, out, &error) : session_draw(session, name, room, out, &error))
        text_format(out, "%s\n", error.message);
}

int pane_read(struct session *session, const char *word, char name[PANE_NAME], struct error *error) {
    const struct command *command = NULL;
    struct text text = {0};
    char first[64];
    int code = 0;
    if (strlen(word) + 6 > PANE_NAME)
        return error_set(error, ERROR_VALUE, "a pane's name has %d characters at most", PANE_NAME - 6);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(word, " "), word);
    snprintf(name, PANE_NAME, "%s", word);
    if (command_pane(word))
        return 0;
    if (command_find(&command, first, NULL))
        command = NULL;
    if (!command || !(command->flags & COMMAND_LOOK)) {
        struct error topic = {0};
        snprintf(name, PANE_NAME, "info %s", word);
        code = word[0] ? session_look(session, name, &text, &topic) : ERROR_NAME;
        if (!code || code == ERROR_STATE)
            goto out;
        if (code != ERROR_NAME) {
            if (error)
                *error = topic;
            goto out;
        }
        if (!command) {
            code = error_set(error, ERROR_NAME,
                             "no pane \"%s\": values, a command that only looks (tree, audit, \"module PATH\"), or a "
                             "topic of `info` (ema, config, optimizer, scheduler, break, run)",
                             word);
            goto out;
        }
        snprintf(name, PANE_NAME, "%s", word);
    }
    code = session_look(session, name, &text, error);
out:
    text_free(&text);
    return code == ERROR_STATE ? 0 : code; /* there is nothing to see yet */
}
