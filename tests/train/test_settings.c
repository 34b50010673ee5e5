/* Settings of the trainer that change the run as a whole, and what is said where they come to something unexpected. */
#include "runs.h"

#include "base/file.h"
#include "train/run/trainer.h"

static int validations(const char *path) {
    struct table table = table_read(path);
    int count = 0;
    for (size_t row = 0; row < table.rows; row++)
        count += *table_cell(&table, row, "val0_epoch/weighted_sum") != 0;
    table_free(&table);
    return count;
}

/* Of all that a run leaves, it has the folder's own files: nothing is logged, kept or stopped. */
Test(settings, a_dev_run_is_one_short_epoch) {
    static const struct {
        const char *override;
        int64_t steps;
    } runs[] = {{"+trainer.fast_dev_run=2", 2}, {"+trainer.fast_dev_run=true", 1}, {"+trainer.fast_dev_run=50", 3}};
    for (size_t k = 0; k < sizeof runs / sizeof *runs; k++) {
        case_enter("ema_adam");
        struct heard heard = {0};
        struct start start = {.output = "out", .heard = &heard};
        start_add(&start, runs[k].override);
        start_add(&start, "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: ck}]");
        start_add(&start, "+trainer.check_val_every_n_epoch=3");
        struct trainer *trainer = case_open(&start);
        case_run(trainer);
        cr_expect_eq(trainer_global_step(trainer), runs[k].steps, "%s: %lld steps", runs[k].override,
                     (long long)trainer_global_step(trainer));
        double value;
        cr_expect(trainer_metric(trainer, "val0_epoch/weighted_sum", &value), "it validates all the same");
        trainer_free(trainer);
        cr_expect_eq(heard.epochs, 1);
        cr_expect_eq(heard.checkpoints, 0);
        cr_expect_not(file_exists("out/metrics.csv"));
        cr_expect_not(file_exists("out/last.safetensors"));
        cr_expect_not(file_exists("ck"));
    }
}

Test(settings, a_time_that_is_always_over_validates_after_each_batch) {
    static const char *const times[] = {"+trainer.val_check_interval='00:00:00:00'",
                                        "+trainer.val_check_interval={microseconds: 0}"};
    for (size_t k = 0; k < 2; k++) {
        case_enter("ema_adam");
        struct start start = {.output = "out"};
        start_add(&start, times[k]);
        struct trainer *trainer = case_open(&start);
        int64_t batches = trainer_batches(trainer) * trainer_max_epochs(trainer);
        case_run(trainer);
        trainer_free(trainer);
        cr_expect_eq(validations("out/metrics.csv"), batches, "%s", times[k]);
    }
}

Test(settings, a_time_that_is_never_over_validates_never) {
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "+trainer.val_check_interval={weeks: 9}");
    start_add(&start, "~training_module.lr_scheduler");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    cr_expect_eq(validations("out/metrics.csv"), 0);
}

Test(settings, what_may_not_be_expected_is_told) {
    static const struct {
        const char *override, *said;
    } told[] = {
        {"+trainer.accumulate_grad_batches=20", "is 20, and an epoch has 3 batches"},
        {"+trainer.devices=2", "2 processes: NequIP would step on 8 frames"},
        {"+trainer.devices=[0,1,2]", "3 processes: NequIP would step on 12 frames"},
        {"+trainer.devices='0,1'", "2 processes"},
        {"+trainer.num_nodes=3", "3 processes"},
        {"+trainer.check_val_every_n_epoch=2", "documentation asks for 1"},
    };
    for (size_t k = 0; k < sizeof told / sizeof *told; k++) {
        case_enter("ema_adam");
        struct heard heard = {0};
        struct start start = {.heard = &heard};
        start_add(&start, told[k].override);
        trainer_free(case_open(&start));
        cr_expect(strstr(heard.notices_said, told[k].said), "%s: '%s'", told[k].override, heard.notices_said);
    }
}

/* Lightning refuses these once it knows the batches. */
Test(settings, what_leaves_no_batch_is_refused) {
    static const struct {
        const char *override, *said;
    } wrong[] = {
        {"+trainer.val_check_interval=4", "an epoch has 3"},
        {"+trainer.limit_train_batches=0.3", "0.3 of 3 batches"},
        {"+trainer.limit_train_batches=0", "nothing would be trained"},
        {"+trainer.overfit_batches=0.2", "0.2 of 3 batches"},
        {"+trainer.limit_val_batches=0.2", "0.2 of 2 batches"},
        {"++trainer={val_check_interval: 13, check_val_every_n_epoch: null}", "more than the run has batches"},
        {"++fettle={devices: together}", "must be a number"},
        {"++fettle={devices: apart}", "none of one or together"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        case_enter("ema_adam");
        struct error error = {0};
        struct trainer *trainer;
        struct start start = {0};
        start_add(&start, wrong[k].override);
        start_add(&start, "++trainer.devices=auto");
        cr_expect_eq(case_try(&trainer, &start, &error), ERROR_VALUE, "%s", wrong[k].override);
        cr_expect(strstr(error.message, wrong[k].said), "%s: '%s'", wrong[k].override, error.message);
    }
}

/* What Lightning takes: too long an interval, where nothing is validated or batches of all epochs count. */
Test(settings, what_leaves_batches_is_taken) {
    static const char *const right[] = {
        "++trainer={val_check_interval: 4, check_val_every_n_epoch: null}",
        "++trainer={val_check_interval: 2.0}",
        "++trainer={limit_train_batches: 2.0, limit_val_batches: 1.0}",
        "++trainer={precision: 32-true, strategy: ddp, devices: auto}",
        "++trainer={precision: 64, gradient_clip_algorithm: Norm, gradient_clip_val: 1}",
        "++trainer={max_time: {days: 1, milliseconds: 5}, deterministic: warn}",
        "++trainer={plugins: [{_target_: lightning.pytorch.plugins.environments.SLURMEnvironment}]}",
        "+trainer.logger=[{_target_: lightning.pytorch.loggers.CSVLogger, save_dir: a}, "
        "{_target_: lightning.pytorch.loggers.TensorBoardLogger, save_dir: b}]",
        "++data.train_dataloader.batch_size=64",
    };
    for (size_t k = 0; k < sizeof right / sizeof *right; k++) {
        case_enter("ema_adam");
        struct start start = {0};
        start_add(&start, "~trainer.logger");
        start_add(&start, right[k]);
        trainer_free(case_open(&start));
    }
}

/* Where nothing is validated, Lightning ends the run at those who look for their metric nevertheless. */
Test(settings, who_watches_what_is_never_validated_rests) {
    static const char seldom[] = "++trainer.check_val_every_n_epoch=5", none[] = "++trainer.limit_val_batches=0";
    static const struct {
        const char *validation, *watcher;
        int runs;
    } watched[] = {
        {seldom, "++trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: M}]", 1},
        {seldom,
         "++trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: M, "
         "check_on_train_epoch_end: true}]",
         0},
        {seldom,
         "++trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: M, strict: false, "
         "check_on_train_epoch_end: true}]",
         1},
        {none, "++trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: M}]", 0},
        {none, "++trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, monitor: M}]", 1},
        {none,
         "++training_module.lr_scheduler={monitor: M, strict: false, scheduler: {_target_: "
         "torch.optim.lr_scheduler.ReduceLROnPlateau}}",
         1},
        {none,
         "++training_module.lr_scheduler={monitor: M, scheduler: {_target_: "
         "torch.optim.lr_scheduler.ReduceLROnPlateau}}",
         0},
    };
    for (size_t k = 0; k < sizeof watched / sizeof *watched; k++) {
        case_enter("ema_adam");
        char override[256];
        const char *name = strstr(watched[k].watcher, "monitor: M") + strlen("monitor: ");
        snprintf(override, sizeof override, "%.*sval0_epoch/forces_mae%s", (int)(name - watched[k].watcher),
                 watched[k].watcher, name + 1);
        struct heard heard = {0};
        struct error error = {0};
        struct trainer *trainer;
        struct start start = {.output = "out", .heard = &heard};
        start_add(&start, "trainer.enable_checkpointing=true");
        start_add(&start, "~training_module.lr_scheduler");
        start_add(&start, watched[k].validation);
        start_add(&start, override);
        int code = case_try(&trainer, &start, &error);
        cr_expect_eq(code, watched[k].runs ? 0 : ERROR_VALUE, "%s: %s", override, error.message);
        if (code) {
            cr_expect(strstr(error.message, "will never be logged"), "%s", error.message);
            continue;
        }
        cr_expect(strstr(heard.notices_said, "is never logged in this run"), "%s: '%s'", override, heard.notices_said);
        case_run(trainer);
        trainer_free(trainer);
    }
}

Test(settings, an_anomaly_ends_the_run) {
    case_enter("ema_adam");
    struct start start = {0};
    struct error error = {0};
    start_add(&start, "+trainer.detect_anomaly=true");
    start_add(&start, "training_module.optimizer.lr=1e300");
    struct trainer *trainer = case_open(&start);
    cr_expect_eq(trainer_run(trainer, NULL, &error), ERROR_NUMERIC, "%s", error.message);
    trainer_free(trainer);
}

/* Nothing is trained: there may be nothing to train. */
Test(settings, a_model_without_parameters_is_validated) {
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "run=[val]");
    start_add(&start, "~training_module.model");
    start_add(&start, "+training_module.model={_target_: nequip.model.ZBLPairPotential, seed: 1, model_dtype: float64, "
                      "type_names: [C, H, O], chemical_species: [C, H, O], r_max: 4.0, units: metal}");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    cr_expect_eq(validations("out/metrics.csv"), 1);
}
