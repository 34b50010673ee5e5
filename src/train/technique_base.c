/* The base: one gradient of the weighted sum, the trainer's clipping, the raw weights. */
#include "train/technique.h"
#include "train/trainer_internal.h"

static void clip(struct layer *layer, struct trainer *trainer) {
    (void)layer;
    if (trainer->options.gradient_clip_val > 0)
        update_clip(trainer, trainer->options.gradient_clip_val, trainer->options.clip_by_value);
}

const struct technique technique_base = {
    .name = "base",
    .claims = CLAIM_BACKWARD | CLAIM_CLIP | CLAIM_STEP | CLAIM_EVALUATION,
    .clip = clip,
};
