/* Model builders: functions from typed arguments to a tree of modules, registered under a name. The registration
 * wraps each the same way; see builder_call. */
#ifndef FETTLE_MODEL_BUILDER_H
#define FETTLE_MODEL_BUILDER_H

#include "config/options.h"
#include "model/emit/build.h"

struct builder {
    const char *name, *target, *alias;
    const struct option *options;
    size_t noptions;
    size_t size; /* of the struct that the options fill */
    /* Looks at the arguments further than their types can: names, irreps, ranges. May be NULL. Deferred values pass. */
    int (*check)(struct build *build, const void *options, const struct config_node *args);
    /* Makes the model. args is the map that the options came from: for places in messages. */
    int (*build)(struct build *build, const void *options, const struct config_node *args, struct module **out);
    int unwrapped; /* finds seed, dtype and types by itself, and makes a whole GraphModel */
    const char *help;
};

/* Calls a builder with a map of arguments.
 *
 * Outside of any builder: `seed`, `model_dtype` and `type_names` are required and taken out of the arguments (so is
 * `compile_mode`, which has no meaning here); weights are drawn from a stream of the builder's own; `model_dtype` is
 * the build's dtype until the builder returns; the outcome is wrapped in GraphModel. The build is afterwards as it was
 * before, whether the builder succeeded or failed.
 *
 * Inside of another builder it runs raw: no seeding, no wrapping, the three arguments are unknown. */
int builder_call(struct build *build, const struct builder *builder, const struct config_node *args,
                 struct module **out);
/* The same, raw, for options that the calling builder made itself. */
int builder_call_with(struct build *build, const struct builder *builder, const void *options,
                      const struct config_node *args, struct module **out);
/* Inside of a builder: as if outside, but for the three arguments, which are the calling builder's where not given. */
int builder_call_fresh(struct build *build, const struct builder *builder, const struct config_node *args,
                       struct module **out);
/* Checks names and types of the arguments of a call from outside. */
int builder_check(struct build *build, const struct builder *builder, const struct config_node *args);

/* ---------------------------------------------------------------- registry */

extern const struct builder *const builders[];
extern const size_t builder_count;
/* What every builder takes from outside, unless it is `unwrapped`: seed, model_dtype, type_names, compile_mode. */
extern const struct option builder_common_options[];
extern const size_t builder_common_option_count;

extern const struct builder nequip_gnn_builder, preset_builder, full_builder, zbl_builder, checkpoint_builder;

/* By the map's _target_, full name or alias. */
int builder_find(const struct builder **out, const struct config_node *args, struct error *error);
/* All builders, pair potentials too, with arguments, types, defaults and help: for `fettle show --builders`. */
void builders_print(struct text *out);

#endif
