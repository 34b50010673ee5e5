/* Another training module or optimizer. */
#ifndef FETTLE_TRAIN_RUN_RETOOL_H
#define FETTLE_TRAIN_RUN_RETOOL_H

#include "base/text.h"
#include "config/node.h"

struct trainer;

struct retired {
    struct config *config;
    struct retired *next;
};

/* The config, then and now. */
struct run_configs {
    struct config *given, *resolved;
    struct retired *retired; /* that were in force before: nodes of theirs may be in use */
    struct config **before;  /* configs as given, before each exchange of parts; [exchanges] */
    int exchanges;           /* so far */
};

/* Another training module or optimizer */
/* The overrides of a config that a change amounts to: 0, or an error; not for `set`. */
int retool_override(struct config *config, int count, const char *const *words, struct error *error);
int retool_to(struct trainer *trainer, const struct config *given, struct error *error); /* the parts it names */
int retool(struct trainer *trainer, int count, const char *const *words, struct text *report, struct error *error);

#endif
