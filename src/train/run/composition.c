#include "train/core/dot.h"
#include "train/run/composition.h"
#include "train/run/trainer.h"
#include "train/run/trainer_options.h"

#include <stdlib.h>
#include <string.h>

const char *claim_name(unsigned claim) {
    switch (claim) {
    case CLAIM_BACKWARD:
        return "who runs backward";
    case CLAIM_CLIP:
        return "who clips the gradient";
    case CLAIM_STEP:
        return "who steps the optimizer";
    case CLAIM_EVALUATION:
        return "which weights evaluation sees";
    }
    return "something";
}

/* The one that a step comes to first; 0 for none. */
static unsigned first_claim(const struct technique *technique) {
    return technique->claims & -technique->claims;
}

int composition_fits(const struct composition_kind *kind, struct error *error) {
    for (int k = 0; k < MAX_LAYERS && kind->layers[k]; k++)
        for (int j = 0; j < k; j++) {
            const struct technique *a = kind->layers[j], *b = kind->layers[k];
            if (!strcmp(a->name, b->name))
                return error_set(error, ERROR_STATE, "%s: the layer '%s' stands in it twice, and its state with it",
                                 kind->target.target, a->name);
            if (!strcmp(b->name, "base"))
                return error_set(error, ERROR_STATE, "%s: the layer '%s' stands before the base", kind->target.target,
                                 a->name);
            /* any layer may take over from the base, which is there to be taken over from */
            for (int bit = 0; bit < CLAIM_COUNT; bit++)
                if (strcmp(a->name, "base") && (a->claims & b->claims & (1u << bit)))
                    return error_set(error, ERROR_STATE, "%s: the layers '%s' and '%s' both claim %s",
                                     kind->target.target, a->name, b->name, claim_name(1u << bit));
            if (strcmp(a->name, "base") && first_claim(a) && first_claim(b) && first_claim(a) > first_claim(b))
                return error_set(error, ERROR_STATE,
                                 "%s: the layer '%s', which claims %s, stands after '%s', which "
                                 "claims %s: a step comes to them in the other order",
                                 kind->target.target, b->name, claim_name(first_claim(b)), a->name,
                                 claim_name(first_claim(a)));
        }
    if (!kind->layers[0] || strcmp(kind->layers[0]->name, "base"))
        return error_set(error, ERROR_STATE, "%s: the first layer is not the base", kind->target.target);
    return 0;
}

struct all_options {
    struct module_options module;
    const struct config_node *elsewhere;
};

static const struct option module_option_rows[] = {
    {"model", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct all_options, module.model), NULL, "a model builder"},
    {"optimizer", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.optimizer), NULL, "an optimizer"},
    {"lr_scheduler", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.lr_scheduler), NULL,
     "a scheduler, and when it steps"},
    {"loss", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.loss), NULL, "metrics with coefficients"},
    {"train_metrics", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.train_metrics), NULL, "metrics"},
    {"val_metrics", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.val_metrics), NULL, "metrics"},
    {"test_metrics", OPTION_NODE, 0, NULL, offsetof(struct all_options, module.test_metrics), NULL, "metrics"},
    {"num_datasets", OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL,
     "the data section says how many there are: leave it out"},
    {"info_dict", OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL, "it is filled in by the program: leave it out"},
};
enum { MODULE_OPTIONS = sizeof module_option_rows / sizeof *module_option_rows };

const struct option *composition_module_rows(size_t *count) {
    *count = MODULE_OPTIONS;
    return module_option_rows;
}

static int refuse(const struct config_node *config, struct error *error) {
    const struct config_node *node = config_get(config, "_target_");
    const char *name = config_text(node);
    for (size_t k = 0; k < composition_refused_count; k++) {
        const struct composition_kind *kind = composition_refused[k];
        struct error why = {0};
        if (strcmp(text_behind(name, '.'), text_behind(kind->target.target, '.')) && strcmp(name, kind->target.alias))
            continue;
        composition_fits(kind, &why);
        return config_error(node, error, ERROR_VALUE, "%s; %s", why.message, kind->help);
    }
    return 0;
}

int composition_find(const struct composition_kind **out, const struct config_node *config, struct error *error) {
    size_t which = 0;
    int code = refuse(config, error);
    if (!code)
        code = options_kind(config, "training module", composition_kinds, composition_kind_count, &which, error);
    if (!code)
        *out = composition_kinds[which];
    return code;
}

int composition_read(struct composition *out, struct module_options *options, const struct config_node *config,
                     const struct trainer_settings *settings, struct arena *arena, struct error *error) {
    memset(out, 0, sizeof *out);
    int code = composition_find(&out->kind, config, error);
    if (code)
        return code;
    if ((code = composition_fits(out->kind, error)))
        return code;
    while (out->nlayers < MAX_LAYERS && out->kind->layers[out->nlayers])
        out->nlayers++;

    /* one table of all rows, so that an unknown key is told all it could have been */
    struct option rows[64];
    const char *names[64];
    size_t nrows = 0;
    memcpy(rows, module_option_rows, sizeof module_option_rows);
    nrows = MODULE_OPTIONS;
    for (int k = 0; k < out->nlayers; k++)
        for (size_t j = 0; j < out->kind->layers[k]->noptions; j++) {
            const struct option *row = &out->kind->layers[k]->options[j];
            /* known here, read below into the layer's own struct */
            rows[nrows++] = (struct option){.name = row->name,
                                            .type = OPTION_NODE,
                                            .offset = offsetof(struct all_options, elsewhere),
                                            .help = row->help};
        }
    for (size_t j = 0; j < nrows; j++)
        names[j] = rows[j].name;
    names[nrows] = NULL;
    struct all_options all;
    if ((code = options_read(rows, nrows, config, NULL, &all, arena, error)))
        return code;
    *options = all.module;
    for (int k = 0; k < out->nlayers; k++) {
        struct layer *layer = &out->layers[k];
        layer->kind = out->kind->layers[k];
        layer->options = arena_alloc(arena, layer->kind->options_size + 1);
        layer->own = arena_alloc(arena, layer->kind->private_size + 1);
        if (!layer->options || !layer->own)
            return error_memory(error);
        code = options_read(layer->kind->options, layer->kind->noptions, config, names, layer->options, arena, error);
        if (!code && layer->kind->check)
            code = layer->kind->check(layer->options, config, settings, error);
        if (code)
            return code;
    }
    return 0;
}

int composition_open(struct composition *composition, struct trainer *trainer, struct error *error) {
    int code = 0;
    for (int k = 0; !code && k < composition->nlayers; k++) {
        struct layer *layer = &composition->layers[k];
        layer->trainer = trainer;
        if (layer->kind->open)
            code = layer->kind->open(layer, trainer, error);
    }
    return code;
}

void composition_close(struct composition *composition) {
    for (int k = composition->nlayers - 1; k >= 0; k--)
        if (composition->layers[k].trainer && composition->layers[k].kind->close)
            composition->layers[k].kind->close(&composition->layers[k]);
    composition->nlayers = 0;
}

int composition_check_state(const struct composition *composition, struct error *error) {
    int code = 0;
    for (int k = 0; !code && k < composition->nlayers; k++)
        if (composition->layers[k].kind->check_state)
            code = composition->layers[k].kind->check_state(&composition->layers[k], error);
    return code;
}

struct layer *composition_claimant(struct composition *composition, unsigned claim) {
    for (int k = composition->nlayers - 1; k >= 0; k--)
        if (composition->layers[k].kind->claims & claim)
            return &composition->layers[k];
    return NULL;
}

struct variable *composition_average(const struct composition *composition, enum dtype dtype) {
    for (int k = composition->nlayers - 1; k >= 0; k--) {
        const struct layer *layer = &composition->layers[k];
        if (layer->kind->average && layer->trainer)
            return layer->kind->average(layer, dtype);
    }
    return NULL;
}

int composition_separate(const struct composition *composition) {
    int separate = 0;
    for (int k = 0; k < composition->nlayers; k++)
        separate |= composition->layers[k].kind->separate_gradients;
    return separate;
}
