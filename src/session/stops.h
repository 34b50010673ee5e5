/* Stop points: what ends a run before its time, and what is shown then. */
#ifndef FETTLE_SESSION_STOPS_H
#define FETTLE_SESSION_STOPS_H

#include "base/text.h"
#include "session/expression.h"
#include "session/names.h"
#include "train/run/trainer.h"

enum stop_kind { STOP_BREAK, STOP_WATCH, STOP_PHASE };

struct stop {
    int number; /* from 1, never used twice */
    enum stop_kind kind;
    int temporary, enabled;
    enum phase phase;                          /* of STOP_PHASE, which has no expression: before it */
    struct expression *expression, *condition; /* condition: NULL without one */
    long hits, ignore;                         /* ignore: hits that are still to be passed over */
    int was_true;                              /* a break stops when its expression becomes true */
    double last;                               /* value that a watch last saw */
    char **commands;
    size_t ncommands;
    char *origin; /* the file that brought the commands (guard.h); NULL: they are the user's own */
};

struct stops {
    struct stop *list;
    size_t count;
    int next;       /* number of the next one */
    int collecting; /* the stop whose commands are being typed; 0: none */
    struct display {
        int number;
        struct expression *expression;
    } * displays;
    size_t ndisplays;
    int next_display;
    const struct expression *until; /* what the run that goes on is to end with; NULL: nothing */
};

void stops_free(struct stops *stops);
struct stop *stops_find(struct stops *stops, int number);
/* After each batch: the number of the first stop point that ends the run, or 0; why is told in report. */
int stops_check(struct stops *stops, struct text *report);
/* The same before each phase. */
int stops_check_phase(struct stops *stops, enum phase next, struct text *report);
/* Whether a text is the name of a phase that a stop point may stand before. */
int stops_find_phase(const char *text, enum phase *out);
const char *stops_text(const struct stop *stop); /* its expression, or phase */
/* Values as they are now are what watches compare with; breaks that are true already wait until they were not. */
void stops_arm(struct stop *stop);
void stops_remove(struct stops *stops, int number);

/* All numbers are those of this scope from now on, and watches compare with what they are now. */
void stops_bind(struct stops *stops, const struct expression_scope *scope);
/* Calls with each name whose history an expression asks for. */
void stops_histories(const struct stops *stops, void (*call)(void *context, const char *name), void *context);
session_names phases_complete; /* that a stop point may stand before */

#endif
