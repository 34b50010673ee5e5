#include "session/rewinding.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/progress.h"
#include "session/session_internal.h"
#include "train/run/point.h"

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
    commands_rewind(session);
    return 0;
}

struct named_point *session_find_point(struct session *session, const char *name) {
    for (size_t k = 0; k < session->rewinding.nnamed; k++)
        if (!strcmp(session->rewinding.named[k].name, name))
            return &session->rewinding.named[k];
    return NULL;
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
