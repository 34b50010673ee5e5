#include "session/stop/running.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/execute.h"
#include "session/progress.h"
#include "session/record.h"
#include "session/session_internal.h"
#include "session/stop/stops_print.h"
#include "train/run/point.h"

/* ---------------------------------------------------------------- what the loop says */

static void draw(struct session *session, struct progress *progress) {
    struct text line = {0};

    if (!progress_due(progress))
        return;
    progress_line(progress, session->trainer, &line);
    session_tell_text(session, TOLD_PROGRESS, line.data ? line.data : "", 0);
    text_free(&line);
}

void session_report(struct session *session, const char *prefix) {
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

static int is_over(const struct session *session, const struct run_limits *limits) {
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
static int run_stretch(struct session *session, struct run_limits *limits, int *stop, struct error *error) {
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

int session_refuse_at_end(const struct trainer *trainer, struct error *error) {
    const char *over = trainer_over(trainer);
    return error_set(error, ERROR_STATE, "the run is at its end%s%s%s; `open` begins anew", over ? " (" : "",
                     over ? over : "", over ? ", by `set max_epochs N`, max_steps or max_time)" : "");
}

int session_run(struct session *session, struct run_limits limits, struct error *error) {
    int code, stop, go_on = 0;

    if (trainer_done(session->trainer))
        return session_refuse_at_end(session->trainer, error);
    session->epochs = 0;
    session->why[0] = 0;
    session->stopping = 0;
    do {
        go_on = 0;
        code = run_stretch(session, &limits, &stop, error);
        if (stop && !code) {
            session_report(session, "stopped: ");
            session_show_displays(session);
            code = obey(session, stop, &go_on, error);
        }
    } while (!code && go_on && !is_over(session, &limits));
    if (code == ERROR_INTERRUPT)
        session_report(session, session->options.abandoned && session->options.abandoned(session->options.context)
                                    ? "paused, the batch abandoned: "
                                    : "paused: ");
    else if (!code && !stop && trainer_done(session->trainer))
        session_report(session, "done: ");
    else if (!code && !stop && limits.epochs < 0 && (limits.batches == 0 || limits.until))
        session_report(session, "");
    if (!code && !stop)
        session_show_displays(session);
    return code;
}
