#include "session/keeping.h"

#include "base/file.h"
#include "session/session_internal.h"

int session_keep_run(struct session *session, struct text *path, struct error *error) {
    struct trainer *trainer = session->trainer;
    int code;

    if (!trainer || !trainer_output(trainer) || trainer_global_step(trainer) == 0)
        return 0;
    trainer_abandon(trainer);
    if (trainer_unkept(trainer) && (code = trainer_keep(trainer, error)))
        return code;
    text_format(path, "%s/last.safetensors", trainer_output(trainer));
    if (!path->failed && !file_exists(path->data)) /* one that was gone on with, and then was not trained */
        text_clear(path);
    return path->failed ? error_memory(error) : 0;
}

void session_save_if_asked(struct session *session) {
    struct trainer *trainer = session->trainer;
    struct error error = {0};
    char why[1536];

    session->save_due |= session->options.save_asked && session->options.save_asked(session->options.context);
    if (!session->save_due || !trainer || !trainer_output(trainer) || trainer_global_step(trainer) == 0)
        return;
    int code = trainer_unkept(trainer) ? trainer_keep(trainer, &error) : 0;
    if (code == ERROR_STATE) /* in the middle of a batch */
        return;
    session->save_due = 0;
    if (code)
        session_print(session, "fettle: %s\n", error_format(&error, why, sizeof why));
    else
        session_print(session, "saved %s/last.safetensors, as was asked for by a signal\n", trainer_output(trainer));
}
