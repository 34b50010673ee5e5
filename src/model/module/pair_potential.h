/* The registry of pair potentials. */
#ifndef FETTLE_MODEL_PAIR_POTENTIAL_H
#define FETTLE_MODEL_PAIR_POTENTIAL_H

#include "config/options.h"
#include "model/emit/build.h"

struct pair_potential {
    const char *name, *target, *alias;
    const struct option *options;
    size_t noptions;
    /* Needs edge lengths over cutoffs among the fields. With check, only looks at names and types. */
    int (*build)(struct build *build, const struct config_node *config, int check, struct module **out);
    const char *help;
};

extern const struct pair_potential pair_potentials[];
extern const size_t pair_potential_count;

#endif
