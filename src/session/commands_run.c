/* Commands that run the loop. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "session/progress.h"
#include "session/session_internal.h"

enum { MAX_COUNT = 1000000000 };

/* ---------------------------------------------------------------- what the loop says */

static void print_text(struct session *session, const struct text *text) {
    session_print(session, "%s\n", text->data ? text->data : "");
}

void session_event(struct session *session, enum trainer_event event, const char *text) {
    struct text line = {0};

    switch (event) {
    case EVENT_EPOCH:
        session->epochs++;
        progress_epoch(session->trainer, &line);
        print_text(session, &line);
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

static void draw(struct session *session, struct progress *progress) {
    struct text line = {0};

    if (!session->options.progress || !progress_due(progress))
        return;
    progress_line(progress, session->trainer, &line);
    session->options.progress(session->options.context, line.data ? line.data : "");
    text_free(&line);
}

static void report(struct session *session, const char *prefix) {
    struct text line = {0};
    double loss;

    text_add(&line, prefix);
    progress_place(session->trainer, &line);
    if (trainer_metric(session->trainer, "train_loss_step/weighted_sum", &loss))
        text_format(&line, ", loss %.6g", loss);
    print_text(session, &line);
    text_free(&line);
}

/* ---------------------------------------------------------------- running */

/* Until that many batches, or that many epochs, are done (-1: no limit), or until something stops it. */
static int run(struct session *session, long batches, long epochs, struct error *error) {
    struct progress progress;
    int code = 0;

    if (trainer_done(session->trainer))
        return error_set(error, ERROR_STATE, "the run is at its end; `open` begins anew");
    progress_begin(&progress, session->trainer);
    session->epochs = 0;
    while (batches != 0 && session->epochs != epochs && !code && !trainer_done(session->trainer)) {
        if ((code = trainer_step(session->trainer, error)))
            break;
        session_record_batch(session);
        if (batches > 0)
            batches--;
        draw(session, &progress);
        if (session_interrupted(session) && batches != 0 && session->epochs != epochs)
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
    }
    if (session->options.progress)
        session->options.progress(session->options.context, "");
    if (code == ERROR_INTERRUPT)
        report(session, "paused: ");
    else if (!code && trainer_done(session->trainer))
        report(session, "done: ");
    return code;
}

static int exec_step(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of batches", 1, MAX_COUNT, &count, error);
    if (!code)
        code = run(session, count, -1, error);
    if (!code && !trainer_done(session->trainer))
        report(session, "");
    return code;
}

static int exec_next(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of epochs", 1, MAX_COUNT, &count, error);
    return code ? code : run(session, -1, count, error);
}

static int exec_continue(struct session *session, const struct command_line *line, struct error *error) {
    (void)line;
    return run(session, -1, -1, error);
}

static int exec_validate(struct session *session, const struct command_line *line, struct error *error) {
    int code = trainer_validate(session->trainer, error);

    (void)line;
    for (size_t k = 0; k < trainer_metrics(session->trainer) && !code; k++) {
        const char *name = trainer_metric_name(session->trainer, k);
        double value;
        if (strncmp(name, "val", 3) == 0 && strstr(name, "_epoch/") && trainer_metric(session->trainer, name, &value))
            session_print(session, "%-40s %.6g\n", name, value);
    }
    return code;
}

static const struct command commands[] = {
    {"step", "s", "step [N]", 0, 1, COMMAND_OPEN | COMMAND_REPEAT, COMPLETE_NONE, "train on one batch, or N", NULL,
     exec_step},
    {"next", "n", "next [N]", 0, 1, COMMAND_OPEN | COMMAND_REPEAT, COMPLETE_NONE,
     "to the end of the epoch, with its validation; or of the Nth", NULL, exec_next},
    {"continue", "c", "continue", 0, 0, COMMAND_OPEN, COMPLETE_NONE,
     "everything that `run` of the config says; Ctrl-C pauses", NULL, exec_continue},
    {"validate", NULL, "validate", 0, 0, COMMAND_OPEN, COMPLETE_NONE, "evaluate the validation sets now", NULL,
     exec_validate},
};

const struct command_group commands_run = {"run", commands, sizeof commands / sizeof *commands};
