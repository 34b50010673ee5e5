/* The base: one gradient of the weighted sum, the trainer's clipping, the raw weights. */
#include <math.h>

#include "train/run/run.h"
#include "train/run/settings.h"
#include "train/technique/technique.h"

struct base {
    struct variable *clip; /* [1] */
};

static int base_open(struct layer *layer, struct trainer *trainer, struct error *error) {
    struct base *base = layer->own;
    base->clip = state_add(trainer_state(trainer), "base.gradient_clip_val", STATE_F64, 1, 0, error);
    if (!base->clip)
        return ERROR_MEMORY;
    base->clip->range = &gradient_limits;
    *(double *)base->clip->data = run_settings(trainer)->gradient_clip_val;
    return 0;
}

static double get_clip(const struct layer *layer) {
    return *(double *)((const struct base *)layer->own)->clip->data;
}

static int set_clip(struct layer *layer, double value, struct error *error) {
    return clip_value_set(((struct base *)layer->own)->clip, value, error);
}

static void clip(struct layer *layer, struct trainer *trainer) {
    double limit = get_clip(layer);
    if (limit > 0)
        update_clip(trainer, limit, run_settings(trainer)->clip_by_value);
}

static double get_norm(const struct layer *layer) {
    return run_optimizer(layer->trainer)->kind ? update_norm(layer->trainer) : NAN;
}

static const struct layer_setting settings[] = {
    {.name = "gradient_clip_val", .get = get_clip, .set = set_clip, .claim = CLAIM_CLIP},
    {.name = "gradient_norm", .get = get_norm}, /* of the last batch, before it was clipped */
};

const struct technique technique_base = {
    .name = "base",
    .claims = CLAIM_BACKWARD | CLAIM_CLIP | CLAIM_STEP | CLAIM_EVALUATION,
    .private_size = sizeof(struct base),
    .settings = settings,
    .nsettings = sizeof settings / sizeof *settings,
    .open = base_open,
    .clip = clip,
};
