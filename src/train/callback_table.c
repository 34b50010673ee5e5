#include "train/callback.h"
#include "train/loss_coefficients.h"

#define IGNORED(name)                                                                                                  \
    &(const struct callback_kind) {                                                                                    \
        .target = {"lightning.pytorch.callbacks." name, NULL}, .help = "accepted; it has no meaning here",             \
        .ignored = 1                                                                                                   \
    }

const struct callback_kind *const callback_kinds[] = {
    &callback_early_stopping,
    &callback_model_checkpoint,
    &callback_lr_monitor,
    &callback_setting_monitor,
    &callback_loss_coefficient_scheduler,
    &callback_linear_loss_coefficient_scheduler,
    &callback_loss_coefficient_monitor,
    &callback_softadapt,
    &callback_test_xyz,
    &callback_val_xyz,
    IGNORED("RichProgressBar"),
    IGNORED("TQDMProgressBar"),
    IGNORED("ProgressBar"),
    IGNORED("ModelSummary"),
    IGNORED("RichModelSummary"),
    IGNORED("DeviceStatsMonitor"),
    IGNORED("GarbageCollectionCallback"),
    IGNORED("OnExceptionCheckpoint"),
    IGNORED("ThroughputMonitor"),
    IGNORED("Timer"),
    &(const struct callback_kind){.target = {"nequip.train.callbacks.TF32Scheduler", NULL},
                                  .help = "accepted; it has no meaning here",
                                  .ignored = 1},
};
const size_t callback_kind_count = sizeof callback_kinds / sizeof *callback_kinds;
