/* A resolver, ${name:arguments}: what those of different origin share. */
#ifndef FETTLE_CONFIG_RESOLVER_H
#define FETTLE_CONFIG_RESOLVER_H

#include "config/interpolation.h"

struct call {
    struct interpolation *evaluation;
    const char *name;
    struct config_node **args;
    size_t count;
};

/* Each returns a node as evaluate_text does. */
typedef struct config_node *resolver(const struct call *call);
resolver oc_env, oc_select, oc_decode, oc_create, oc_deprecated, oc_dict_keys, oc_dict_values; /* OmegaConf */
resolver hydra_value, hydra_now;                                                               /* Hydra */

const struct config_node *call_place(const struct call *call);
/* Sets the error, with the resolver's name in front, and returns NULL. */
struct config_node *call_fail(const struct call *call, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct config_node *call_node(const struct call *call, enum config_kind kind);
struct config_node *call_string(const struct call *call, const char *text);
const char *call_text(const struct call *call, size_t k); /* an argument that is a string; NULL with the error */
/* The key "a.b[0]", "..c" of an argument; names live in the config's arena. */
int call_reference(const struct call *call, size_t k, struct reference *out);

/* What hydra.job.env_set has for an environment variable, into *out: NULL where nothing; -1 with the error. */
int hydra_environment(struct interpolation *evaluation, const char *name, struct config_node **out);
/* The top of Hydra's own settings where the place belongs to them, else NULL: from there their references go. */
struct config_node *hydra_top(const struct interpolation *evaluation);
/* The settings that the config makes are those that Hydra knows; 0 or an error code. */
int hydra_check(struct interpolation *evaluation);

#endif
