/* What the screen shows beside its log: a curve, and panes that are the output of commands. */
#ifndef FETTLE_SESSION_VIEW_H
#define FETTLE_SESSION_VIEW_H

#include <stdint.h>
#include "base/error.h"
#include "base/text.h"
#include "session/command.h"

enum { MARKS_MOST = 256 };

/* Curves on one pair of axes, or a part of them. */
struct curve_view {
    char names[CURVES_MOST][PANE_NAME]; /* of series; none: the loss of each batch, and that of the validation */
    int ncurves;
    int logarithmic;
    double keep;       /* of smoothing, 0 to below 1 (series_smooth); 0: none */
    int64_t last, end; /* the `last` steps (0: all) up to `end` (0: to the newest) */
    int64_t cursor;    /* the step whose values are told; -1: the newest */
};

/* Something that happened on the way: drawn under curves. */
struct view_mark {
    int64_t step;
    char what; /* S a strategy or optimizer, c another change, R gone back, k a checkpoint */
};

struct view_options {
    struct curve_view curve;
    /* what a front end shows, as it, a command or a session that was opened said last: kept to be saved */
    char panes[PANES_MOST][PANE_NAME];
    int npanes;
    char focus[PANE_NAME]; /* "": nothing is said */
    int zoomed;
    struct view_mark marks[MARKS_MOST]; /* the oldest are dropped */
    int nmarks;
};

struct session;

void view_begin(struct view_options *view); /* as a session opens */
void view_mark(struct session *session, char what);
void session_tell_panes(struct session *session);
/* What a pane is called that a user names so: "values", a command that only looks, or what `info` knows ("ema"). */
int pane_read(struct session *session, const char *word, char name[PANE_NAME], struct error *error);
/* What a pane shows now, in the room that it has; what is wrong with it where it cannot. */
void pane_draw(struct session *session, const char *name, struct room room, struct text *out);
enum pane_kind pane_kind(const char *name);

#endif
