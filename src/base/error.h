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

struct error_list;

struct error {
    enum error_code code;
    int line, column; /* from 1; 0 where there is none */
    char file[256];
    char message[1024];
    struct error_list *all; /* where a check that can go on leaves what it finds; NULL: it stops at the first */
    size_t among;           /* this one is there already, as the among-th; 0: it is not */
};

/* The errors of one check, each a thing of its own to be mended. */
enum { ERRORS_MOST = 20 };
struct error_list {
    size_t count;
    struct error list[ERRORS_MOST];
};

/* Both return code, so that `return error_set(...)` reads well.  error may be NULL. */
int error_set(struct error *error, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_at(struct error *error, enum error_code code, const char *file, int line, int column, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

int error_memory(struct error *error); /* ERROR_MEMORY, "out of memory" */

/* What a system call that failed with this errno is: ERROR_MEMORY or ERROR_IO. */
enum error_code error_of_system(int why);

/* In a check that has more to look at: leaves an error with the others and clears it, so that what follows starts anew.
 * Returns 0, or `code` where the check must stop after all: nobody keeps more than one, or there are enough. */
int error_aside(struct error *error, int code);
/* At the end of such a check, which found error_count(error) at its start: the first that it left is the error again.
 */
size_t error_count(const struct error *error);
int error_since(struct error *error, size_t count);
/* As if nothing had happened; whoever keeps more than one keeps them further on. */
void error_clear(struct error *error);

/* Adds context in front of the message: "reading train.xyz: ...". */
void error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "file:line:column: message" into out; returns out. */
const char *error_format(const struct error *error, char *out, size_t size);
/* The same of the k-th of all that were found; NULL behind the last. */
const char *error_format_all(const struct error *error, size_t k, char *out, size_t size);

#endif
