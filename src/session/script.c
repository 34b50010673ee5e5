/* Scripts: session_source, session_read_line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/execute.h"
#include "session/session_internal.h"

enum { MAX_DEPTH = 16, MAX_LINE = 1 << 20 };

/* Where the line stands; a place that the command itself complains of (a config) stays, and this one goes behind. */
static void add_place(struct error *error, const char *path, int number) {
    size_t length = strlen(error->message);

    if (!error->file[0]) {
        snprintf(error->file, sizeof error->file, "%s", path);
        error->line = number;
    } else {
        char place[300];
        int size = snprintf(place, sizeof place, " (line %d of %.250s)", number, path);
        if (length >= (size_t)size && !strcmp(error->message + length - (size_t)size, place))
            return; /* a script that calls itself */
        snprintf(error->message + length, sizeof error->message - length, "%s", place);
    }
}

int session_read_line(struct session *session, FILE *file, struct text *line, struct error *error) {
    char piece[4096];
    size_t used = 0;
    int c = 0, why = 0;

    text_clear(line);
    while (c != '\n') {
        if ((c = getc(file)) == EOF) {
            why = errno;
            if (!ferror(file) || why != EINTR || session_interrupted(session))
                break;
            session_save_if_asked(session);
            clearerr(file); /* a signal that only asked for that */
            continue;
        }
        if (!c)
            return error_set(error, ERROR_DATA, "a zero byte: this is no script of commands");
        piece[used++] = (char)c;
        if (used == sizeof piece || c == '\n') {
            text_add_bytes(line, piece, used);
            used = 0;
        }
        if (line->size > MAX_LINE)
            return error_set(error, ERROR_DATA, "a line of more than %d bytes: this is no script of commands",
                             MAX_LINE);
    }
    text_add_bytes(line, piece, used);
    if (ferror(file))
        return error_set(error, why == EINTR ? ERROR_INTERRUPT : ERROR_IO, "%s", strerror(why));
    return line->failed ? error_memory(error) : 0;
}

int session_source(struct session *session, const char *path, int typed, struct error *error) {
    int standard = strcmp(path, "-") == 0, number = 0, code = 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    struct text line = {0};

    if (!file)
        return error_set(error, error_of_system(errno), "%s: %s", path, strerror(errno));
    if (session->depth >= MAX_DEPTH) {
        code = error_set(error, ERROR_USAGE, "%s: scripts that call scripts, more than %d deep", path, MAX_DEPTH);
        goto out;
    }
    session->depth++;
    while (!code && !session->finished) {
        number++;
        if ((code = session_read_line(session, file, &line, error))) {
            if (error) /* of what cannot be read at all no line is told */
                add_place(error, standard ? "standard input" : path, code == ERROR_DATA ? number : 0);
            break;
        }
        if (!line.size)
            break;
        if (typed)
            session_print(session, "(fettle) %.*s\n", (int)strcspn(line.data, "\r\n"), line.data);
        if (!line.data[strspn(line.data, " \t\r\n")])
            continue;
        code = session_perform(session, line.data, error);
        if (!code && session_asked(session))
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
        if (code && typed && code != ERROR_INTERRUPT) {
            char said[1536];
            for (size_t k = 0; error_format_all(error, k, said, sizeof said); k++)
                session_print(session, "fettle: %s\n", said);
            error_clear(error);
            code = 0;
        }
        if (code && error)
            add_place(error, standard ? "standard input" : path, number);
    }
    session->depth--;
out:
    text_free(&line);
    if (!standard)
        fclose(file);
    return code;
}
