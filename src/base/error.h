/* Errors as values: every function that can fail returns an error code (0 is success) and fills the caller's
 * struct error.  The first error wins: filling an error that is already set leaves it alone.  But for ERROR_MEMORY,
 * which replaces any other: what was found wrong while memory ran out may be nothing but a name that is not there. */
#ifndef FETTLE_BASE_ERROR_H
#define FETTLE_BASE_ERROR_H

#include <stddef.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_USAGE,   /* a command line or a command that does not parse */
    ERROR_SYNTAX,  /* a file that does not parse */
    ERROR_NAME,    /* an unknown key, target, metric, module, command */
    ERROR_TYPE,    /* a value of the wrong type */
    ERROR_VALUE,   /* a value out of range, or one that contradicts another */
    ERROR_DATA,    /* a data set, a frame, a checkpoint that cannot be used */
    ERROR_IO,      /* the operating system refused */
    ERROR_MEMORY,  /* more memory than there is, or than was allowed */
    ERROR_STATE,   /* a call at the wrong time */
    ERROR_NUMERIC, /* NaN, Inf, a solve that failed */
    ERROR_INTERRUPT
};

struct error {
    enum error_code code;
    int line, column; /* from 1; 0 where there is none */
    char file[256];
    char message[1024];
};

/* Both return code, so that `return error_set(...)` reads well.  error may be NULL. */
int error_set(struct error *error, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_at(struct error *error, enum error_code code, const char *file, int line, int column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* What a system call that failed with this errno is: ERROR_MEMORY or ERROR_IO. */
enum error_code error_of_system(int why);

/* Adds context in front of the message: "reading train.xyz: ...". */
void error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "file:line:column: message" into out; returns out. */
const char *error_format(const struct error *error, char *out, size_t size);

#endif
