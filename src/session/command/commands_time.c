/* Time travel: states that are kept, and the way back to them. */
#include <stdlib.h>
#include <string.h>

#include "session/command/groups.h"
#include "session/session_internal.h"
#include "train/run/point.h"

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

static void named_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)line;
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
    struct named_point *named = session_find_point(session, name);
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
            return error_memory(error);
        }
        r->named[r->nnamed++] = (struct named_point){copy, point};
    }
    view_mark(session, 'k');
    session_print(session, "checkpoint %s at batch %lld, %.1f MB\n", name, (long long)trainer_point_batch(point),
                  1e-6 * (double)trainer_point_size(point));
    return 0;
}

static int exec_restart(struct session *session, const struct command_line *line, struct error *error) {
    struct named_point *named = session_find_point(session, line->words[1]);
    if (!named)
        return session_unknown(session, named_complete, "checkpoint", line->words[1], error);
    return session_go_back(session, named->point, trainer_point_batch(named->point), error);
}

static const struct command commands[] = {
    {.name = "checkpoint",
     .usage = "checkpoint [NAME]",
     .max = 1,
     .flags = COMMAND_OPEN | COMMAND_LIVE,
     .summary = "keep the state, in memory, to come back to",
     .help = "    `save` writes one to a file.",
     .exec = exec_checkpoint},
    {.name = "restart",
     .usage = "restart NAME",
     .min = 1,
     .max = 1,
     .flags = COMMAND_OPEN,
     .summary = "go back to a checkpoint",
     .help = "    Everything that belongs to the state comes back: weights, moments, averages, the schedule, "
             "callbacks, the\n"
             "    order of frames, the training module of then; metrics.csv is cut back (what is cut off is in\n"
             "    metrics.csv.cut).",
     .exec = exec_restart},
    {.name = "rewind",
     .aliases = "rw",
     .usage = "rewind [N]",
     .max = 1,
     .flags = COMMAND_OPEN,
     .summary = "go back by one batch, or N",
     .help = "    To the same bits: from the nearest state that is kept, the batches up to there are trained again, "
             "with the\n"
             "    changes that were made between them.",
     .exec = exec_rewind},
};

const struct command_group commands_time = {
    .name = "time",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
    .on_forget = session_forget_points,
};
