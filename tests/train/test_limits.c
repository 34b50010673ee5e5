/* What a config may ask for in number: it works however many there are, or is refused at its place. */
#include "runs.h"
#include "train/run/look.h"
#include "train/run/trainer.h"

#include <stdio.h>

/* Three values for each of n types, and three for all. */
static void many_types(char *out, size_t size, int n, const char *key) {
    size_t used = (size_t)snprintf(out, size, "%s=[C,H,O", key);
    for (int k = 3; k < n; k++)
        used += (size_t)snprintf(out + used, size - used, ",T%d", k);
    snprintf(out + used, size - used, "]");
}

static const char per_type[] =
    "{_target_: nequip.train.MetricsManager, metrics: ["
    "{name: a, field: forces, metric: {_target_: nequip.train.RootMeanSquaredError}, coeff: 1, per_type: true}, "
    "{name: b, field: forces, metric: {_target_: nequip.train.MeanAbsoluteError}, coeff: 1, per_type: true}, "
    "{name: c, field: forces, metric: {_target_: nequip.train.MaximumAbsoluteError}, per_type: true}]}";

static void count_name(void *context, const char *name, double value) {
    (void)name, (void)value;
    ++*(int *)context;
}

Test(limits, metrics_for_each_of_many_types) {
    enum { TYPES = 118 };
    char types[2048], model[2048], given[3][64], manager[3][1024];
    static const char *const sections[] = {"train_metrics", "val_metrics", "loss"};
    struct start start = {.output = "out"};
    struct error error = {0};
    int count = 0;
    case_enter("ema_adam");
    many_types(types, sizeof types, TYPES, "data.transforms.0.model_type_names");
    many_types(model, sizeof model, TYPES, "training_module.model.type_names");
    start_add(&start, types);
    start_add(&start, model);
    start_add(&start, "+data.transforms.0.chemical_species_to_atom_type_map={C: C, H: H, O: O}");
    start_add(&start, "training_module.model.per_type_energy_scales=1.0");
    start_add(&start, "training_module.model.per_type_energy_shifts=0.0");
    start_add(&start, "trainer.max_epochs=1");
    for (int k = 0; k < 3; k++) {
        snprintf(given[k], sizeof given[k], "~training_module.%s", sections[k]);
        start_add(&start, given[k]);
        snprintf(manager[k], sizeof manager[k], "+training_module.%s=%s", sections[k], per_type);
        start_add(&start, manager[k]);
    }
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(trainer_evaluate(trainer, ROLE_VAL, 0, count_name, &count, &error), 0, "%s", error.message);
    cr_expect_eq(count, 3 * (TYPES + 1) + 1);
    struct trainer_frame *frames;
    size_t nframes;
    cr_expect_eq(trainer_frames(trainer, ROLE_VAL, 0, &frames, &nframes, &error), 0, "%s", error.message);
    free(frames);
    trainer_free(trainer);
    struct table table = table_read("out/metrics.csv");
    cr_expect_geq(table.columns, 5 * (3 * (TYPES + 1) + 1));
    size_t found = 0;
    for (size_t row = 0; row < table.rows; row++)
        found += *table_cell(&table, row, "val0_epoch/c_T117") != 0;
    cr_expect_eq(found, 1);
    table_free(&table);
}

/* A monitor is found among however many names there are. */
Test(limits, the_last_of_thousands_of_names_can_be_watched) {
    enum { TYPES = 1500 };
    static char types[32768], model[32768], manager[1024];
    struct start start = {0};
    case_enter("ema_adam");
    many_types(types, sizeof types, TYPES, "data.transforms.0.model_type_names");
    many_types(model, sizeof model, TYPES, "training_module.model.type_names");
    snprintf(manager, sizeof manager, "+training_module.val_metrics=%s", per_type);
    start_add(&start, types);
    start_add(&start, model);
    start_add(&start, "+data.transforms.0.chemical_species_to_atom_type_map={C: C, H: H, O: O}");
    start_add(&start, "training_module.model.per_type_energy_scales=1.0");
    start_add(&start, "training_module.model.per_type_energy_shifts=0.0");
    start_add(&start, "~training_module.val_metrics");
    start_add(&start, manager);
    start_add(&start, "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: "
                      "val0_epoch/c_T1499}]");
    struct error error = {0};
    cr_expect_eq(case_check(&start, &error), 0, "%s", error.message);
}

static void refused(const char *override, enum error_code code, const char *told) {
    struct start start = {.overrides = {"~training_module.lr_scheduler", override}};
    struct error error = {0};
    cr_expect_eq(case_check(&start, &error), code, "%.60s: %s", override, error.message);
    cr_expect(strstr(error.message, told), "%.60s: %s", override, error.message);
}

Test(limits, numbers_that_cannot_be_counted) {
    case_enter("ema_adam");
    refused("trainer.max_epochs=4.1e21", ERROR_TYPE, "an integer");
    refused("trainer.max_epochs=2.5", ERROR_TYPE, "an integer is expected, not 2.5");
    refused("trainer.max_epochs=nan", ERROR_TYPE, "an integer");
    refused("trainer.max_epochs=inf", ERROR_TYPE, "an integer");
    refused("trainer.max_epochs=true", ERROR_TYPE, "an integer");
    refused("+trainer.check_val_every_n_epoch=1.5", ERROR_TYPE, "an integer");
    refused("+trainer.check_val_every_n_epoch=-1", ERROR_VALUE, "positive");
    refused("+trainer.val_check_interval=2.5", ERROR_VALUE, "fraction");
    refused("+trainer.val_check_interval=1e300", ERROR_VALUE, "fraction");
    refused("+trainer.gradient_clip_val=nan", ERROR_VALUE, "NaN");
    refused("+trainer.max_time={seconds: inf}", ERROR_VALUE, "finite");
    refused("training_module.loss.coeffs.forces=inf", ERROR_TYPE, "finite number or null, here is inf");
    refused("+training_module.lr_scheduler={scheduler: {_target_: torch.optim.lr_scheduler.CosineAnnealingLR, T_max: "
            "9223372036854775807}}",
            ERROR_VALUE, "counted");
    refused("trainer.callbacks=[{_target_: nequip.train.callbacks.LinearLossCoefficientScheduler, final_coeffs: "
            "{per_atom_energy_mse: 1, forces_mse: 1}, transition_epochs: 9223372036854775807, start_epoch: 1}]",
            ERROR_VALUE, "counted");
    refused("+training_module.model.polynomial_cutoff_p=4294967298", ERROR_VALUE, "65536");
    struct start start = {.overrides = {"trainer.max_epochs=1e3", "+trainer.limit_train_batches=9223372036854775807",
                                        "+trainer.limit_val_batches=9223372036854775807",
                                        "data.val_dataloader.batch_size=9223372036854775807"}};
    struct trainer *trainer = case_open(&start);
    cr_expect_eq(trainer_max_epochs(trainer), 1000);
    case_steps(trainer, (int)trainer_batches(trainer));
    trainer_free(trainer);
}

/* Good until the next call. */
static char *repeated(const char *before, const char *each, int count, const char *after) {
    static struct text text;
    text_clear(&text);
    text_add(&text, before);
    for (int k = 0; k < count; k++)
        text_add(&text, each);
    text_add(&text, after);
    return text.data;
}

Test(limits, names_are_told_apart_or_refused) {
    case_enter("ema_adam");
    refused(repeated("+training_module.val_metrics.extra_metrics=[{field: forces, metric: {_target_: "
                     "nequip.train.MeanAbsoluteError}, name: ",
                     "a", 101, "}]"),
            ERROR_NAME, "100 bytes at most");
    refused(repeated("training_module.model.type_names=[C,H,O,", "y", 65, "]"), ERROR_VALUE, "64 bytes at most");
    static char types[65536];
    many_types(types, sizeof types, 5000, "training_module.model.type_names");
    refused(types, ERROR_VALUE, "at most 4096");
    refused(repeated("trainer.callbacks=[{_target_: lightning.pytorch.callbacks.RichProgressBar}",
                     ",{_target_: lightning.pytorch.callbacks.RichProgressBar}", 40, "]"),
            ERROR_VALUE, "more than 32 callbacks");
}

/* Each pattern of a group must match something, however many there are. */
Test(limits, every_pattern_of_a_group_is_looked_at) {
    struct error error = {0};
    struct trainer *trainer;
    case_enter("ema_adam");
    char *group = repeated("+training_module.optimizer.param_groups={_target_: fettle.train.ParamGroups, groups: "
                           "[{lr: 0.1, params: ['*.bias','*edge_mlp*'",
                           ",'*edge_mlp*'", 70, ",nothing,'*edge_mlp*']}]}");
    cr_expect_eq(case_try(&trainer, &(struct start){.overrides = {group}}, &error), ERROR_NAME);
    cr_expect(strstr(error.message, "no parameter matches"), "%s", error.message);
}

Test(limits, more_threads_than_a_team_has) {
    struct error error = {0};
    struct trainer *trainer;
    case_enter("ema_adam");
    cr_expect_eq(case_try(&trainer, &(struct start){.threads = TEAM_MOST + 1}, &error), ERROR_MEMORY);
    cr_expect(strstr(error.message, "threads"), "%s", error.message);
}
