/* The numbers of a session by name, for expressions. */
#ifndef FETTLE_SESSION_SCOPE_H
#define FETTLE_SESSION_SCOPE_H

#include "session/expression.h"
#include "session/names.h"

/* Lives as long as the session. */
const struct expression_scope *session_scope(struct session *session);
/* A number by its full name; 0 where there is none. */
int session_value(const struct session *session, const char *name, double *value);
session_names values_complete;

#endif
