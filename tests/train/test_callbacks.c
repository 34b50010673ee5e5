/* Callbacks that end a run, and those that a config names without meaning here. */
#include "runs.h"
#include "train/run/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIGHTNING "lightning.pytorch.callbacks."

static int64_t steps_with(const char *callbacks, const char *other, struct heard *heard) {
    char text[512];
    struct start start = {.output = "out", .force = 1, .heard = heard};
    snprintf(text, sizeof text, "trainer.callbacks=[%s]", callbacks);
    start_add(&start, text);
    if (other)
        start_add(&start, other);
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    int64_t steps = trainer_global_step(trainer);
    trainer_free(trainer);
    return steps;
}

/* As NequIP 0.19.1 does: nothing is trained where the time is over; min_epochs come first; by epochs, or by steps. */
Test(callbacks, timer_ends_the_training) {
    struct heard heard = {0};
    case_enter("ema_adam");
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer, duration: '00:00:00:00'}", NULL, &heard), 0);
    cr_expect_eq(heard.stops, 1);
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer, duration: '00:00:00:00', interval: epoch}",
                            "+trainer.min_epochs=2", NULL),
                 6);
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer, duration: {_target_: datetime.timedelta, microseconds: 1}, "
                            "interval: epoch}",
                            NULL, NULL),
                 3);
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer, duration: {microseconds: 1}}", NULL, NULL), 1);
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer, duration: {weeks: 1}}", NULL, NULL), 12);
    cr_expect_eq(steps_with("{_target_: " LIGHTNING "Timer}", NULL, NULL), 12);
}

/* What was trained before counts; where more time is given it goes on. */
Test(callbacks, timer_counts_what_was_before) {
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "trainer.callbacks=[{_target_: " LIGHTNING "Timer, duration: {microseconds: 1}}]");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    start = (struct start){.output = "out", .resume = "out/last.safetensors"};
    start_add(&start, "trainer.callbacks=[{_target_: " LIGHTNING "Timer, duration: {hours: 10}}]");
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(trainer_global_step(trainer), 12);
    cr_expect_gt(trainer_seconds(trainer), 0);
    trainer_free(trainer);
}

static const struct {
    const char *callbacks, *words[2];
} refused[] = {
    {"{_target_: " LIGHTNING "Timer, duration: '1:00:00'}", {"duration", "DD:HH:MM:SS"}},
    {"{_target_: " LIGHTNING "Timer, interval: batch}", {"interval"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: 0}", {"swa_lrs"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: [0.1, 0.2]}", {"swa_lrs", "group"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: 0.1, swa_epoch_start: 0}", {"swa_epoch_start"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: 0.1, swa_epoch_start: 9}", {"swa_epoch_start"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: 0.1, avg_fn: torch.mean}", {"avg_fn", "Python"}},
    {"{_target_: " LIGHTNING "GradientAccumulationScheduler, scheduling: {}}", {"scheduling"}},
    {"{_target_: " LIGHTNING "GradientAccumulationScheduler, scheduling: {0: 0}}", {"batches"}},
    {"{_target_: " LIGHTNING "GradientAccumulationScheduler, scheduling: {first: 1}}", {"epoch", "first"}},
    {"{_target_: " LIGHTNING "EarlyStopping, monitor: val0_epoch/forces_mae, stopping_threshold: low}",
     {"stopping_threshold", "number"}},
    {"{_target_: " LIGHTNING "EarlyStopping, monitor: val0_epoch/forces_mae, check_on_train_epoch_end: 1}",
     {"check_on_train_epoch_end"}},
    {"{_target_: nequip.train.callbacks.TrainingStatsMonitor, log_freq: 0}", {"log_freq"}},
    {"{_target_: " LIGHTNING "OnExceptionCheckpoint, dirpath: a, filename: ../b}", {"filename"}},
    {"{_target_: " LIGHTNING "BatchSizeFinder}", {"BatchSizeFinder", "batch_size"}},
    {"{_target_: " LIGHTNING "StochasticWeightAveraging, swa_lrs: 0.1, avg_fn: {_target_: "
     "torch.optim.swa_utils.get_ema_multi_avg_fn}}",
     {"get_ema_avg_fn"}},
    {"{_target_: " LIGHTNING "EMAWeightAveraging, decay: 1.5}", {"decay", "[0, 1]"}},
    {"{_target_: " LIGHTNING "EMAWeightAveraging, update_starting_at_step: soon}", {"update_starting_at_step"}},
    {"{_target_: " LIGHTNING "EMAWeightAveraging, update_every_n_steps: 1.5}", {"update_every_n_steps"}},
    {"{_target_: " LIGHTNING "EMAWeightAveraging, avg_fn: {_target_: torch.optim.swa_utils.get_swa_avg_fn}}",
     {"WeightAveraging takes avg_fn"}},
    {"{_target_: " LIGHTNING "WeightAveraging, decay: 0.5}", {"decay"}},
    {"{_target_: " LIGHTNING "WeightAveraging, avg_fn: torch.mean}", {"avg_fn", "Python"}},
    {"{_target_: " LIGHTNING "WeightAveraging, avg_fn: {_target_: torch.optim.swa_utils.get_ema_avg_fn, decay: -1}}",
     {"decay", "[0, 1]"}},
    {"{_target_: " LIGHTNING "WeightAveraging, avg_fn: {_target_: torch.optim.swa_utils.get_swa_avg_fn}, multi_avg_fn: "
     "{_target_: torch.optim.swa_utils.get_swa_multi_avg_fn}}",
     {"exclude each other"}},
    {"{_target_: " LIGHTNING "WeightAveraging, multi_avg_fn: {_target_: torch.optim.swa_utils.get_swa_multi_avg_fn}}",
     {"use_buffers: false"}},
    {"{_target_: " LIGHTNING "WeightAveraging}, {_target_: " LIGHTNING "EMAWeightAveraging}", {"one of them must go"}},
};
enum { REFUSED = sizeof refused / sizeof *refused };

ParameterizedTestParameters(callbacks, are_refused_for_a_reason) {
    static int indices[REFUSED];
    for (int k = 0; k < REFUSED; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, REFUSED);
}

ParameterizedTest(int *index, callbacks, are_refused_for_a_reason) {
    struct start start = {.output = "out"};
    struct error error = {0};
    struct trainer *trainer;
    char text[512];
    case_enter("ema_adam");
    snprintf(text, sizeof text, "trainer.callbacks=[%s]", refused[*index].callbacks);
    start_add(&start, text);
    cr_assert_neq(case_try(&trainer, &start, &error), 0, "%s is taken", text);
    for (int k = 0; k < 2 && refused[*index].words[k]; k++)
        cr_expect(strstr(error.message, refused[*index].words[k]), "'%s' lacks '%s'", error.message,
                  refused[*index].words[k]);
}

Test(callbacks, exception_leaves_a_checkpoint_that_an_end_removes) {
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "trainer.enable_checkpointing=true");
    start_add(&start, "trainer.callbacks=[{_target_: " LIGHTNING "OnExceptionCheckpoint, dirpath: out/broken}]");
    start_add(&start, "++trainer.enable_checkpointing=true");
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 2);
    cr_assert_eq(trainer_exception(trainer, &error), 0, "%s", error.message);
    trainer_free(trainer);
    cr_expect(file_exists("out/broken/on_exception.safetensors"));
    file_copy("out/broken/on_exception.safetensors", "on_exception.safetensors");
    start.resume = "on_exception.safetensors";
    trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    cr_expect_not(file_exists("out/broken/on_exception.safetensors"));
}

/* Every second epoch, and a validation of its own counts the epochs that are over (file names as NequIP's). */
Test(callbacks, xyz_files_have_the_epochs_of_lightning) {
    case_enter("ema_adam");
    struct start start = {.output = "out", .overrides = {"run=[train,val]", "trainer.max_epochs=2"}};
    start_add(&start, "trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: frames/v, "
                      "separate_file_per_epoch: true, every_n_epochs: 2}]");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    cr_expect_str_eq(files_below("frames"), "v_dataset0_epoch0.xyz v_dataset0_epoch2.xyz ");
}

/* Neither under a layer that runs backward itself, nor with another number beside it. */
Test(callbacks, windows_by_epochs_are_refused_where_there_are_none) {
    static const char *const others[] = {"training_module._target_=nequip.train.EMAConFIGLightningModule",
                                         "+trainer.accumulate_grad_batches=2"};
    for (int k = 0; k < 2; k++) {
        struct start start = {0};
        struct error error = {0};
        struct trainer *trainer;
        case_enter("ema_adam");
        start_add(&start, "trainer.callbacks=[{_target_: " LIGHTNING
                          "GradientAccumulationScheduler, scheduling: {0: 1, 1: 2}}]");
        start_add(&start, others[k]);
        cr_assert_neq(case_try(&trainer, &start, &error), 0, "%s", others[k]);
        cr_expect(strstr(error.message, "GradientAccumulationScheduler"), "%s", error.message);
    }
}
