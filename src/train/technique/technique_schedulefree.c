/* Schedule-free training (arXiv 2405.15682) as NequIP's ScheduleFreeLightningModule: gradients are those at y, which
 * is what stands in the parameters; evaluation, and whoever reads a checkpoint's weights, sees the average
 * x = y + (1 - 1/beta) (z - y).  x is computed where it is looked at, aside, so nothing is ever swapped. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/optimizer/optimizer.h"
#include "train/run/run.h"
#include "train/technique/technique.h"

struct schedulefree {
    void *average[DTYPE_COUNT]; /* x, as of the last look at it; whole slabs */
};

static int check(const void *given, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error) {
    const struct optimizer_kind *kind;
    const struct config_node *optimizer = config_get(module, "optimizer");
    (void)given;
    (void)settings;
    if (config_kind(optimizer) != CONFIG_MAP)
        return 0; /* nothing is trained, or it is missed later */
    int code = optimizer_find(&kind, optimizer, error);
    if (code || (kind->technique && !strcmp(kind->technique, "schedulefree")))
        return code;
    return config_error(config_get(optimizer, "_target_"), error, ERROR_VALUE,
                        "the layer 'schedulefree' claims %s: the optimizer must be schedulefree.AdamWScheduleFree, "
                        "schedulefree.RAdamScheduleFree or schedulefree.SGDScheduleFree, not %s",
                        claim_name(CLAIM_STEP), kind->target.target);
}

static struct variable *z_of(const struct trainer *trainer, enum dtype dtype) {
    return run_optimizer(trainer)->kind ? run_optimizer(trainer)->slot[0][dtype] : NULL;
}

/* z begins as the weights. */
static void start(struct layer *layer, struct trainer *trainer) {
    (void)layer;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        struct variable *z = z_of(trainer, (enum dtype)d);
        size_t size = z ? z->count * dtype_size((enum dtype)d) : 0;
        if (size) {
            memcpy(z->data, run_weights(trainer)->parameters[d]->data, size);
            memcpy(z->next, z->data, size);
        }
    }
}

static int open_layer(struct layer *layer, struct trainer *trainer, struct error *error) {
    struct schedulefree *own = layer->own;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t size = model_slab_size(trainer_model(trainer), (enum dtype)d) * dtype_size((enum dtype)d);
        own->average[d] = memory_new(size);
        if (!own->average[d])
            return error_memory(error);
    }
    start(layer, trainer);
    return 0;
}

static void close_layer(struct layer *layer) {
    struct schedulefree *own = layer->own;
    for (int d = 0; d < DTYPE_COUNT; d++)
        memory_free(own->average[d]);
}

static const void *evaluation(const struct layer *layer, enum dtype dtype) {
    const struct trainer *trainer = layer->trainer;
    const struct optimizer *optimizer = run_optimizer(trainer);
    const struct variable *z = z_of(trainer, dtype), *y = run_weights(trainer)->parameters[dtype];
    void *out = ((const struct schedulefree *)layer->own)->average[dtype];
    if (!z)
        return NULL;
    double weight = 1 - 1 / *optimizer->kind->momentum(optimizer->options);
    memcpy(out, y->data, y->count * dtype_size(dtype)); /* buffers ride along */
    if (dtype == F32) {
        const float *restrict from = y->data, *restrict to = z->data;
        float *restrict x = out, w = (float)weight;
        for (size_t k = 0; k < z->count; k++)
            x[k] = from[k] + w * (to[k] - from[k]);
    } else {
        const double *restrict from = y->data, *restrict to = z->data;
        double *restrict x = out;
        for (size_t k = 0; k < z->count; k++)
            x[k] = from[k] + weight * (to[k] - from[k]);
    }
    return out;
}

static double get_updates(const struct layer *layer) {
    const struct optimizer *optimizer = run_optimizer(layer->trainer);
    return optimizer->step ? (double)*(int64_t *)optimizer->step->data : 0;
}

static const struct layer_setting settings[] = {{.name = "schedulefree_steps", .get = get_updates}};

const struct technique technique_schedulefree = {
    .name = "schedulefree",
    .claims = CLAIM_STEP | CLAIM_EVALUATION,
    .private_size = sizeof(struct schedulefree),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .files_hold_evaluation = 1,
    .check = check,
    .open = open_layer,
    .close = close_layer,
    .weights_read = start,
    .evaluation = evaluation,
};
