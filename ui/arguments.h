/* Arguments of a verb: a const table of options, what is left over in order. */
#ifndef FETTLE_UI_ARGUMENTS_H
#define FETTLE_UI_ARGUMENTS_H

#include <stddef.h>
#include "base/error.h"

struct argument {
    const char *name;  /* "threads" for --threads */
    char letter;       /* 'o' for -o; 0: none */
    const char *value; /* "N" where it takes a value, else NULL */
    const char *help;
};

enum { ARGUMENTS_MAX_OPTIONS = 16 };

struct arguments {
    const char *value[ARGUMENTS_MAX_OPTIONS]; /* by the option's index; "" for a flag that is set; NULL: absent */
    int count;
    char **rest; /* freed by arguments_free */
};

/* "--name=value", "--name value", "-o value", "-ovalue"; "--" ends the options; a word that begins with "-" and is no
 * option is an error that names the nearest.  low..high is how many words may be left over (high -1: any). */
int arguments_parse(struct arguments *out, const struct argument *options, size_t noptions, int low, int high, int argc,
                    char **argv, struct error *error);
void arguments_free(struct arguments *arguments);

/* An integer option in low..high; leaves *out alone where it is absent. */
int arguments_integer(const struct arguments *arguments, const struct argument *options, int index, long low, long high,
                      long *out, struct error *error);
/* An amount of memory in MB as bytes: 0 where it is absent, SIZE_MAX for 0. */
int arguments_memory(const struct arguments *arguments, const struct argument *options, int index, size_t *out,
                     struct error *error);

#endif
