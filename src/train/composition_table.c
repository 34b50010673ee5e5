/* The training modules: a name, and layers in order. */
#include "train/technique.h"

static const struct composition_kind plain = {
    {"nequip.train.NequIPLightningModule", "base"}, "weighted sum of the loss terms", {&technique_base}};
static const struct composition_kind ema = {{"nequip.train.EMALightningModule", "ema"},
                                            "evaluation sees an exponential moving average of the weights",
                                            {&technique_base, &technique_ema}};
static const struct composition_kind config = {{"nequip.train.ConFIGLightningModule", "config"},
                                               "conflict-free combination of the terms' gradients (arXiv 2408.11104)",
                                               {&technique_base, &technique_config}};
static const struct composition_kind ema_config = {{"nequip.train.EMAConFIGLightningModule", "ema_config"},
                                                   "both of these",
                                                   {&technique_base, &technique_config, &technique_ema}};

static const struct composition_kind schedulefree = {
    {"nequip.train.ScheduleFreeLightningModule", "schedulefree"},
    "a schedule-free optimizer: evaluation sees the average of its steps (arXiv 2405.15682)",
    {&technique_base, &technique_schedulefree}};
static const struct composition_kind config_schedulefree = {
    {"fettle.train.ConFIGScheduleFreeLightningModule", "config_schedulefree"},
    "conflict-free gradients for a schedule-free optimizer",
    {&technique_base, &technique_config, &technique_schedulefree}};

const struct composition_kind *const composition_kinds[] = {&plain,      &ema,          &config,
                                                            &ema_config, &schedulefree, &config_schedulefree};
const size_t composition_kind_count = sizeof composition_kinds / sizeof *composition_kinds;
