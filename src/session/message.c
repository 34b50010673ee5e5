#include "session/message.h"

#include <stdlib.h>
#include <string.h>

void view_free(struct view *view) {
    text_free(&view->chart);
    for (int k = 0; k < PANES_MOST; k++)
        text_free(&view->panes[k].text);
    memset(view, 0, sizeof *view);
}

static int copy_text(struct text *to, const struct text *from) {
    *to = (struct text){0};
    if (from->data)
        text_add(to, from->data);
    return to->failed ? -1 : 0;
}

int view_copy(struct view *to, const struct view *from) {
    *to = *from;
    int failed = copy_text(&to->chart, &from->chart);
    for (int k = 0; k < PANES_MOST; k++)
        failed |= copy_text(&to->panes[k].text, &from->panes[k].text);
    return failed;
}

void event_free(struct event *event) {
    if (event->view)
        view_free(event->view);
    free(event->view);
    free(event->panes);
    free(event->text);
    names_free(&event->names);
    memset(event, 0, sizeof *event);
}

void request_free(struct request *request) {
    free(request->text);
    free(request->word);
    free(request->wish);
    memset(request, 0, sizeof *request);
}
