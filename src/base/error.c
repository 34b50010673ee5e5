#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct error *error, enum error_code code, const char *file, int line, int column, const char *format,
                 va_list args) {
    if (!error || (error->code && (code != ERROR_MEMORY || error->code == ERROR_MEMORY)))
        return;
    error->code = code;
    error->line = line;
    error->column = column;
    snprintf(error->file, sizeof error->file, "%s", file ? file : "");
    vsnprintf(error->message, sizeof error->message, format, args);
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

enum error_code error_of_system(int why) {
    return why == ENOMEM ? ERROR_MEMORY : ERROR_IO;
}

void error_prefix(struct error *error, const char *format, ...) {
    if (!error || !error->code)
        return;
    char text[sizeof error->message];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return;
    if ((size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, "%s", error->message);
    memcpy(error->message, text, sizeof text);
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
