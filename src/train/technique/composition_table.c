/* The training modules: a name, and layers in order. */
#include "train/technique/technique.h"

static const struct composition_kind plain = {
    {"nequip.train.NequIPLightningModule", "base"}, "weighted sum of the loss terms", {&technique_base}};
static const struct composition_kind ema = {{"nequip.train.EMALightningModule", "ema"},
                                            "evaluation sees an exponential moving average of the weights",
                                            {&technique_base, &technique_ema}};
static const struct composition_kind config = {{"nequip.train.ConFIGLightningModule", "config"},
                                               "conflict-free combination of the terms' gradients (arXiv 2408.11104)",
                                               {&technique_base, &technique_conflict_free}};
static const struct composition_kind ema_config = {{"nequip.train.EMAConFIGLightningModule", "ema_config"},
                                                   "both of these",
                                                   {&technique_base, &technique_conflict_free, &technique_ema}};

static const struct composition_kind schedulefree = {
    {"nequip.train.ScheduleFreeLightningModule", "schedulefree"},
    "a schedule-free optimizer: evaluation sees the average of its steps (arXiv 2405.15682)",
    {&technique_base, &technique_schedulefree}};
static const struct composition_kind config_schedulefree = {
    {"fettle.train.ConFIGScheduleFreeLightningModule", "config_schedulefree"},
    "conflict-free gradients for a schedule-free optimizer",
    {&technique_base, &technique_conflict_free, &technique_schedulefree}};

static const struct composition_kind mconfig = {
    {"fettle.train.MConFIGLightningModule", "mconfig"},
    "conflict-free combination of running averages, one term's gradient a step (arXiv 2408.11104)",
    {&technique_base, &technique_mconfig}};
static const struct composition_kind ema_mconfig = {{"fettle.train.EMAMConFIGLightningModule", "ema_mconfig"},
                                                    "both of these",
                                                    {&technique_base, &technique_mconfig, &technique_ema}};

static const struct composition_kind adaptive_clip = {{"fettle.train.AdaptiveClipLightningModule", "adaptive_clip"},
                                                      "clips the gradient to a multiple of the mean of its norm",
                                                      {&technique_base, &technique_adaptive_clip}};
static const struct composition_kind ema_adaptive_clip = {
    {"fettle.train.EMAAdaptiveClipLightningModule", "ema_adaptive_clip"},
    "both of these",
    {&technique_base, &technique_adaptive_clip, &technique_ema}};
static const struct composition_kind adaptive_clip_schedulefree = {
    {"fettle.train.AdaptiveClipScheduleFreeLightningModule", "adaptive_clip_schedulefree"},
    "clips so for a schedule-free optimizer",
    {&technique_base, &technique_adaptive_clip, &technique_schedulefree}};

const struct composition_kind *const composition_kinds[] = {
    &plain,
    &ema,
    &config,
    &ema_config,
    &schedulefree,
    &config_schedulefree,
    &mconfig,
    &ema_mconfig,
    &adaptive_clip,
    &ema_adaptive_clip,
    &adaptive_clip_schedulefree,
};
const size_t composition_kind_count = sizeof composition_kinds / sizeof *composition_kinds;

/* ---------------------------------------------------------------- and those that are none */

static const struct composition_kind ema_schedulefree = {
    {"fettle.train.EMAScheduleFreeLightningModule", "ema_schedulefree"},
    "schedule-free training keeps an average of its own",
    {&technique_base, &technique_schedulefree, &technique_ema}};
static const struct composition_kind ema_config_schedulefree = {
    {"fettle.train.EMAConFIGScheduleFreeLightningModule", "ema_config_schedulefree"},
    "schedule-free training keeps an average of its own: take ConFIGScheduleFreeLightningModule",
    {&technique_base, &technique_conflict_free, &technique_schedulefree, &technique_ema}};
static const struct composition_kind mconfig_schedulefree = {
    {"fettle.train.MConFIGScheduleFreeLightningModule", "mconfig_schedulefree"},
    "both have moments of their own: take ConFIGScheduleFreeLightningModule",
    {&technique_base, &technique_mconfig, &technique_schedulefree}};
static const struct composition_kind config_mconfig = {
    {"fettle.train.ConFIGMConFIGLightningModule", "config_mconfig"},
    "M-ConFIG is ConFIG with running averages: take MConFIGLightningModule",
    {&technique_base, &technique_conflict_free, &technique_mconfig}};
static const struct composition_kind config_adaptive_clip = {
    {"fettle.train.ConFIGAdaptiveClipLightningModule", "config_adaptive_clip"},
    "ConFIG clips what it combines: give it gradient_clip_val",
    {&technique_base, &technique_conflict_free, &technique_adaptive_clip}};
static const struct composition_kind mconfig_adaptive_clip = {
    {"fettle.train.MConFIGAdaptiveClipLightningModule", "mconfig_adaptive_clip"},
    "what M-ConFIG hands on is a step, whose size its moments bound: take MConFIGLightningModule",
    {&technique_base, &technique_mconfig, &technique_adaptive_clip}};

const struct composition_kind *const composition_refused[] = {&ema_schedulefree,     &ema_config_schedulefree,
                                                              &mconfig_schedulefree, &config_mconfig,
                                                              &config_adaptive_clip, &mconfig_adaptive_clip};
const size_t composition_refused_count = sizeof composition_refused / sizeof *composition_refused;
