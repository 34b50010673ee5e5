/* Time travel: states that are kept, and the way back to them. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/progress.h"
#include "session/session_internal.h"

/* ---------------------------------------------------------------- the ring */

void session_forget_points(struct session *session) {
    struct rewinding *r = &session->rewinding;
    for (size_t k = 0; k < r->count; k++)
        trainer_point_free(r->points[k]);
    for (size_t k = 0; k < r->nnamed; k++) {
        trainer_point_free(r->named[k].point);
        free(r->named[k].name);
    }
    free(r->named);
    *r = (struct rewinding){.capacity = r->capacity};
}

/* Full: every second one goes, so that what is kept reaches far back and is dense of late. */
static void thin_out(struct rewinding *r, size_t most) {
    while (r->count >= most && r->count > 0) {
        size_t kept = 0;
        for (size_t k = 0; k < r->count; k++)
            if (r->count > 2 ? k % 2 == 0 || k + 2 >= r->count : k > 0)
                r->points[kept++] = r->points[k];
            else
                trainer_point_free(r->points[k]);
        if (kept == r->count)
            trainer_point_free(r->points[--kept]);
        r->count = kept;
    }
}

void session_keep_point(struct session *session, int at_once) {
    struct rewinding *r = &session->rewinding;
    struct error error = {0};
    double now = clock_seconds();
    int64_t batch = trainer_accepted(session->trainer);
    if (r->capacity < 1 || !trainer_at_boundary(session->trainer) ||
        (r->count && trainer_point_batch(r->points[r->count - 1]) == batch))
        return;
    /* the copies cost a run a two-hundredth of its time at most */
    if (!at_once && now - r->kept_at < 200 * r->cost)
        return;
    thin_out(r, (size_t)r->capacity);
    if (!trainer_point_new(&r->points[r->count], session->trainer, &error))
        r->count++;
    r->kept_at = clock_seconds();
    r->cost = r->kept_at - now;
}

int session_go_back(struct session *session, const struct trainer_point *point, int64_t batch, struct error *error) {
    struct rewinding *r = &session->rewinding;
    session->silent++;
    int code = trainer_point_return(session->trainer, point, batch, error);
    session->silent--;
    if (code)
        return code;
    series_cut(&session->series, trainer_global_step(session->trainer));
    view_mark(session, 'R');
    while (r->count && trainer_point_batch(r->points[r->count - 1]) > batch)
        trainer_point_free(r->points[--r->count]);
    struct text place = {0};
    progress_place(session->trainer, &place);
    session_print(session, "back at %s\n", place.data ? place.data : "");
    text_free(&place);
    session_show_displays(session);
    return 0;
}

static int exec_rewind(struct session *session, const struct command_line *line, struct error *error) {
    struct rewinding *r = &session->rewinding;
    const struct trainer_point *point = NULL;
    int64_t now = trainer_accepted(session->trainer);
    long count = 1;
    int code =
        line->count > 1 ? command_integer(line->words[1], "the number of batches", 1, 1000000000, &count, error) : 0;
    if (code)
        return code;
    if (count > now)
        return error_set(error, ERROR_VALUE, "there were %lld batches so far, not %ld", (long long)now, count);
    for (size_t k = 0; k < r->count; k++)
        if (trainer_point_batch(r->points[k]) <= now - count)
            point = r->points[k];
    if (!point)
        return error_set(error, ERROR_STATE,
                         "no state is kept from before batch %lld; `info rewind` shows those that are",
                         (long long)(now - count));
    return session_go_back(session, point, now - count, error);
}

/* ---------------------------------------------------------------- states by name */

static struct named_point *find_named(struct session *session, const char *name) {
    for (size_t k = 0; k < session->rewinding.nnamed; k++)
        if (!strcmp(session->rewinding.named[k].name, name))
            return &session->rewinding.named[k];
    return NULL;
}

static void named_complete(struct session *session, session_add *add, void *context) {
    for (size_t k = 0; k < session->rewinding.nnamed; k++)
        add(context, session->rewinding.named[k].name);
}

static int exec_checkpoint(struct session *session, const struct command_line *line, struct error *error) {
    struct rewinding *r = &session->rewinding;
    struct trainer_point *point;
    char number[32];
    const char *name = line->count > 1 ? line->words[1] : number;
    snprintf(number, sizeof number, "%zu", r->nnamed + 1);
    int code = trainer_point_new(&point, session->trainer, error);
    if (code)
        return code;
    struct named_point *named = find_named(session, name);
    if (named) {
        trainer_point_free(named->point);
        named->point = point;
    } else {
        struct named_point *list = realloc(r->named, (r->nnamed + 1) * sizeof *list);
        char *copy = strdup(name);
        if (list)
            r->named = list;
        if (!list || !copy) {
            free(copy);
            trainer_point_free(point);
            return error_set(error, ERROR_MEMORY, "out of memory");
        }
        r->named[r->nnamed++] = (struct named_point){copy, point};
    }
    view_mark(session, 'k');
    session_print(session, "checkpoint %s at batch %lld, %.1f MB\n", name, (long long)trainer_point_batch(point),
                  1e-6 * (double)trainer_point_size(point));
    return 0;
}

static int exec_restart(struct session *session, const struct command_line *line, struct error *error) {
    struct named_point *named = find_named(session, line->words[1]);
    if (!named)
        return session_unknown(session, named_complete, "checkpoint", line->words[1], error);
    return session_go_back(session, named->point, trainer_point_batch(named->point), error);
}

void session_print_points(struct session *session) {
    const struct rewinding *r = &session->rewinding;
    size_t bytes = 0;
    for (size_t k = 0; k < r->count; k++)
        bytes += trainer_point_size(r->points[k]);
    session_print(session, "%zu states are kept of %d at most (`set rewind N`), %.1f MB\n", r->count, r->capacity,
                  1e-6 * (double)bytes);
    for (size_t k = 0; k < r->count; k++)
        session_print(session, "  batch %lld\n", (long long)trainer_point_batch(r->points[k]));
    for (size_t k = 0; k < r->nnamed; k++)
        session_print(session, "  checkpoint %s: batch %lld\n", r->named[k].name,
                      (long long)trainer_point_batch(r->named[k].point));
}

int session_set_rewind(struct session *session, const char *word, struct error *error) {
    long count;
    int code = command_integer(word, "the number of states kept for rewind", 0, REWIND_MOST, &count, error);
    if (code)
        return code;
    session->rewinding.capacity = (int)count;
    thin_out(&session->rewinding, (size_t)count + 1);
    session_print(session, "rewind = %ld\n", count);
    return 0;
}

static const struct command commands[] = {
    {"checkpoint", NULL, "checkpoint [NAME]", 0, 1, COMMAND_OPEN | COMMAND_LIVE, COMPLETE_NONE,
     "keep the state, in memory, to come back to", "    `save` writes one to a file.", exec_checkpoint},
    {"restart", NULL, "restart NAME", 1, 1, COMMAND_OPEN, COMPLETE_NONE, "go back to a checkpoint",
     "    Everything that belongs to the state comes back: weights, moments, averages, the schedule, callbacks, the\n"
     "    order of frames, the training module of then; metrics.csv is cut back (what is cut off is in\n"
     "    metrics.csv.cut).",
     exec_restart},
    {"rewind", "rw", "rewind [N]", 0, 1, COMMAND_OPEN, COMPLETE_NONE, "go back by one batch, or N",
     "    To the same bits: from the nearest state that is kept, the batches up to there are trained again, with the\n"
     "    changes that were made between them.",
     exec_rewind},
};

const struct command_group commands_time = {"time", commands, sizeof commands / sizeof *commands};
