/* States of a run that are kept in memory, to go back to. */
#ifndef FETTLE_SESSION_REWINDING_H
#define FETTLE_SESSION_REWINDING_H

#include "train/run/trainer.h"

struct session;

enum { REWIND_MOST = 256, REWIND_STATES = 24 };

/* States of each run, thinned out as they grow old, and those that have a name. */
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

void session_keep_point(struct session *session, int at_once); /* unless it would cost too much */
void session_forget_points(struct session *session);
void session_print_points(struct session *session);
struct named_point *session_find_point(struct session *session, const char *name); /* or NULL */
/* To the state after `batch` batches; says where it is then. */
int session_go_back(struct session *session, const struct trainer_point *point, int64_t batch, struct error *error);
/* So many, a word, are kept from now on. */
int session_set_rewind(struct session *session, const char *word, struct error *error);

#endif
