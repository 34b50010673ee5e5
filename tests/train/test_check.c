/* What is wrong with a config is said before any data is read: what, where, and the nearest name. */
#include "runs.h"
#include "train/run/trainer.h"

#include <unistd.h>

static const struct {
    const char *override, *words[3];
} wrong[] = {
    {"training_module._target_=nequip.train.EMALightningModul", {"EMALightningModule"}},
    {"training_module.optimizer._target_=torch.optim.Adamm", {"Adam"}},
    {"+training_module.optimizer.learning_rate=1", {"learning_rate", "lr"}},
    {"training_module.optimizer.lr=fast", {"lr", "number"}},
    {"training_module.optimizer.lr=-1", {"lr"}},
    {"training_module.loss._target_=nequip.train.EnergyForceLos", {"EnergyForceLoss"}},
    {"+training_module.loss.coeffs.force=1.0", {"force"}},
    {"training_module.lr_scheduler.scheduler._target_=torch.optim.lr_scheduler.ReduceOnPlateau", {"ReduceLROnPlateau"}},
    {"training_module.lr_scheduler.scheduler.factor=2", {"factor"}},
    {"training_module.lr_scheduler.monitor=val0_epoch/weighted_summ",
     {"val0_epoch/weighted_summ", "val0_epoch/weighted_sum"}},
    {"~training_module.lr_scheduler.monitor", {"monitor"}},
    {"+training_module.lr_scheduler.freqency=1", {"freqency", "frequency"}},
    {"training_module.lr_scheduler.interval=batch", {"interval"}},
    {"training_module.ema_decay=1.5", {"ema_decay", "1.5"}},
    {"+training_module.ema_decy=0.5", {"ema_decy", "ema_decay"}},
    {"+trainer.check_val_every_n_epoch=-2", {"check_val_every_n_epoch", "positive"}},
    {"trainer.max_epochs=many", {"max_epochs"}},
    {"+trainer.gradient_clip=1", {"gradient_clip", "gradient_clip_val"}},
    {"+trainer.gradient_clip_algorithm=norms", {"gradient_clip_algorithm"}},
    {"+trainer.accumulate_grad_batches=0", {"accumulate_grad_batches"}},
    {"+trainer.max_time=10minutes", {"max_time"}},
    {"+trainer.limit_train_batches=1.5", {"limit_train_batches"}},
    {"+trainer.inference_mode=true", {"inference_mode", "leave it out"}},
    {"+trainer.inference_mode=false", {"inference_mode", "leave it out"}},
    {"+trainer.barebones=true", {"barebones", "logging"}},
    {"+trainer.precision=bf16-mixed", {"precision", "model_dtype"}},
    {"+trainer.plugins=[{_target_: lightning.pytorch.plugins.MixedPrecision}]", {"plugins", "environments"}},
    {"+trainer.devices=none", {"devices", "none"}},
    {"+trainer.num_nodes=0", {"num_nodes"}},
    {"+trainer.overfit_batches=1.5", {"overfit_batches", "fraction"}},
    {"+trainer.fast_dev_run=-1", {"fast_dev_run", "negative"}},
    {"+trainer.val_check_interval='1:2:3'", {"val_check_interval", "DD:HH:MM:SS"}},
    {"+trainer.val_check_interval={fortnights: 1}", {"val_check_interval", "fortnights"}},
    {"++trainer={check_val_every_n_epoch: null, val_check_interval: 0.5}", {"val_check_interval", "integer"}},
    {"++trainer.num_sanity_val_steps=-2", {"num_sanity_val_steps"}},
    {"trainer.max_epochs=-2", {"max_epochs"}},
    {"+trainer.max_steps=-2", {"max_steps"}},
    {"+trainer.max_time=00:00:00:00", {"max_time", "nothing would be trained"}},
    {"+trainer.reload_dataloaders_every_n_epochs=-1", {"reload_dataloaders_every_n_epochs"}},
    {"+trainer={logger: csv}", {"logger", "_target_"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint}]", {"enable_checkpointing"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.OnExceptionCheckpoint, dirpath: a}]",
     {"enable_checkpointing", "OnExceptionCheckpoint"}},
    {"+training_module.num_datasets={train: 1}", {"num_datasets", "leave it out"}},
    {"+training_module.lr_scheduler.reduce_on_plateau=false", {"reduce_on_plateau"}},
    {"+data.val_dataloader.prefetch_factor=2", {"prefetch_factor", "num_workers"}},
    {"+data.val_dataloader.collate_fn={_target_: f}", {"collate_fn", "leave it out"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.PartialSampler}", {"sampler", "did you mean"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, num_samples: 3}", {"weights"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, weights: [1, -1], num_samples: "
     "3}",
     {"weights"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, weights: [0, 0], num_samples: 3}",
     {"sum", "above 0"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, weights: 1, num_samples: 3}",
     {"list"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, weights: [1, 2], num_samples: 0}",
     {"num_samples"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.WeightedRandomSampler, weights: [1, 0, 2], num_samples: "
     "3, replacement: false}",
     {"2 frames"}},
    {"+data.val_dataloader.sampler={_target_: torch.utils.data.RandomSampler, data_source: []}", {"no frames"}},
    {"run=[{function: {_target_: f}}]", {"function", "Python"}},
    {"data.train_file_path=[train.xyz,val.xyz]", {"train_file_path", "ConcatDataset"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStoping, monitor: a}]", {"EarlyStopping"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping}]", {"monitor"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val_epoch/forces_mae}]",
     {"val_epoch/forces_mae", "val0_epoch/forces_mae"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, monitor: val0_epoch/forces_ma}]",
     {"val0_epoch/forces_ma", "val0_epoch/forces_mae"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, mode: least}]", {"mode"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, every_n_train_steps: 5, "
     "every_n_epochs: 1}]",
     {"every_n_epochs", "exclude"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, every_n_train_steps: -5}]",
     {"every_n_train_steps"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, train_time_interval: 00:00:10:00}]",
     {"train_time_interval", "datetime.timedelta"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, train_time_interval: {_target_: "
     "datetime.timedelta, fortnights: 1}}]",
     {"fortnights", "weeks"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, save_last: copy}]",
     {"save_last", "link"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, save_on_train_epoch_end: 1}]",
     {"save_on_train_epoch_end"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, filename: '{epoch:x}'}]",
     {"filename", "format"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, filename: "
     "'{val0_epoch/forces_mae:d}'}]",
     {"filename", "format"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: step}]", {"step"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: lr-SGD}]", {"lr-SGD"}},
    {"+trainer.limit_val_batches=0", {"weighted_sum", "limit_val_batches"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, filename: ../out}]", {"filename"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, filename: /tmp/out}]", {"filename"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, every_n_epochs: -1}]",
     {"every_n_epochs"}},
    {"trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: ''}]", {"empty"}},
    {"training_module.model.num_layer=3", {"num_layer", "num_layers"}},
    {"+training_module.model.num_layer=3", {"num_layer", "num_layers"}},
    {"training_module.model._target_=nequip.model.NequipGNN", {"NequIPGNNModel"}},
    {"training_module.model.model_dtype=float16", {"model_dtype"}},
    {"training_module.model._target_=allegro.model.AllegroModel", {"Allegro"}},
    {"training_module.model._target_=nequip.model.NequIPGNNEnergyModel", {"do_derivatives"}},
    {"++training_module.model.pair_potential={_target_: nequip.nn.pair_potential.ZBL, chemical_species: [C, H, O], "
     "units: metal, per_atom_energy_field: other}",
     {"per_atom_energy_field", "atomic_energy"}},
    {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.lr_finder.LearningRateFinder}]", {"own choice"}},
    {"+data.batch_size=3", {"batch_size"}},
    {"data.transforms.0._target_=nequip.data.transforms.Mapper", {"Mapper"}},
    {"run=[trane]", {"trane", "train"}},
    {"run=[train,train]", {"train"}},
    {"~run", {"run"}},
    {"~data", {"data"}},
    {"~trainer", {"trainer"}},
    {"~training_module", {"training_module"}},
    {"~training_module.loss", {"loss"}},
    {"~training_module.val_metrics", {"val_metrics"}},
    {"~training_module.optimizer", {"optimizer"}},
    {"~training_module.model", {"model"}},
    {"run=[train,test]", {"test_metrics"}},
    {"++ckpt_path=3", {"ckpt_path", "path of a checkpoint"}},
    {"++ckpt_path=''", {"empty"}},
    {"++ckpt_path=[a.safetensors]", {"ckpt_path", "path of a checkpoint"}},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

ParameterizedTestParameters(check, says_what_is_wrong) {
    static int indices[WRONG];
    for (int k = 0; k < WRONG; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, WRONG);
}

ParameterizedTest(int *index, check, says_what_is_wrong) {
    case_enter("ema_adam");
    unlink("train.xyz"); /* data must not matter */
    unlink("val.xyz");
    struct error error = {0};
    struct config *config;
    cr_assert_eq(config_read(&config, "config.yaml", &error), 0, "%s", error.message);
    int code = config_override(config, wrong[*index].override, &error);
    if (!code)
        code = config_resolve(config, &(struct config_context){.output_dir = "out"}, &error);
    if (!code)
        code = trainer_check(config_root(config), &error);
    config_free(config);
    cr_assert_neq(code, 0, "%s is taken", wrong[*index].override);
    cr_expect_eq(error.code, code);
    for (int k = 0; k < 3 && wrong[*index].words[k]; k++)
        cr_expect(strstr(error.message, wrong[*index].words[k]), "%s: '%s' lacks '%s'", wrong[*index].override,
                  error.message, wrong[*index].words[k]);
}

ParameterizedTestParameters(check, opening_refuses_it_too) {
    static int indices[WRONG];
    for (int k = 0; k < WRONG; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, WRONG);
}

/* Nothing of a refused run is left on disk. */
ParameterizedTest(int *index, check, opening_refuses_it_too) {
    case_enter("ema_adam");
    struct error error = {0};
    struct config *config;
    struct trainer *trainer = (struct trainer *)1;
    cr_assert_eq(config_read(&config, "config.yaml", &error), 0, "%s", error.message);
    if (config_override(config, wrong[*index].override, &error)) {
        config_free(config);
        return;
    }
    int code = trainer_open(&trainer, config, &(struct trainer_options){.output = "out", .threads = 1}, &error);
    config_free(config);
    cr_expect_neq(code, 0);
    cr_expect_null(trainer);
    cr_expect_not(file_exists("out"), "%s left a folder", wrong[*index].override);
}

static const char *const accepted[] = {
    "+trainer.precision=32",
    "+trainer.devices=2",
    "+trainer.strategy=ddp",
    "+trainer.benchmark=true",
    "+trainer.max_time=00:00:30:00",
    "+trainer.max_time={hours: 2}",
    "+trainer.val_check_interval=0.5",
    "+trainer.limit_val_batches=1",
    "+trainer.limit_train_batches=0.5",
    "+trainer.gradient_clip_val=null",
    "trainer.logger=false",
    "trainer.callbacks=null",
    "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.RichProgressBar}]",
    "trainer.callbacks=[{_target_: nequip.train.callbacks.TF32Scheduler, schedule: {0: true}}]",
    "run=train",
    "run=[val]",
    "+fettle={layout: wide}",
    "+training_module.model.compile_mode=compile",
};
enum { ACCEPTED = sizeof accepted / sizeof *accepted };

ParameterizedTestParameters(check, takes_what_has_no_meaning_here) {
    static int indices[ACCEPTED];
    for (int k = 0; k < ACCEPTED; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, ACCEPTED);
}

ParameterizedTest(int *index, check, takes_what_has_no_meaning_here) {
    case_enter("ema_adam");
    struct error error = {0};
    cr_expect_eq(case_check(&(struct start){.overrides = {accepted[*index]}}, &error), 0, "%s: %s", accepted[*index],
                 error.message);
}

Test(check, the_reference_cases_are_right) {
    static const char *const cases[] = {"ema_adam", "base_accumulate_cosine", "dropin_molecule"};
    for (int k = 0; k < 3; k++) {
        struct error error = {0};
        case_enter(cases[k]);
        cr_expect_eq(case_check(&(struct start){0}, &error), 0, "%s: %s", cases[k], error.message);
    }
}

/* ---------------------------------------------------------------- data and files that do not do */

static void refused(const struct start *start, int code, const char *word) {
    struct trainer *trainer = (struct trainer *)1;
    struct error error = {0};
    cr_expect_eq(case_try(&trainer, start, &error), code, "%d: %s", error.code, error.message);
    cr_expect_null(trainer);
    cr_expect(strstr(error.message, word), "'%s' lacks '%s'", error.message, word);
}

Test(check, a_missing_file) {
    case_enter("ema_adam");
    unlink("val.xyz");
    refused(&(struct start){.output = "out"}, ERROR_IO, "val.xyz");
}

Test(check, a_species_that_the_model_lacks) {
    case_enter("ema_adam");
    refused(&(struct start){.output = "out", .overrides = {"data.transforms.0.model_type_names=[C,H]"}}, ERROR_DATA,
            "O");
}

static void rewrite_first_line_two(const char *path, const char *from, const char *to) {
    char *data, *at;
    size_t size;
    struct error error = {0};
    cr_assert_eq(file_read(path, &data, &size, &error), 0);
    at = strstr(data, from);
    cr_assert_not_null(at);
    FILE *stream = fopen(path, "w");
    fwrite(data, 1, (size_t)(at - data), stream);
    fputs(to, stream);
    fputs(at + strlen(from), stream);
    fclose(stream);
    free(data);
}

Test(check, a_frame_without_energy) {
    case_enter("ema_adam");
    rewrite_first_line_two("train.xyz", "energy=", "enrgy=");
    refused(&(struct start){.output = "out"}, ERROR_DATA, "total_energy");
}

Test(check, a_label_that_is_nan) {
    case_enter("ema_adam");
    rewrite_first_line_two("train.xyz", "energy=", "energy=nan energy2=");
    struct trainer *trainer;
    struct error error = {0};
    cr_expect_neq(case_try(&trainer, &(struct start){.output = "out"}, &error), 0);
    cr_expect(strstr(error.message, "NaN") || strstr(error.message, "nan"), "%s", error.message);
}

Test(check, weights_of_another_model_or_none) {
    case_enter("ema_adam");
    refused(&(struct start){.init = "init.safetensors", .overrides = {"training_module.model.num_features=4"}},
            ERROR_DATA, "model.");
    refused(&(struct start){.init = "config.yaml"}, ERROR_DATA, "config.yaml");
    refused(&(struct start){.init = "nothing.safetensors"}, ERROR_IO, "nothing.safetensors");
    refused(&(struct start){.resume = "init.safetensors"}, ERROR_DATA, "init.safetensors");
    cr_assert_eq(truncate("init.safetensors", 9000), 0);
    refused(&(struct start){.init = "init.safetensors"}, ERROR_DATA, "init.safetensors");
}

Test(check, a_folder_that_cannot_be_written) {
    case_enter("ema_adam");
    refused(&(struct start){.output = "config.yaml/out"}, ERROR_IO, "config.yaml");
    refused(&(struct start){.output = "/proc/out"}, ERROR_IO, "/proc");
}

Test(check, a_resume_under_another_training_module) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    struct error error = {0};
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0);
    trainer_free(trainer);
    refused(&(struct start){.resume = "saved.safetensors",
                            .overrides = {"training_module._target_=nequip.train.NequIPLightningModule",
                                          "~training_module.ema_decay"}},
            ERROR_VALUE, "EMALightningModule");
}
