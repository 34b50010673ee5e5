/* A session as a config. */
#ifndef FETTLE_SESSION_SETUP_WRITE_H
#define FETTLE_SESSION_SETUP_WRITE_H

#include "base/error.h"

struct session;

/* The session as it is: config (`training`: the one that this run was begun with, to go on from this checkpoint), and
 * what stands under `fettle` (setup.h). */
int setup_write(struct session *session, const char *path, const char *checkpoint, struct error *error);

#endif
