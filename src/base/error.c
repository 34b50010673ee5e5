#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/print.h"

static void fill(struct error *error, enum error_code code, const char *file, int line, int column, const char *format,
                 va_list args) {
    if (!error || (error->code && (code != ERROR_MEMORY || error->code == ERROR_MEMORY)))
        return;
    error->code = code;
    error->among = 0;
    error->line = line;
    error->column = column;
    snprintf(error->file, sizeof error->file, "%s", file ? file : "");
    print_to_v(error->message, sizeof error->message, format, args);
}

int error_set(struct error *error, enum error_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(error, code, NULL, 0, 0, format, args);
    va_end(args);
    return (int)code;
}

int error_at(struct error *error, enum error_code code, const char *file, int line, int column, const char *format,
             ...) {
    va_list args;
    va_start(args, format);
    fill(error, code, file, line, column, format, args);
    va_end(args);
    return (int)code;
}

int error_memory(struct error *error) {
    return error_set(error, ERROR_MEMORY, "out of memory");
}

enum error_code error_of_system(int why) {
    return why == ENOMEM ? ERROR_MEMORY : ERROR_IO;
}

void error_prefix(struct error *error, const char *format, ...) {
    if (!error || !error->code)
        return;
    char text[sizeof error->message];
    va_list args;
    va_start(args, format);
    int length = print_to_v(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, "%s", error->message);
    memcpy(error->message, text, sizeof text);
    if (error->among)
        memcpy(error->all->list[error->among - 1].message, text, sizeof text);
}

const char *error_format(const struct error *error, char *out, size_t size) {
    if (error->file[0] && error->line > 0 && error->column > 0)
        snprintf(out, size, "%s:%d:%d: %s", error->file, error->line, error->column, error->message);
    else if (error->file[0] && error->line > 0)
        snprintf(out, size, "%s:%d: %s", error->file, error->line, error->message);
    else if (error->file[0])
        snprintf(out, size, "%s: %s", error->file, error->message);
    else
        snprintf(out, size, "%s", error->message);
    return out;
}

/* ---------------------------------------------------------------- several */

int error_aside(struct error *error, int code) {
    if (!code)
        return 0;
    if (!error || !error->all || code == ERROR_MEMORY || code == ERROR_INTERRUPT)
        return code;
    struct error_list *all = error->all;
    if (error->code && !error->among) {
        if (all->count == ERRORS_MOST)
            return code;
        all->list[all->count++] = *error;
    }
    error->code = ERROR_NONE;
    error->among = 0;
    return 0;
}

size_t error_count(const struct error *error) {
    return error && error->all ? error->all->count : 0;
}

int error_since(struct error *error, size_t count) {
    if (!error || error_count(error) <= count)
        return 0;
    struct error_list *all = error->all;
    *error = all->list[count];
    error->all = all;
    error->among = count + 1;
    return (int)error->code;
}

void error_clear(struct error *error) {
    if (!error)
        return;
    struct error_list *all = error->all;
    if (all)
        all->count = 0;
    memset(error, 0, sizeof *error);
    error->all = all;
}

const char *error_format_all(const struct error *error, size_t k, char *out, size_t size) {
    size_t count = error_count(error);
    if (k < count)
        return error_format(&error->all->list[k], out, size);
    return k == count && !error->among ? error_format(error, out, size) : NULL;
}
