/* What passes between a session and a front end: requests down, events up.
 *
 * A message owns what it carries: whoever has it last frees that.  None holds a pointer into a session or into a front
 * end, and neither calls the other, so that what carries messages is only a transport: between two threads worker.h;
 * within one the function `tell` of session_options. */
#ifndef FETTLE_SESSION_MESSAGE_H
#define FETTLE_SESSION_MESSAGE_H

#include <stdint.h>
#include "base/text.h"
#include "session/names.h"

enum { PANES_MOST = 8, PANE_NAME = 128, CURVES_MOST = 4 };

/* Bytes in the text of a view that say how what follows should look; they take no room. */
enum { STYLE_PLAIN = 1, STYLE_FAINT, STYLE_CURVE, STYLE_LAST = STYLE_CURVE + CURVES_MOST - 1 };

/* The room of a pane, in characters; 0 x 0 where there is none, and it is not drawn then. */
struct room {
    int width, height;
};

/* How its lines are to be read: as they stand, as names with a number each, or as a drawing that fills its room. */
enum pane_kind { PANE_LINES, PANE_VALUES, PANE_DRAWING };

/* "values", or commands that only look. */
struct pane_names {
    int count;
    char names[PANES_MOST][PANE_NAME];
};

/* What a front end shows, and the room that it has for it.  Zero what is not used: two of them are compared. */
struct view_wish {
    struct room chart;
    int npanes;
    struct {
        char name[PANE_NAME];
        struct room room;
    } panes[PANES_MOST];
};

/* What there is to see of that. */
struct view {
    char state[16];    /* "idle", "running", "done", "empty" (nothing is open) */
    char why[160];     /* the last run ended before its time; "" if it did not */
    char status[256];  /* where the loop stands, loss, time left */
    struct text chart; /* lines, for the size asked for */
    int npanes;
    struct pane {
        char name[PANE_NAME];
        enum pane_kind kind;
        struct text text; /* lines */
    } panes[PANES_MOST];
};

void view_free(struct view *view);
/* -1 if out of memory: what could not be copied is empty then. */
int view_copy(struct view *to, const struct view *from);

/* ---------------------------------------------------------------- up */

enum event_kind {
    TOLD_TEXT,     /* text: what is printed, with its newlines */
    TOLD_PROGRESS, /* text: a line that replaces the one before it, while something runs; "" ends it */
    TOLD_VIEW,     /* view: the newest, of what was wished for */
    TOLD_PANES,    /* panes: those to be shown from now on */
    TOLD_FOCUS,    /* text: the pane (or "chart", "log") that the focus is to go to, "" where it is; on: zoomed there */
    TOLD_NEXT,     /* the focus is to go to the next pane that is seen; on: zoomed there */
    TOLD_PREVIOUS, /* or to the one before */
    TOLD_FIND,     /* text: to be looked for in the focus; "": the same again */
    TOLD_SAVE,     /* text: a file that the screen is to be written to */
    TOLD_MOUSE,    /* on: the mouse is the program's */
    TOLD_NAMES     /* a reply: names; on: file names should be offered instead */
};

struct event {
    enum event_kind kind;
    int on;
    char *text;
    struct view *view;
    struct pane_names *panes;
    struct names names;
};

void event_free(struct event *event); /* what it carries */

/* ---------------------------------------------------------------- down */

enum request_kind {
    ASK_LINE,  /* text: a line to be executed */
    ASK_NAMES, /* text: a line up to the cursor, word: what ends it.  TOLD_NAMES answers, at once */
    ASK_VIEW,  /* wish: what is shown from now on */
    ASK_FOCUS, /* text: where the focus is now, on: zoomed, for a session that is saved */
    /* these two overtake the lines */
    ASK_INTERRUPT, /* the run pauses after its batch; lines that wait are dropped.  Once more: the batch is given up */
    ASK_SAVE       /* the run is saved after its batch, and goes on */
};

struct request {
    enum request_kind kind;
    int on;
    char *text, *word;
    struct view_wish *wish;
};

void request_free(struct request *request); /* what it carries */

#endif
