/* Commands that run the loop. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "session/command/commands_run.h"
#include "session/command/groups.h"
#include "session/progress.h"
#include "session/record.h"
#include "session/execute.h"
#include "session/session_internal.h"
#include "session/stop/stops_print.h"

enum { MAX_COUNT = 1000000000 };

/* ---------------------------------------------------------------- what the loop says */

static void draw(struct session *session, struct progress *progress) {
    struct text line = {0};

    if (!progress_due(progress))
        return;
    progress_line(progress, session->trainer, &line);
    session_tell_text(session, TOLD_PROGRESS, line.data ? line.data : "", 0);
    text_free(&line);
}

static void report(struct session *session, const char *prefix) {
    struct text line = {0};
    double loss;

    session->told = 1;
    text_add(&line, prefix);
    progress_place(session->trainer, &line);
    if (trainer_metric(session->trainer, "train_loss_step/weighted_sum", &loss))
        text_format(&line, ", loss %.6g", loss);
    session_print(session, "%s\n", line.data ? line.data : "");
    text_free(&line);
}

/* ---------------------------------------------------------------- running */

/* What ends a run: so many batches, or epochs (-1: no limit), or an expression that is true. */
struct limits {
    long batches, epochs;
    const struct expression *until;
};

static int is_over(const struct session *session, const struct limits *limits) {
    double value = limits->until ? expression_value(limits->until) : 0;
    return limits->batches == 0 || session->epochs == limits->epochs || (value != 0 && !isnan(value)) ||
           trainer_done(session->trainer);
}

static void note_why(struct session *session, const char *why) {
    snprintf(session->why, sizeof session->why, "%.*s", (int)strcspn(why, "\n"), why);
}

/* Between two phases. */
struct between {
    struct session *session;
    int stop; /* number of a stop point that stands here; 0: none */
    struct text *why;
};

static enum step_answer ask_between(void *context) {
    struct between *between = context;
    struct session *session = between->session;
    if (session->options.abandoned && session->options.abandoned(session->options.context))
        return STEP_GIVE_UP;
    between->stop = stops_check_phase(&session->stops, trainer_phase(session->trainer), between->why);
    return between->stop ? STEP_PAUSE : STEP_ON;
}

/* One stretch, to its end or to a stop point, whose number is put into *stop. */
static int run_stretch(struct session *session, struct limits *limits, int *stop, struct error *error) {
    struct progress progress;
    struct text why = {0};
    struct between between = {session, 0, &why};
    int code = 0;

    *stop = 0;
    progress_begin(&progress, session->trainer);
    do {
        session_keep_point(session, limits->batches >= 0 && limits->batches < 10);
        int64_t batches = trainer_accepted(session->trainer);
        code = trainer_step_unless(session->trainer, ask_between, &between, error);
        int accepted = trainer_accepted(session->trainer) != batches; /* not where only the end of the run was left */
        if (accepted)
            session_record_batch(session);
        if (code) /* a validation that follows the batch can fail, or be interrupted */
            break;
        if (limits->batches > 0 && (accepted || !between.stop))
            limits->batches--;
        draw(session, &progress);
        *stop = between.stop;
        if (trainer_at_boundary(session->trainer)) {
            int number = stops_check(&session->stops, &why);
            *stop = *stop ? *stop : number;
        }
        session_save_if_asked(session);
        session->in_run++;
        int interrupted = !*stop && session_interrupted(session);
        session->in_run--;
        interrupted |= session->stopping;
        if (interrupted && !is_over(session, limits))
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
    } while (!code && !*stop && !is_over(session, limits));
    session_tell_text(session, TOLD_PROGRESS, "", 0);
    if (*stop) {
        session_print(session, "%s", why.data ? why.data : "");
        note_why(session, why.data ? why.data : "");
    } else if (code) {
        note_why(session, code == ERROR_INTERRUPT ? "paused" : error->message);
    }
    text_free(&why);
    return code;
}

/* The commands of a stop point; *go_on if the run is to go on after them. */
static int obey(struct session *session, int number, int *go_on, struct error *error) {
    struct stop *stop = stops_find(&session->stops, number);
    size_t count = stop ? stop->ncommands : 0;
    char **lines = calloc(count + 1, sizeof *lines);
    const char *before = session->guard.origin;
    char *origin = stop && stop->origin ? strdup(stop->origin) : NULL;
    int code = 0, temporary = stop && stop->temporary;

    if (!lines || (stop && stop->origin && !origin)) {
        free(lines);
        free(origin);
        return error_memory(error);
    }
    for (size_t k = 0; k < count; k++)
        lines[k] = strdup(stop->commands[k]); /* the stop point may go while they run */
    if (temporary)
        stops_remove(&session->stops, number);
    session->go_on = 0;
    session->in_commands++;
    session->guard.origin = origin;
    for (size_t k = 0; k < count && !code && lines[k]; k++)
        code = session_perform(session, lines[k], error);
    session->guard.origin = before;
    session->in_commands--;
    *go_on = session->go_on;
    session->go_on = 0;
    for (size_t k = 0; k < count; k++)
        free(lines[k]);
    free(lines);
    free(origin);
    return code;
}

/* Nothing is left of what `run` of the config says. */
static int refuse_at_end(const struct trainer *trainer, struct error *error) {
    const char *over = trainer_over(trainer);
    return error_set(error, ERROR_STATE, "the run is at its end%s%s%s; `open` begins anew", over ? " (" : "",
                     over ? over : "", over ? ", by `set max_epochs N`, max_steps or max_time)" : "");
}

static int run(struct session *session, struct limits limits, struct error *error) {
    int code, stop, go_on = 0;

    if (trainer_done(session->trainer))
        return refuse_at_end(session->trainer, error);
    session->epochs = 0;
    session->why[0] = 0;
    session->stopping = 0;
    do {
        go_on = 0;
        code = run_stretch(session, &limits, &stop, error);
        if (stop && !code) {
            report(session, "stopped: ");
            session_show_displays(session);
            code = obey(session, stop, &go_on, error);
        }
    } while (!code && go_on && !is_over(session, &limits));
    if (code == ERROR_INTERRUPT)
        report(session, session->options.abandoned && session->options.abandoned(session->options.context)
                            ? "paused, the batch abandoned: "
                            : "paused: ");
    else if (!code && !stop && trainer_done(session->trainer))
        report(session, "done: ");
    else if (!code && !stop && limits.epochs < 0 && (limits.batches == 0 || limits.until))
        report(session, "");
    if (!code && !stop)
        session_show_displays(session);
    return code;
}

int session_run_batches(struct session *session, long batches, struct error *error) {
    return run(session, (struct limits){batches, -1, NULL}, error);
}

static int exec_step(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of batches", 1, MAX_COUNT, &count, error);
    return code ? code : session_run_batches(session, count, error);
}

static int exec_next(struct session *session, const struct command_line *line, struct error *error) {
    long count = 1;
    int code = 0;

    if (line->count > 1)
        code = command_integer(line->words[1], "the number of epochs", 1, MAX_COUNT, &count, error);
    return code ? code : run(session, (struct limits){-1, count, NULL}, error);
}

static int exec_continue(struct session *session, const struct command_line *line, struct error *error) {
    (void)line;
    if (session->in_commands) { /* the run that was stopped goes on when the commands are done */
        session->go_on = 1;
        return 0;
    }
    return run(session, (struct limits){-1, -1, NULL}, error);
}

static int exec_until(struct session *session, const struct command_line *line, struct error *error) {
    struct expression *until;
    int code = expression_new(&until, line->rest, session_scope(session), error);

    if (code)
        return code;
    session->stops.until = until;
    code = run(session, (struct limits){-1, -1, until}, error);
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
        return refuse_at_end(session->trainer, error);
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
            report(session, "paused: ");
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
    report(session, "at ");
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
