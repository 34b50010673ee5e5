#include "session/audited.h"

#include <string.h>

#include "session/session_internal.h"
#include "train/run/change.h"

int session_change(struct session *session, int count, const char *const *words, struct error *error) {
    struct text report = {0};
    int code = trainer_change(session->trainer, count, words, &report, error);
    if (!code) {
        view_mark(session, !strcmp(words[0], "strategy") || !strcmp(words[0], "optimizer") ? 'S' : 'c');
        session_print(session, "%s", report.data ? report.data : "");
    }
    text_free(&report);
    return code;
}

void changes_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (size_t k = 0; trainer_change_name(k); k++)
        add(context, trainer_change_name(k));
}
