/* The run of a session: how one begins, and how it is closed. */
#ifndef FETTLE_SESSION_OPENING_H
#define FETTLE_SESSION_OPENING_H

#include "base/error.h"

struct session;
struct config;
struct setup;

/* Makes a run of a config, aside, with the set-up that goes with it (NULL: none), and puts it in the place of the one
 * before; the config is the session's then. */
int session_begin(struct session *session, struct config *config, const char *path, struct setup *setup,
                  struct error *error);
void session_describe(struct session *session); /* what is open, in a line */
/* Closes what is open, if anything is. */
void session_close(struct session *session);

#endif
