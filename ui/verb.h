/* Verbs of the command line: `fettle run ...`.  A const entry each, in a file of its own, listed in main.c. */
#ifndef FETTLE_UI_VERB_H
#define FETTLE_UI_VERB_H

#include "arguments.h"

struct verb {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *help;    /* paragraphs below the options; may be NULL */
    const struct argument *options;
    size_t noptions;
    int low, high; /* how many words besides the options; high -1: any number */
    int (*run)(const struct arguments *arguments, struct error *error); /* 0 or an error code */
};

struct config;

/* The config that the first word names, with the overrides that follow; what it says of the workbench is checked. *out
 * is the caller's, whatever comes. */
int verb_read_config(struct config **out, const struct arguments *arguments, struct error *error);
/* The same check, where a config stands for a model. */
int verb_check_config(const char *path, struct error *error);

/* Refuses to write over what is read: ERROR_VALUE where `output` is one of the inputs, whatever it is called (links),
 * or one of the files that stand in the config.  NULL: there is none. */
struct config_node;
int verb_check_output(const char *option, const char *output, const char *const *inputs, int count,
                      const struct config_node *config, struct error *error);

extern const struct verb verb_run, verb_eval, verb_show, verb_bench, verb_new;

#endif
