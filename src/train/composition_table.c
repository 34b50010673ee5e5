/* The training modules: a name, and layers in order. */
#include "train/technique.h"

static const struct composition_kind plain = {
    {"nequip.train.NequIPLightningModule", "base"}, "weighted sum of the loss terms", {&technique_base}};
static const struct composition_kind ema = {{"nequip.train.EMALightningModule", "ema"},
                                            "evaluation sees an exponential moving average of the weights",
                                            {&technique_base, &technique_ema}};
const struct composition_kind *const composition_kinds[] = {&plain, &ema};
const size_t composition_kind_count = sizeof composition_kinds / sizeof *composition_kinds;
