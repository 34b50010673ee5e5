/* What a session may write.  Every file that a command writes passes session_may_write first and session_wrote after.
 *
 * Commands are the user's own, or a file has brought them: what stands under `fettle` in a config, commands of its stop
 * points, scripts and sessions that those name.  What a file brings may look and train; it writes below the folder of
 * its run only, and replaces nothing there that the session has not written, unless the file lies in a folder that the
 * user trusts.  The user's own commands write anywhere, and replace a file that is not the session's where they say
 * `force`. */
#ifndef FETTLE_SESSION_GUARD_H
#define FETTLE_SESSION_GUARD_H

#include <stddef.h>
#include "base/error.h"

struct session;
struct command_line;

struct guard {
    const char *origin; /* the file that brought the command under way; NULL: it is the user's own */
    char **written;     /* files of this session, as file_place names them */
    size_t nwritten;
    char **trusted; /* folders */
    size_t ntrusted;
    int listed; /* the user's list of them has been read */
};

void guard_free(struct guard *guard);
/* Whether the command under way was brought by a file that is not trusted. */
int session_is_strange(struct session *session);
/* The file whose commands come now, while those of `path` are executed: path's absolute name, or the one that brought
 * them, as long as that is not trusted.  path may be NULL: a session that is built in.  Freed by free(). */
char *session_origin(struct session *session, const char *path);

/* ERROR_STATE where it may not; the message says what allows it. */
int session_may_write(struct session *session, const char *path, int force, struct error *error);
void session_wrote(struct session *session, const char *path);
int guard_exec_trust(struct session *session, const struct command_line *line, struct error *error);

#endif
