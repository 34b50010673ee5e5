/* Callbacks that change or show the loss coefficients: NequIP's runs, resuming, and what is refused. */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

static void step(struct trainer *trainer, int count) {
    struct error error = {0};
    for (int k = 0; k < count; k++)
        cr_assert_eq(trainer_step(trainer, &error), 0, "%s", error.message);
}

static double coefficient(const struct trainer *trainer, const char *term) {
    double value = 0;
    char name[64];
    struct error error = {0};
    snprintf(name, sizeof name, "loss.%s", term);
    cr_assert_eq(trainer_get(trainer, name, &value, &error), 0, "%s", error.message);
    return value;
}

/* LossCoefficientScheduler and the monitor by epochs; LinearLossCoefficientScheduler; SoftAdapt and the monitor by
 * batches. */
static const char *const cases[] = {"loss_schedule", "loss_linear", "softadapt_batch"};

ParameterizedTestParameters(loss_coefficients, runs_as_in_nequip) {
    static int indices[] = {0, 1, 2};
    return cr_make_param_array(int, indices, 3);
}

ParameterizedTest(int *index, loss_coefficients, runs_as_in_nequip) {
    case_enter(cases[*index]);
    struct trainer *trainer = case_open(&(struct start){.output = "out", .init = "init.safetensors"});
    case_run(trainer);
    trainer_free(trainer);
    struct table got = table_read("out/metrics.csv"), want = table_read("wanted.csv");
    table_compare(&got, &want, 1e-7);
    table_free(&got);
    table_free(&want);
    weights_compare("out/last.safetensors", "final.safetensors", 1e-7);
}

struct resume_case {
    int which, batches;
};

ParameterizedTestParameters(loss_coefficients, resumed_to_the_bit) {
    static struct resume_case all[24];
    size_t n = 0;
    for (int which = 0; which < 3; which++)
        for (int batches = 2; batches < 12; batches += 1 + which)
            all[n++] = (struct resume_case){which, batches};
    return cr_make_param_array(struct resume_case, all, n);
}

ParameterizedTest(struct resume_case *c, loss_coefficients, resumed_to_the_bit) {
    struct error error = {0};
    case_enter(cases[c->which]);
    struct trainer *trainer = case_open(&(struct start){.output = "whole"});
    case_run(trainer);
    uint64_t want = hash(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts"});
    step(trainer, c->batches);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    step(trainer, 1);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .resume = "saved.safetensors"});
    case_run(trainer);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    struct table got = table_read("parts/metrics.csv"), whole = table_read("whole/metrics.csv");
    table_compare(&got, &whole, 0);
    table_free(&got);
    table_free(&whole);
}

/* What a callback has changed for a batch goes with it. */
Test(loss_coefficients, a_batch_given_up_leaves_nothing_behind) {
    case_enter("softadapt_batch");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    struct error error = {0};
    enum phase phase;
    step(trainer, 4); /* the next batch begins with an update */
    uint64_t before = hash(trainer);
    for (int stop = PHASE_LOAD; stop < PHASE_LOG; stop++) {
        do
            cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        while ((int)phase != stop);
        cr_expect_neq(coefficient(trainer, "forces_mse"), 0.5);
        trainer_abandon(trainer);
        cr_expect_eq(coefficient(trainer, "forces_mse"), 0.5);
        cr_expect_eq(hash(trainer), before, "after %s", phase_name((enum phase)stop));
    }
    trainer_free(trainer);
}

Test(loss_coefficients, a_term_left_out_becomes_null) {
    case_enter("loss_schedule");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    step(trainer, 10); /* into epoch 3, where only the forces have one */
    cr_expect(isnan(coefficient(trainer, "per_atom_energy_mse")));
    cr_expect_eq(coefficient(trainer, "forces_mse"), 1);
    step(trainer, 3);
    cr_expect_eq(coefficient(trainer, "per_atom_energy_mse"), 0.5);
    trainer_free(trainer);
}

Test(loss_coefficients, softadapt_with_frequency_1_never_updates) {
    case_enter("softadapt_batch");
    struct heard heard = {0}, without = {0};
    struct trainer *trainer = case_open(&(struct start){.output = NULL, .heard = &without});
    trainer_free(trainer);
    trainer =
        case_open(&(struct start){.output = NULL, .heard = &heard, .overrides = {"trainer.callbacks.1.frequency=1"}});
    step(trainer, 11);
    cr_expect_eq(coefficient(trainer, "forces_mse"), 0.5);
    cr_expect_eq(heard.notices, without.notices + 1, "nobody says so");
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- what is refused */

static const struct {
    int which;
    const char *override, *message;
    int line; /* it names a place in the file */
} wrong[] = {
    {0, "+trainer.callbacks.1.schedule.3.force_mse=1.0", "forces_mse", 0},
    {0, "trainer.callbacks.1.schedule.3={forces_mse: 0.0}", "more than 0", 0},
    {0, "~trainer.callbacks.1.schedule.3.forces_mse", "more than 0", 1},
    {0, "trainer.callbacks.1.schedule.3={forces_mse: much}", "finite number", 0},
    {0, "trainer.callbacks.1.schedule.3=1.0", "a map of loss terms", 1},
    {0, "+trainer.callbacks.1.schedule.later={forces_mse: 1.0}", "whole number", 0},
    {0, "++trainer.callbacks.1.schedule={-2: {forces_mse: 1.0}}", "whole number", 0},
    {0, "++trainer.callbacks.1.schedule={03: {forces_mse: 1.0}}", "twice", 0},
    {0, "trainer.callbacks.1.schedule=7", "a map of epochs", 1},
    {0, "~trainer.callbacks.1.schedule", "schedule", 1},
    {0, "trainer.callbacks.2.interval=week", "batch", 1},
    {0, "trainer.callbacks.2.frequency=0", "frequency", 1},
    {1, "trainer.callbacks.1.final_coeffs.forces_mse=null", "finite number", 1},
    {1, "trainer.callbacks.1.final_coeffs.forces_mse=-1.0", "more than 0", 1},
    {1, "trainer.callbacks.1.transition_epochs=0", "transition_epochs", 1},
    {1, "trainer.callbacks.1.start_epoch=-1", "start_epoch", 1},
    {2, "trainer.callbacks.1.frequency=-3", "frequency", 1},
    {2, "~trainer.callbacks.1.beta", "beta", 1},
    {2, "training_module.loss.coeffs.total_energy=null", "per_atom_energy_mse", 1},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

ParameterizedTestParameters(loss_coefficients, says_what_is_wrong) {
    static int indices[WRONG];
    for (int k = 0; k < WRONG; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, WRONG);
}

ParameterizedTest(int *index, loss_coefficients, says_what_is_wrong) {
    struct start start = {.overrides = {wrong[*index].override}};
    struct error error = {0};
    case_enter(cases[wrong[*index].which]);
    cr_expect_neq(case_check(&start, &error), 0, "%s", wrong[*index].override);
    cr_expect(strstr(error.message, wrong[*index].message), "%s: %s", wrong[*index].override, error.message);
    cr_expect(*error.file, "no file is named: %s", error.message);
    struct trainer *trainer;
    cr_expect_neq(case_try(&trainer, &start, &(struct error){0}), 0);
    cr_expect_null(trainer);
}

/* A line that begins at null, and values that are no numbers, are found while training. */
Test(loss_coefficients, a_line_needs_a_beginning) {
    case_enter("loss_linear");
    struct error error = {0};
    struct trainer *trainer =
        case_open(&(struct start){.output = NULL, .overrides = {"training_module.loss.coeffs.total_energy=null"}});
    cr_expect_neq(trainer_run(trainer, NULL, &error), 0);
    cr_expect(strstr(error.message, "per_atom_energy_mse") && strstr(error.message, "null"), "%s", error.message);
    trainer_free(trainer);
}

Test(loss_coefficients, softadapt_refuses_to_go_on_from_nan) {
    case_enter("softadapt_batch");
    struct error error = {0};
    struct trainer *trainer = case_open(&(struct start){.output = NULL, .overrides = {"trainer.callbacks.1.beta=1e6"}});
    cr_expect_neq(trainer_run(trainer, NULL, &error), 0);
    cr_expect(strstr(error.message, "SoftAdapt"), "%s", error.message);
    cr_expect_eq(coefficient(trainer, "forces_mse"), 0.5);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- predictions as files */

Test(loss_coefficients_files, predictions_of_a_validation) {
    struct error error = {0};
    char *text;
    size_t size;
    case_enter("loss_schedule");
    struct trainer *trainer = case_open(&(struct start){
        .output = NULL,
        .overrides = {"trainer.max_epochs=2", "~trainer.callbacks.2.interval", "~trainer.callbacks.2.frequency",
                      "trainer.callbacks.2._target_=nequip.train.callbacks.ValTimeXYZFileWriter",
                      "+trainer.callbacks.2.out_file=seen", "+trainer.callbacks.2.separate_file_per_epoch=true",
                      "+trainer.callbacks.2.output_fields_from_original_dataset=[total_energy,forces]"}});
    case_run(trainer);
    trainer_free(trainer);
    cr_assert_eq(file_read("seen_dataset0_epoch1.xyz", &text, &size, &error), 0, "%s", error.message);
    cr_expect(strstr(text, "original_dataset_forces:R:3") && strstr(text, "original_dataset_energy="), "%.200s", text);
    cr_expect(strstr(text, ":forces:R:3") && strstr(text, " energy=") && strstr(text, ":energies:R:1"), "%.200s", text);
    free(text);
    cr_expect(file_exists("seen_dataset0_epoch0.xyz"));
}

/* Labels that there are not are missed before the training, not after it. */
Test(loss_coefficients_files, labels_to_write_that_no_frame_has) {
    struct error error = {0};
    struct trainer *trainer;
    struct start start = {.overrides = {"~trainer.callbacks.2.interval", "~trainer.callbacks.2.frequency",
                                        "trainer.callbacks.2._target_=nequip.train.callbacks.ValTimeXYZFileWriter",
                                        "+trainer.callbacks.2.out_file=new/folder/seen",
                                        "+trainer.callbacks.2.output_fields_from_original_dataset=[forces,charges]"}};
    case_enter("loss_schedule");
    cr_expect_eq(case_try(&trainer, &start, &error), ERROR_DATA);
    cr_expect_null(trainer);
    cr_expect(strstr(error.message, "'charges'") && strstr(error.message, "val.xyz"), "%s", error.message);
    start.overrides[4] = NULL;
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect(file_exists("new/folder/seen_dataset0.xyz"));
    trainer_free(trainer);
}
