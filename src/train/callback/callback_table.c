#include "train/callback/callback_kinds.h"

#define LIGHTNING "lightning.pytorch.callbacks."
#define NEQUIP "nequip.train.callbacks."
/* It changes nothing of what is trained or written here, for this reason. */
#define IGNORED(package, name, why)                                                                                    \
    &(const struct callback_kind) {                                                                                    \
        .target = {package name, NULL}, .help = "accepted: " why, .ignored = (why)                                     \
    }
/* It would change what is trained, or is asked for something that cannot be given. */
#define REFUSED(package, name, why)                                                                                    \
    &(const struct callback_kind) {                                                                                    \
        .target = {package name, NULL}, .help = "not to be had here", .refused = (why)                                 \
    }
#define OF_CODE "it is there to be derived from in Python, and does nothing by itself"

const struct callback_kind *const callback_kinds[] = {
    &callback_early_stopping,
    &callback_model_checkpoint,
    &callback_on_exception,
    &callback_timer,
    &callback_accumulation,
    &callback_swa,
    &callback_weight_averaging,
    &callback_ema_weight_averaging,
    &callback_lr_monitor,
    &callback_training_stats,
    &callback_setting_monitor,
    &callback_loss_coefficient_scheduler,
    &callback_linear_loss_coefficient_scheduler,
    &callback_loss_coefficient_monitor,
    &callback_softadapt,
    &callback_test_xyz,
    &callback_val_xyz,
    IGNORED(LIGHTNING, "RichProgressBar", "progress is shown in a way of its own"),
    IGNORED(LIGHTNING, "TQDMProgressBar", "progress is shown in a way of its own"),
    IGNORED(LIGHTNING, "ProgressBar", "progress is shown in a way of its own"),
    IGNORED(LIGHTNING, "ModelSummary", "`fettle show` and `tree` print the model"),
    IGNORED(LIGHTNING, "RichModelSummary", "`fettle show` and `tree` print the model"),
    IGNORED(LIGHTNING, "DeviceStatsMonitor", "there is no device but the processor, whose columns are not logged"),
    IGNORED(LIGHTNING, "GarbageCollectionCallback", "there is no garbage to collect"),
    IGNORED(LIGHTNING, "ThroughputMonitor", "its columns are not logged; `fettle bench` measures the speed"),
    IGNORED(LIGHTNING, "Callback", OF_CODE),
    IGNORED(LIGHTNING, "Checkpoint", OF_CODE),
    IGNORED(LIGHTNING, "BasePredictionWriter", "nothing is predicted: run has train, val and test"),
    IGNORED(NEQUIP, "TF32Scheduler", "TF32 is a format of GPUs; float32 is computed as float32"),
    IGNORED(NEQUIP, "WandbWatch", "nothing is sent to wandb; TrainingStatsMonitor logs weights and gradients"),
    IGNORED(NEQUIP, "TorchProfilerCallback",
            "torch is not there to be profiled; `fettle bench` and `info program` tell "
            "where the time goes"),
    REFUSED(LIGHTNING, "LearningRateFinder",
            "it would train at a rate of its own choice: give training_module.optimizer.lr"),
    REFUSED(LIGHTNING, "BatchSizeFinder",
            "it would train with batches of its own choice: give data.train_dataloader.batch_size"),
    REFUSED(LIGHTNING, "LambdaCallback", "it calls functions of Python"),
    REFUSED(LIGHTNING, "ModelPruning", "it would take weights out of the model"),
    REFUSED(LIGHTNING, "BaseFinetuning", "it would freeze what a Python class says: `freeze PATTERN` freezes"),
    REFUSED(LIGHTNING, "BackboneFinetuning", "it would freeze what only a model with a `backbone` has"),
    REFUSED(LIGHTNING, "SpikeDetection",
            "it ends the run where the loss of a batch leaves its running mean: EarlyStopping ends it at a "
            "divergence_threshold"),
};
const size_t callback_kind_count = sizeof callback_kinds / sizeof *callback_kinds;
