#include "train/run/registry.h"

#include <string.h>

#include "data/module/datamodule.h"
#include "data/transform/transforms.h"
#include "model/builder/builder.h"
#include "model/module/pair_potential.h"
#include "train/core/dot.h"
#include "train/metric/metrics_entry.h"
#include "train/optimizer/optimizer.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/scheduler/scheduler_kind.h"

enum { INDENT = 2 };

/* Kinds that say target, help and options by these names. */
#define REGISTER(name, list, number)                                                                                   \
    static size_t count_##name(void) {                                                                                 \
        return number;                                                                                                 \
    }                                                                                                                  \
    static struct registry_entry entry_##name(size_t k) {                                                              \
        return (struct registry_entry){list[k]->target, list[k]->help};                                                \
    }                                                                                                                  \
    static void describe_##name(size_t k, struct text *out) {                                                          \
        options_print(list[k]->options, list[k]->noptions, INDENT, out);                                               \
    }

REGISTER(optimizers, optimizer_kinds, optimizer_kind_count)
REGISTER(schedulers, scheduler_kinds, scheduler_kind_count)
REGISTER(metrics, metric_kinds, metric_kind_count)
REGISTER(callbacks, callback_kinds, callback_kind_count)
REGISTER(transforms, transform_kinds, transform_kind_count)
REGISTER(datamodules, datamodule_kinds, datamodule_kind_count)

/* ---------------------------------------------------------------- builders */

static size_t count_builders(void) {
    return builder_count;
}

static struct registry_entry entry_builders(size_t k) {
    return (struct registry_entry){{builders[k]->target, builders[k]->alias}, builders[k]->help};
}

static void describe_builders(size_t k, struct text *out) {
    if (!builders[k]->unwrapped) {
        text_format(out, "%*sof the outermost builder, the first three required:\n", INDENT, "");
        options_print(builder_common_options, builder_common_option_count, 2 * INDENT, out);
    }
    options_print(builders[k]->options, builders[k]->noptions, INDENT, out);
}

static size_t count_pairs(void) {
    return pair_potential_count;
}

static struct registry_entry entry_pairs(size_t k) {
    const struct pair_potential *p = &pair_potentials[k];
    return (struct registry_entry){{p->target, p->alias}, p->help};
}

static void describe_pairs(size_t k, struct text *out) {
    options_print(pair_potentials[k].options, pair_potentials[k].noptions, INDENT, out);
}

/* ---------------------------------------------------------------- training modules */

static size_t count_techniques(void) {
    return composition_kind_count;
}

static struct registry_entry entry_techniques(size_t k) {
    return (struct registry_entry){composition_kinds[k]->target, composition_kinds[k]->help};
}

static void describe_techniques(size_t k, struct text *out) {
    const struct composition_kind *kind = composition_kinds[k];
    for (int l = 0; l < MAX_LAYERS && kind->layers[l]; l++) {
        const struct technique *layer = kind->layers[l];
        int said = 0;
        text_format(out, "%*slayer %s", INDENT, "", layer->name);
        for (int bit = 0; bit < CLAIM_COUNT; bit++)
            if (layer->claims & 1u << bit)
                text_format(out, "%s%s", said++ ? ", " : ": ", claim_name(1u << bit));
        text_add(out, "\n");
        options_print(layer->options, layer->noptions, 2 * INDENT, out);
    }
}

const struct registry registries[] = {
    {"builders", "model builder", count_builders, entry_builders, describe_builders},
    {"pair_potentials", "pair potential", count_pairs, entry_pairs, describe_pairs},
    {"techniques", "training module", count_techniques, entry_techniques, describe_techniques},
    {"optimizers", "optimizer", count_optimizers, entry_optimizers, describe_optimizers},
    {"schedulers", "scheduler", count_schedulers, entry_schedulers, describe_schedulers},
    {"metrics", "metric", count_metrics, entry_metrics, describe_metrics},
    {"callbacks", "callback", count_callbacks, entry_callbacks, describe_callbacks},
    {"datamodules", "data module", count_datamodules, entry_datamodules, describe_datamodules},
    {"transforms", "transform", count_transforms, entry_transforms, describe_transforms},
};
const size_t registry_count = sizeof registries / sizeof *registries;

int registry_find(const struct registry *registry, const char *name) {
    for (size_t k = 0; k < registry->count(); k++) {
        struct option_target target = registry->entry(k).target;
        if (options_is_target(name, &target) || !strcmp(text_behind(target.target, '.'), name))
            return (int)k;
    }
    return -1;
}
