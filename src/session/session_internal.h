/* Inside of a session. */
#ifndef FETTLE_SESSION_SESSION_INTERNAL_H
#define FETTLE_SESSION_SESSION_INTERNAL_H

#include <stdio.h>
#include "base/text.h"
#include "config/node.h"
#include "session/command.h"
#include "session/front.h"
#include "session/guard.h"
#include "session/rewinding.h"
#include "session/scope.h"
#include "session/series.h"
#include "session/session.h"
#include "session/stops.h"
#include "session/view.h"
#include "train/run/trainer.h"

/* The next batches as things are and after a change. */
struct forking {
    struct trainer_point *start; /* NULL: there was no fork */
    uint64_t hash;               /* of the state there */
    struct trainer_branch *this, *other;
    int64_t batches;
    char *words[COMMAND_MAX_WORDS]; /* of the change */
    int count;
};

struct session {
    struct session_options options;
    struct trainer *trainer; /* NULL while nothing is open */
    struct config *config;   /* as it was read, with overrides */
    struct config *draft;    /* with a model that `build` has made and nobody accepted yet; NULL: none */
    char *path;              /* of the file that is open; "built-in" */
    char *output;            /* folder that a run writes to */
    FILE *log;               /* in that folder: commands and what they print; NULL: none */
    char *repeat;            /* what an empty line executes; NULL: nothing */
    int finished;
    long epochs; /* that have ended since the loop was entered */
    int depth;   /* of scripts that source scripts */
    struct series_store series;
    struct stops stops;
    struct expression_scope scope;
    struct rewinding rewinding;
    struct forking fork;
    struct view_options view;
    struct guard guard;
    struct text *captured; /* what is printed goes here; NULL: to the front end */
    char why[160];         /* the last run ended before its time; "" if it did not */
    int stopping;          /* `stop` was executed */
    int catches_off;       /* `catch off` */
    int in_run;            /* a run goes on: what is executed now is between two of its batches */
    int silent;            /* what the loop tells is known already */
    int go_on;             /* `continue` among the commands of a stop point */
    int in_commands;       /* they are being executed */
    int save_due;          /* the run is to be saved at the end of the batch */
    int dropped;           /* `quit` could not save it, and was meant all the same */
    int64_t refused;       /* batches there were when `quit` could not save the run, from 1; 0: it did not fail */
    int confined;          /* callbacks write below the run's folder only */
    int told;              /* that the command was interrupted is said already */
};

#endif
