#include "train/callback.h"
#include "train/loss_coefficients.h"

#define IGNORED_OF(package, name)                                                                                      \
    &(const struct callback_kind) {                                                                                    \
        .target = {package ".callbacks." name, NULL}, .help = "accepted; it has no meaning here", .ignored = 1         \
    }
#define IGNORED(name) IGNORED_OF("lightning.pytorch", name)
#define REFUSED(name, why)                                                                                             \
    &(const struct callback_kind) {                                                                                    \
        .target = {"lightning.pytorch.callbacks." name, NULL}, .help = "not to be had here", .refused = (why)          \
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
    IGNORED_OF("nequip.train", "TF32Scheduler"),
    IGNORED_OF("nequip.train", "WandbWatch"),
    IGNORED_OF("nequip.train", "TorchProfilerCallback"),
    REFUSED("LearningRateFinder", "it would train at a rate of its own choice: give training_module.optimizer.lr"),
    REFUSED("BatchSizeFinder", "it would train with batches of its own choice: give data.train_dataloader.batch_size"),
    REFUSED("ModelPruning", "it would take weights out of the model"),
    REFUSED("BackboneFinetuning", "it would freeze what only a model with a `backbone` has"),
    REFUSED("LambdaCallback", "it calls functions of Python"),
};
const size_t callback_kind_count = sizeof callback_kinds / sizeof *callback_kinds;
