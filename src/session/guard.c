#include "session/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "session/session_internal.h"

enum { LIST_MOST = 1 << 16 };

static void free_list(char **list, size_t count) {
    for (size_t k = 0; k < count; k++)
        free(list[k]);
    free(list);
}

void guard_free(struct guard *guard) {
    free_list(guard->written, guard->nwritten);
    free_list(guard->trusted, guard->ntrusted);
}

/* The text is the list's, or freed. */
static int add(char ***list, size_t *count, char *text) {
    char **longer = text ? realloc(*list, (*count + 1) * sizeof *longer) : NULL;
    if (longer)
        *list = longer;
    if (!longer) {
        free(text);
        return -1;
    }
    longer[(*count)++] = text;
    return 0;
}

/* ---------------------------------------------------------------- who is trusted */

static int trust(struct guard *guard, const char *folder) {
    char *real = realpath(folder, NULL);
    struct stat status;
    if (real && (stat(real, &status) || !S_ISDIR(status.st_mode))) {
        free(real);
        real = NULL;
        errno = ENOTDIR;
    }
    return add(&guard->trusted, &guard->ntrusted, real);
}

/* Only where nobody else can have written it. */
static int is_users_own(const char *path) {
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode) && status.st_size <= LIST_MOST &&
           (status.st_uid == geteuid() || status.st_uid == 0) && !(status.st_mode & (S_IWGRP | S_IWOTH));
}

static void read_list(struct session *session) {
    const char *path = session->options.trusted, *home = getenv("HOME");
    struct error error = {0};
    char *text = NULL, folder[4096];
    size_t size;
    session->guard.listed = 1;
    if (!path || !file_exists(path))
        return;
    if (!is_users_own(path)) {
        session_print(session, "notice: %s is not read: it should be a small file that nobody else can write\n", path);
        return;
    }
    if (file_read(path, &text, &size, &error))
        session_print(session, "notice: %s\n", error.message);
    for (char *line = text, *end; line && *line; line = end) {
        end = line + strcspn(line, "\n");
        end += *end ? (*end = 0, 1) : 0;
        int in_home = line[0] == '~' && (line[1] == '/' || !line[1]);
        int used = snprintf(folder, sizeof folder, "%s%s", in_home && home ? home : "", line + in_home);
        if (folder[0] == '/' && used < (int)sizeof folder)
            trust(&session->guard, folder);
    }
    free(text);
}

static int is_trusted(struct session *session, const char *path) {
    if (session->options.trust_all)
        return 1;
    if (!session->guard.listed)
        read_list(session);
    for (size_t k = 0; k < session->guard.ntrusted; k++)
        if (file_is_below(path, session->guard.trusted[k]))
            return 1;
    return 0;
}

int session_is_strange(struct session *session) {
    return session->guard.origin && !is_trusted(session, session->guard.origin);
}

char *session_origin(struct session *session, const char *path) {
    if (session_is_strange(session))
        return strdup(session->guard.origin);
    char *real = path ? realpath(path, NULL) : NULL;
    return real || !path ? real : strdup(path);
}

/* ---------------------------------------------------------------- what may be written */

static int has_written(const struct session *session, const char *place) {
    const struct guard *guard = &session->guard;
    for (size_t k = 0; k < guard->nwritten; k++)
        if (!strcmp(guard->written[k], place))
            return 1;
    /* the run's own */
    struct text last = {0};
    int same = 0;
    if (session->trainer && trainer_output(session->trainer)) {
        text_format(&last, "%s/last.safetensors", trainer_output(session->trainer));
        char *own = last.failed ? NULL : file_place(last.data);
        same = own && !strcmp(own, place);
        free(own);
    }
    text_free(&last);
    return same;
}

void session_wrote(struct session *session, const char *path) {
    char *place = file_place(path);
    if (place && has_written(session, place))
        free(place);
    else
        add(&session->guard.written, &session->guard.nwritten, place); /* forgotten, it needs `force` later */
}

/* What the user can do about it. */
static void add_way_out(const struct session *session, struct text *out) {
    const char *origin = session->guard.origin, *slash = strrchr(origin, '/');
    text_format(out, "; `trust \"%.*s\"` lets sessions of that folder write as you may",
                slash == origin ? 1
                : slash         ? (int)(slash - origin)
                                : 1,
                slash ? origin : ".");
}

int session_may_write(struct session *session, const char *path, int force, struct error *error) {
    const char *output = session->trainer ? trainer_output(session->trainer) : NULL;
    struct text way = {0};
    struct stat status;
    if (!path[0])
        return error_set(error, ERROR_USAGE, "an empty name: nothing is written");
    char *place = file_place(path);
    int strange = session_is_strange(session), code = 0, exists = !stat(path, &status) && S_ISREG(status.st_mode);
    if (strange)
        add_way_out(session, &way);
    if (strange && !(output && file_is_below(path, output)))
        code = error_set(error, ERROR_STATE,
                         "%s is not written: commands of %s write below the folder of their run only%s%s%s", path,
                         session->guard.origin, output ? ", " : "", output ? output : "", way.data ? way.data : "");
    else if (exists && !(place && has_written(session, place)) && strange)
        code = error_set(error, ERROR_STATE, "%s is there already: commands of %s replace nothing%s", path,
                         session->guard.origin, way.data ? way.data : "");
    else if (exists && !(place && has_written(session, place)) && !force)
        code = error_set(error, ERROR_STATE,
                         "%s is there already, and this session has not written it; `force` at the end of the command "
                         "replaces it",
                         path);
    text_free(&way);
    free(place);
    return code;
}

/* ---------------------------------------------------------------- the command */

int guard_exec_trust(struct session *session, const struct command_line *line, struct error *error) {
    struct guard *guard = &session->guard;
    if (!guard->listed)
        read_list(session);
    if (line->count > 1 && guard->origin)
        return error_set(error, ERROR_STATE, "%s cannot say who is trusted: only you can", guard->origin);
    if (line->count > 1 && trust(guard, line->words[1]))
        return error_set(error, error_of_system(errno), "%s: %s", line->words[1], strerror(errno));
    if (session->options.trust_all)
        session_print(session, "all sessions are trusted\n");
    for (size_t k = 0; k < guard->ntrusted; k++)
        session_print(session, "%s\n", guard->trusted[k]);
    if (!session->options.trust_all && !guard->ntrusted)
        session_print(session, "no folder is trusted\n");
    return 0;
}
