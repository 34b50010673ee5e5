/* Inside of a session: for the files of commands. */
#ifndef FETTLE_SESSION_SESSION_INTERNAL_H
#define FETTLE_SESSION_SESSION_INTERNAL_H

#include <stdio.h>
#include "base/text.h"
#include "config/node.h"
#include "session/command.h"
#include "session/guard.h"
#include "session/view/series.h"
#include "session/session.h"
#include "session/stop/stops.h"
#include "session/view.h"
#include "train/run/trainer.h"

enum { REWIND_MOST = 256, REWIND_STATES = 24 };

/* States to go back to: some of each run, thinned out as they grow old, and those that have a name. */
struct rewinding {
    struct trainer_point *points[REWIND_MOST + 2]; /* oldest first */
    size_t count;
    int capacity;
    double cost, kept_at; /* s: of the last copy, and when it was made */
    struct named_point {
        char *name;
        struct trainer_point *point;
    } * named;
    size_t nnamed;
};

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
    struct {
        int width, height;
    } room;          /* of the pane that what is captured is for; 0: none */
    char why[160];   /* the last run ended before its time; "" if it did not */
    int stopping;    /* `stop` was executed */
    int catches_off; /* `catch off` */
    int in_run;      /* a run goes on: what is executed now is between two of its batches */
    int silent;      /* what the loop tells is known already */
    int go_on;       /* `continue` among the commands of a stop point */
    int in_commands; /* they are being executed */
    int save_due;    /* the run is to be saved at the end of the batch */
    int dropped;     /* `quit` could not save it, and was meant all the same */
    int64_t refused; /* batches there were when `quit` could not save the run, from 1; 0: it did not fail */
    int confined;    /* callbacks write below the run's folder only */
    int told;        /* that the command was interrupted is said already */
};

/* Executes a line of whoever brought the command under way (guard.origin). */
int session_perform(struct session *session, const char *line, struct error *error);
/* Makes a run of a config, aside, and puts it in the place of the one before; the config is the session's then. */
int session_begin(struct session *session, struct config *config, const char *path, struct error *error);
void session_describe(struct session *session); /* what is open, in a line */
/* A run that has trained since then is saved as last.safetensors in its folder, and a batch under way is given up. path
 * is added to: where that file is, if there is one. */
int session_keep_run(struct session *session, struct text *path, struct error *error);

/* Closes what is open, if anything is. */
void session_close(struct session *session);
void session_print(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
int session_interrupted(const struct session *session);
int session_asked(const struct session *session); /* the same, and nothing is done meanwhile */

/* What the loop tells while it runs. */
void session_event(struct session *session, enum trainer_event event, const char *text);

/* A number by its full name; 0 where there is none. */
int session_value(const struct session *session, const char *name, double *value);

/* commands_stop.c: a line that belongs to the commands of a stop point */
int session_collect(struct session *session, const char *line, struct error *error);
void session_print_stops(struct session *session);
void session_show_displays(struct session *session);

/* commands_time.c */
void session_keep_point(struct session *session, int at_once); /* unless it would cost too much */
void session_forget_points(struct session *session);
void session_print_points(struct session *session);
/* To the state after `batch` batches; says where it is then. */
int session_go_back(struct session *session, const struct trainer_point *point, int64_t batch, struct error *error);
int session_set_rewind(struct session *session, const char *word, struct error *error);

/* commands_fork.c */
void session_forget_fork(struct session *session);
/* Where the change begins in a line of `fork`, once its name is there; or NULL. */
const char *fork_change(const char *line);

/* A change that the run's audit log remembers; says what it did. */
int session_change(struct session *session, int count, const char *const *words, struct error *error);
/* As `step` does. */
int session_run_batches(struct session *session, long batches, struct error *error);

/* What a command that only looks would print; ERROR_USAGE where it does more. */
int session_look(struct session *session, const char *line, struct text *out, struct error *error);

/* By its name, or by an end of it that no other has ("forces_mae" where there is one). */
int session_find_series(struct session *session, const char *name, const struct series **out, struct error *error);

/* Keeps for charts what the last batch brought, or the row that was just logged. */
void session_record_batch(struct session *session);
void session_record_row(struct session *session);

/* By its path, or by an end of it that no other module has. */
struct module;
int session_find_module(struct session *session, const char *path, const struct module **out, struct error *error);

/* Says it where looks use the raw weights though evaluation would see others. */
void session_print_weights(struct session *session);

/* Names for completion, each handed to add, which copies it. */
typedef void session_add(void *context, const char *candidate);
void settings_complete(struct session *session, session_add *add, void *context);
void metrics_complete(struct session *session, session_add *add, void *context);
void modules_complete(struct session *session, session_add *add, void *context);
void strategies_complete(struct session *session, session_add *add, void *context);
void optimizers_complete(struct session *session, session_add *add, void *context);
void values_complete(struct session *session, session_add *add, void *context);
void topics_complete(struct session *session, session_add *add, void *context);
void points_complete(struct session *session, session_add *add, void *context);
void changes_complete(struct session *session, session_add *add, void *context);
void branches_complete(struct session *session, session_add *add, void *context);
void phases_complete(struct session *session, session_add *add, void *context);

/* ERROR_NAME: there is no `what` of this name; the nearest of those that `complete` gives. */
typedef void session_complete_names(struct session *session, session_add *add, void *context);
int session_unknown(struct session *session, session_complete_names *complete, const char *what, const char *name,
                    struct error *error);

#endif
