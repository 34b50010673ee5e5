#ifndef FETTLE_SESSION_TREE_H
#define FETTLE_SESSION_TREE_H

#include "base/error.h"

struct session;

/* The model, or the outermost modules whose path (or an end of it from a dot on) matches a pattern of * and ?; so many
 * levels below them (-1: all).  A line each: how many parameters, their norm, that of the gradient, how far the last
 * step went (over the norm), then the module.  ERROR_NAME where nothing matches. */
int tree_print(struct session *session, const char *pattern, int depth, struct error *error);

#endif
