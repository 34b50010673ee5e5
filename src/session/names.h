/* Names that are handed over one by one: for completion, and to find the one that is meant. */
#ifndef FETTLE_SESSION_NAMES_H
#define FETTLE_SESSION_NAMES_H

#include <stddef.h>
#include "base/error.h"

struct session;

/* Takes a name, of which it keeps no more than a copy. */
typedef void session_add(void *context, const char *name);
/* Calls add with each name that may end a line: a command and what follows it, up to the cursor.  Those whose names are
 * the same behind whatever line do not look at it. */
typedef void session_names(struct session *session, const char *line, session_add *add, void *context);

/* A list of them, zero at first.  What cannot be kept is left out. */
struct names {
    size_t count, capacity;
    char **list;
};
void names_add(void *names, const char *name); /* a session_add */
void names_free(struct names *names);
/* Fills the error: there is no `what` of this name; the nearest of those there are is told.  Returns ERROR_NAME. */
int names_unknown(const struct names *names, const char *what, const char *name, struct error *error);

/* The same of those that a session has. */
int session_unknown(struct session *session, session_names *complete, const char *what, const char *name,
                    struct error *error);

/* Values: each has a full name, which may hold slashes. */
struct name_source {
    void (*each)(void *of, session_add *add, void *context);
    int (*is_unlisted)(void *of, const char *name); /* whether it is one all the same */
    void *of;
};
/* The full name that is meant, by itself or by what stands behind the last slash of one alone, into out[256].
 * ERROR_NAME: there is none, or there are several; the error may be NULL. */
int names_resolve(const struct name_source *source, const char *name, char *out, struct error *error);

#endif
