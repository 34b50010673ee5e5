/* Commands that run the loop. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session/command/groups.h"
#include "session/record.h"
#include "session/session_internal.h"
#include "session/stop/running.h"
#include "session/stop/stops_print.h"
#include "train/run/phases.h"
#include "train/run/point.h"

enum { MAX_COUNT = 1000000000 };

static int exec_step(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of batches", 1, MAX_COUNT, &count, error);
    return code ? code : session_run(session, (struct run_limits){count, -1, NULL}, error);
}

static int exec_next(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of epochs", 1, MAX_COUNT, &count, error);
    return code ? code : session_run(session, (struct run_limits){-1, count, NULL}, error);
}

static int exec_continue(struct session *session, const struct command_line *line, struct error *error) {
    (void)line;
    if (session->in_commands) { /* the run that was stopped goes on when the commands are done */
        session->go_on = 1;
        return 0;
    }
    return session_run(session, (struct run_limits){-1, -1, NULL}, error);
}

static int exec_until(struct session *session, const struct command_line *line, struct error *error) {
    struct expression *until;
    int code = expression_new(&until, line->rest, session_scope(session), error);

    if (code)
        return code;
    session->stops.until = until;
    code = session_run(session, (struct run_limits){-1, -1, until}, error);
    session->stops.until = NULL;
    expression_free(until);
    return code;
}

static int read_phase(struct session *session, const char *word, enum phase *out, struct error *error) {
    return stops_find_phase(word, out) ? 0 : session_unknown(session, phases_complete, "phase", word, error);
}

static void print_phase(struct session *session, enum phase done) {
    struct text brought = {0};
    session_print(session, "%s; next: %s\n", phase_name(done), phase_name(trainer_phase(session->trainer)));
    trainer_brought(session->trainer, done, &brought);
    for (const char *line = brought.data; line && *line;) {
        size_t size = strcspn(line, "\n");
        session_print(session, "  %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
    text_free(&brought);
}

/* Whether a person wants it to end here: after a batch, or, more urgently, within one, which is given up then. */
static int is_called_off(struct session *session) {
    int called_off = 0;
    if (!trainer_at_boundary(session->trainer)) {
        called_off = session->options.abandoned && session->options.abandoned(session->options.context);
        if (called_off)
            trainer_abandon(session->trainer);
        return called_off;
    }
    session->in_run++;
    called_off = session_interrupted(session);
    session->in_run--;
    return called_off;
}

/* Phase by phase; within a batch what it has brought so far can be looked at. */
static int exec_stepi(struct session *session, const struct command_line *line, struct error *error) {
    enum phase until = PHASE_COUNT, done = PHASE_DONE;
    long count = 1;
    int code = 0;

    if (line->count > 1 && isalpha((unsigned char)line->words[1][0])) {
        code = read_phase(session, line->words[1], &until, error);
        count = MAX_COUNT;
    } else if (line->count > 1) {
        code = command_integer(line->words[1], "the number of phases", 1, MAX_COUNT, &count, error);
    }
    if (!code && trainer_done(session->trainer))
        return session_refuse_at_end(session->trainer, error);
    for (; !code && count > 0 && done != until && !trainer_done(session->trainer); count--) {
        int64_t batches = trainer_accepted(session->trainer);
        if (trainer_phase(session->trainer) == PHASE_LOAD)
            session_keep_point(session, 1);
        if ((code = trainer_advance(session->trainer, &done, error)))
            break;
        if (trainer_accepted(session->trainer) != batches)
            session_record_batch(session);
        print_phase(session, done);
        session_save_if_asked(session);
        if (count > 1 && done != until && is_called_off(session)) {
            session_report(session, "paused: ");
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
        }
    }
    if (!code)
        session_show_displays(session);
    return code;
}

/* While a run goes on: typed in panes, or among the commands of a stop point. */
static int exec_stop(struct session *session, const struct command_line *line, struct error *error) {
    (void)line;
    if (!session->in_run)
        return error_set(error, ERROR_STATE, "no run is going on");
    session->stopping = 1;
    return 0;
}

static int exec_abandon(struct session *session, const struct command_line *line, struct error *error) {
    (void)line;
    (void)error;
    trainer_abandon(session->trainer);
    session_report(session, "at ");
    return 0;
}

/* Metrics with the weights that validation sees, and beside them those with the raw ones. */
struct validation {
    struct session *session;
    size_t count, capacity, at;
    struct seen {
        char name[256];
        double value;
    } * seen;
    int failed;
};

static void keep_metric(void *context, const char *name, double value) {
    struct validation *validation = context;
    if (validation->count == validation->capacity) {
        size_t more = validation->capacity ? 2 * validation->capacity : 64;
        struct seen *seen = realloc(validation->seen, more * sizeof *seen);
        validation->failed |= !seen;
        if (!seen)
            return;
        validation->seen = seen;
        validation->capacity = more;
    }
    snprintf(validation->seen[validation->count].name, sizeof validation->seen->name, "%s", name);
    validation->seen[validation->count++].value = value;
}

static void print_both(void *context, const char *name, double value) {
    struct validation *validation = context;
    if (validation->at < validation->count)
        session_print(validation->session, "%-40s %-12.6g %.6g\n", name, validation->seen[validation->at++].value,
                      value);
}

static int exec_validate(struct session *session, const struct command_line *line, struct error *error) {
    struct validation *validation = calloc(1, sizeof *validation);
    int code, both = trainer_look_weights(session->trainer) == WEIGHTS_RAW;

    (void)line;
    if (!validation)
        return error_memory(error);
    validation->session = session;
    code = trainer_evaluate(session->trainer, ROLE_VAL, 0, keep_metric, validation, error);
    if (!code && validation->failed)
        code = error_memory(error);
    if (!code && both) {
        session_print(session, "%-40s %-12s %s\n", "", "average", "raw");
        code = trainer_evaluate(session->trainer, ROLE_VAL, 1, print_both, validation, error);
    }
    for (size_t k = 0; !code && !both && k < validation->count; k++)
        session_print(session, "%-40s %.6g\n", validation->seen[k].name, validation->seen[k].value);
    free(validation->seen);
    free(validation);
    return code;
}

static const struct command commands[] = {
    {.name = "step",
     .aliases = "s",
     .usage = "step [N]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_REPEAT,
     .summary = "train on one batch, or N",
     .exec = exec_step},
    {.name = "next",
     .aliases = "n",
     .usage = "next [N]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_REPEAT,
     .summary = "to the end of the epoch, with its validation; or of the Nth",
     .exec = exec_next},
    {.name = "continue",
     .aliases = "c",
     .usage = "continue",
     .flags = COMMAND_OPEN,
     .summary = "everything that `run` of the config says; Ctrl-C pauses",
     .exec = exec_continue},
    {.name = "until",
     .usage = "until EXPR",
     .min = 1,
     .max = COMMAND_MAX_WORDS,
     .flags = COMMAND_OPEN,
     .complete = values_complete,
     .summary = "train until an expression is true",
     .help = "    `help break` says what an expression may be.",
     .exec = exec_until},
    {.name = "finish",
     .usage = "finish",
     .flags = COMMAND_OPEN,
     .summary = "to the end of the epoch",
     .exec = exec_next},
    {.name = "stepi",
     .aliases = "si",
     .usage = "stepi [N|PHASE]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_REPEAT,
     .complete = phases_complete,
     .summary = "one phase of a batch or of an epoch, or N, or to the end of the next such PHASE",
     .help = "    load, forward (predictions), loss (terms), backward (a gradient; each term's where they are kept "
             "apart),\n"
             "    combine, clip, optimizer, average, log; validate, epoch_end, checkpoint.  Each shows what it has "
             "brought; "
             "the\n"
             "    terms of the batch under way can be printed, and `abandon` gives it up.",
     .exec = exec_stepi},
    {.name = "stop",
     .usage = "stop",
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .summary = "pause the run that goes on after its batch",
     .exec = exec_stop},
    {.name = "abandon",
     .usage = "abandon",
     .flags = COMMAND_OPEN,
     .summary = "give up the batch that is under way: the state is as before it",
     .exec = exec_abandon},
    {.name = "validate",
     .usage = "validate",
     .flags = COMMAND_OPEN,
     .summary = "evaluate the validation sets now",
     .help = "    Aside: nothing is logged.  Under `ema off` with the average and with the raw weights.",
     .exec = exec_validate},
};

const struct command_group commands_run = {
    .name = "run",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
