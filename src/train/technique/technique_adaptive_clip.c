/* Adaptive clipping: the norm of the gradient is limited to a multiple of its own running mean. */
#include "train/run/run.h"
#include "train/technique/technique.h"

struct adaptive_options {
    double factor, decay;
};

struct adaptive {
    struct variable *mean; /* [1] of the norms so far; 0 before the first step */
};

static const struct option options[] = {
    {"clip_factor", OPTION_FLOAT, OPTION_POSITIVE, "2.0", offsetof(struct adaptive_options, factor), NULL,
     "how many times its mean the norm may be"},
    {"clip_decay", OPTION_FLOAT, OPTION_NONNEGATIVE, "0.99", offsetof(struct adaptive_options, decay), NULL,
     "how much of the mean a step keeps"},
};

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    if (((const struct adaptive_options *)given)->decay >= 1)
        return config_error(config_get(module, "clip_decay"), error, ERROR_VALUE, "a number below 1 is expected");
    if (settings->gradient_clip_val > 0)
        return config_error(module, error, ERROR_VALUE,
                            "the layers 'base' and 'adaptive_clip' would both clip the gradient: leave out "
                            "trainer.gradient_clip_val");
    return 0;
}

static int open_layer(struct layer *layer, struct trainer *trainer, struct error *error) {
    struct adaptive *own = layer->own;
    own->mean = state_add(trainer_state(trainer), "adaptive_clip.mean", STATE_F64, 1, 0, error);
    return own->mean ? 0 : ERROR_MEMORY;
}

static void clip(struct layer *layer, struct trainer *trainer) {
    const struct adaptive_options *how = layer->options;
    double *mean = ((struct adaptive *)layer->own)->mean->data, norm = update_norm(trainer);
    if (*mean > 0)
        update_clip(trainer, how->factor * *mean, 0);
    norm *= run_weights(trainer)->grad_scale;
    *mean = *mean > 0 ? how->decay * *mean + (1 - how->decay) * norm : norm;
}

static double get_mean(const struct layer *layer) {
    return *(double *)((const struct adaptive *)layer->own)->mean->data;
}

static const struct layer_setting settings[] = {{.name = "clip_mean", .get = get_mean}};

const struct technique technique_adaptive_clip = {
    .name = "adaptive_clip",
    .claims = CLAIM_CLIP,
    .options = options,
    .noptions = sizeof options / sizeof *options,
    .options_size = sizeof(struct adaptive_options),
    .private_size = sizeof(struct adaptive),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .check = check,
    .open = open_layer,
    .clip = clip,
};
