/* All that a config may name by _target_, kind by kind, for whoever lists it: names, help, options. */
#ifndef FETTLE_TRAIN_REGISTRY_H
#define FETTLE_TRAIN_REGISTRY_H

#include "base/text.h"
#include "config/options.h"

struct registry_entry {
    struct option_target target;
    const char *help;
};

struct registry {
    const char *name; /* "optimizers" */
    const char *what; /* "optimizer" */
    size_t (*count)(void);
    struct registry_entry (*entry)(size_t k);
    void (*describe)(size_t k, struct text *out); /* its options, in lines; nothing where it has none */
};

extern const struct registry registries[];
extern const size_t registry_count;

/* Entry of this name: the alias, the _target_, or its last part; -1 if there is none. */
int registry_find(const struct registry *registry, const char *name);

#endif
