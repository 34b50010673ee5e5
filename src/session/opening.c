#include "session/opening.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "session/keeping.h"
#include "session/progress.h"
#include "session/record.h"
#include "session/session_internal.h"
#include "session/setup.h"

/* What the loop tells while it runs. */
static void on_event(void *context, enum trainer_event event, const char *text) {
    struct session *session = context;
    struct text line = {0};

    if (session->silent)
        return;
    switch (event) {
    case EVENT_EPOCH:
        session->epochs++;
        progress_epoch(session->trainer, &line);
        session_print(session, "%s\n", line.data ? line.data : "");
        break;
    case EVENT_STOP:
        session_print(session, "training has ended: %s\n", text ? text : "");
        break;
    case EVENT_NOTICE:
        session_print(session, "notice: %s\n", text ? text : "");
        break;
    case EVENT_ROW:
        session_record_row(session);
        break;
    case EVENT_CHECKPOINT:
        break;
    }
    text_free(&line);
}

void session_close(struct session *session) {
    int unused = session->trainer && trainer_global_step(session->trainer) == 0;

    commands_forget(session);
    trainer_free(session->trainer);
    config_free(session->config);
    config_free(session->draft);
    session->draft = NULL;
    series_free(&session->series);
    session->view.nmarks = 0;
    if (session->log)
        fclose(session->log);
    if (unused)
        progress_discard_output(session->output);
    free(session->output);
    free(session->path);
    session->trainer = NULL;
    session->config = NULL;
    session->log = NULL;
    session->output = session->path = NULL;
}

/* A log that cannot be written is no reason to stop. */
static FILE *open_log(const char *output) {
    struct text path = {0};
    FILE *log;

    text_format(&path, "%s/run.log", output);
    log = path.failed ? NULL : file_append_stream(path.data);
    text_free(&path);
    return log;
}

/* The run of now, before another takes its place. */
static int put_aside(struct session *session, struct error *error) {
    struct text path = {0};
    int code = session_keep_run(session, &path, error);
    if (code)
        error_prefix(error, "the run that is open is not saved: ");
    else if (path.size)
        session_print(session, "the run before, of %lld steps, is kept in %s\n",
                      (long long)trainer_global_step(session->trainer), path.data);
    text_free(&path);
    return code;
}

int session_begin(struct session *session, struct config *config, const char *path, struct setup *setup,
                  struct error *error) {
    struct trainer *trainer = NULL;
    char *output = NULL, *wanted, *name = strdup(path);
    int code = config_run_dir(config, &wanted, error);
    if (!code)
        code = progress_default_output(&output, wanted, error);
    free(wanted);
    struct trainer_options options = {
        .output = output, .threads = session->options.threads, .event = on_event, .context = session};

    if (!code && !name)
        code = error_memory(error);
    if (!code)
        code = trainer_open(&trainer, config, &options, error);
    if (!code && setup)
        code = setup_make(setup, session, trainer, error);
    if (!code)
        code = put_aside(session, error);
    if (code) {
        trainer_free(trainer);
        progress_discard_output(output);
        free(output);
        free(name);
        return code;
    }
    session_close(session);
    session->log = open_log(output);
    session->trainer = trainer;
    session->config = config;
    session->output = output;
    session->path = name;
    if (setup)
        setup_take(setup, session);
    trainer_catch(trainer, !session->catches_off);
    return 0;
}

void session_describe(struct session *session) {
    const struct trainer *trainer = session->trainer;
    const struct model *model = trainer_model(trainer);
    session_print(session, "%s: %s, %zu parameters, %s, %lld batches an epoch\n", session->path,
                  trainer_strategy(trainer), model_size(model), dtype_name(model_dtype(model)),
                  (long long)trainer_batches(trainer));
}
