/* The callbacks there are, each in a file of its own name. */
#ifndef FETTLE_TRAIN_CALLBACK_CALLBACK_KINDS_H
#define FETTLE_TRAIN_CALLBACK_CALLBACK_KINDS_H

#include "train/run/callback.h"

extern const struct callback_kind callback_early_stopping, callback_model_checkpoint, callback_lr_monitor,
    callback_setting_monitor, callback_test_xyz, callback_val_xyz, callback_timer, callback_accumulation, callback_swa,
    callback_training_stats, callback_on_exception, callback_loss_coefficient_scheduler,
    callback_linear_loss_coefficient_scheduler, callback_loss_coefficient_monitor, callback_softadapt,
    callback_weight_averaging, callback_ema_weight_averaging;

#endif
