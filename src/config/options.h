/* Typed options: a table of rows turns a config map into a struct, and says exactly what is wrong where it cannot.
 * The same rows make help, completion and `fettle show --builders`. */
#ifndef FETTLE_CONFIG_OPTIONS_H
#define FETTLE_CONFIG_OPTIONS_H

#include "base/arena.h"
#include "config/node.h"

enum option_type {
    OPTION_BOOL,        /* int */
    OPTION_INT,         /* int64_t */
    OPTION_FLOAT,       /* double */
    OPTION_STRING,      /* const char *, NULL for null */
    OPTION_INT_LIST,    /* struct option_ints; a single number is a list of one with scalar = 1 */
    OPTION_FLOAT_LIST,  /* struct option_floats; likewise */
    OPTION_STRING_LIST, /* struct option_strings; likewise */
    OPTION_NODE         /* const struct config_node *, NULL where absent or null: anything */
};

struct option_ints {
    int count, scalar;
    int64_t *values;
};
struct option_floats {
    int count, scalar;
    double *values;
};
struct option_strings {
    int count, scalar;
    const char **values;
};

enum option_flags {
    OPTION_REQUIRED = 1,
    OPTION_NULLABLE = 2, /* null is accepted: a string is NULL then, all else keeps the fallback; one among a list of
                          * floats is NaN */
    OPTION_IGNORED = 4,  /* accepted for NequIP's sake and without meaning here: not read, noticed once in the log with
                          * its help, which says why; a value that is the fallback says nothing */
    OPTION_POSITIVE = 8, /* numbers must be > 0 */
    OPTION_NONNEGATIVE = 16,
    OPTION_REFUSED = 32 /* it would change what is done: null and the fallback are accepted, any other value is an error
                         * with its help, which says why and how to go on */
};

struct option {
    const char *name;
    enum option_type type;
    unsigned flags;
    const char *fallback; /* the default, as YAML text; NULL: zero, absent */
    size_t offset;        /* in the struct */
    const char *choices;  /* "silu|mish|gelu|null", for strings (null: YAML's null too); NULL: any */
    const char *help;
};

/* Fills *out (zeroed first) from map.  Keys _target_ and those in `also` (NULL-terminated, may be NULL) are passed
 * over; any other unknown key is an error at its place that names the nearest option.  Deferred values are accepted
 * and leave the fallback.  Lists and strings live in the arena. */
int options_read(const struct option *options, size_t count, const struct config_node *map, const char *const *also,
                 void *out, struct arena *arena, struct error *error);

/* `_target_` of a map, looked up among names (full names and aliases); index or an error with the nearest name. */
struct option_target {
    const char *target; /* "torch.optim.Adam" */
    const char *alias;  /* "adam"; may be NULL */
};
/* A name is the target's, or its alias, or that of the module in which its package defines the class
 * (torch.optim.adam.Adam, pytorch_lightning.callbacks.timer.Timer). */
int options_is_target(const char *name, const struct option_target *target);
/* Such a name as the package offers it, in `out`; another is given back as it is, or copied. */
const char *options_public_name(const char *name, char *out, size_t size);
int options_target(const struct config_node *map, const char *what, const struct option_target *targets, size_t count,
                   size_t *index, struct error *error);
/* The same among a table of kinds, pointers to structs that begin with their target. */
#define options_kind(map, what, kinds, count, index, error)                                                            \
    options_target_of(map, what, (const void *const *)(kinds), count, index, error)
int options_target_of(const struct config_node *map, const char *what, const void *const *kinds, size_t count,
                      size_t *index, struct error *error);

/* What public configs name, and cannot be had here. */
struct option_absent {
    const char *target; /* or how it begins, up to a dot: "mace." */
    const char *why;    /* and how to go on */
};
/* An error where `_target_` is one of them. */
int options_absent(const struct config_node *map, const struct option_absent *absent, size_t count,
                   struct error *error);

/* Each option with its type, default and help. */
void options_print(const struct option *options, size_t count, int indent, struct text *out);

#endif
