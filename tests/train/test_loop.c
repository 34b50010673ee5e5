/* Runs that differ in how the loop goes: windows, intervals, limits, stops, several sets, tests with the best weights,
 * frames that are drawn by samplers, shuffled or again and again; and in the callbacks that steer it or log.
 * tests/reference/train/loop and callbacks hold the configs and the metrics.csv that NequIP left (nequip-train -cn
 * NAME). */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

#include <stdio.h>
#include <unistd.h>

static const struct {
    const char *folder, *name;
} cases[] = {
    {"loop", "windows_by_steps"},
    {"loop", "stop_after_min_epochs"},
    {"loop", "stop_within_an_epoch"},
    {"loop", "test_with_the_best"},
    {"loop", "windows_clipped_by_value"},
    {"loop", "intervals_and_max_steps"},
    {"loop", "validated_over_epochs"},
    {"loop", "overfit_and_reload"},
    {"loop", "sampled"},
    {"loop", "sampled_again"},
    {"loop", "sampled_by_weights"},
    {"loop", "sampled_by_weights_once"},
    {"loop", "workers_that_persist"},
    {"loop", "one_batch_holds_all"},
    {"loop", "shuffled_everywhere"},
    {"loop", "devices_together"},
    {"callbacks", "swa"},
    {"callbacks", "swa_instead_of_a_scheduler"},
    {"callbacks", "swa_with_ema"},
    {"callbacks", "swa_that_forgets"},
    {"callbacks", "averaged_by_steps_and_epochs"},
    {"callbacks", "averaged_in_windows"},
    {"callbacks", "averaged_twice"},
    {"callbacks", "averaged_by_lerp"},
    {"callbacks", "averaged_in_files_of_weights"},
    {"callbacks", "windows_by_epochs"},
    {"callbacks", "training_stats"},
    {"callbacks", "several_at_once"},
    {"callbacks", "rates_with_decay"},
    {"callbacks", "stopped_by_a_step"},
};
enum { CASES = sizeof cases / sizeof *cases };

static void enter(int index) {
    char name[128];
    case_enter(cases[index].folder);
    snprintf(name, sizeof name, "%s.yaml", cases[index].name);
    cr_assert_eq(rename(name, "config.yaml"), 0);
    snprintf(name, sizeof name, "%s.csv", cases[index].name);
    cr_assert_eq(rename(name, "wanted.csv"), 0);
}

static void compare(const char *path, const char *wanted, double tolerance) {
    struct table got = table_read(path), want = table_read(wanted);
    table_compare(&got, &want, tolerance);
    table_free(&got);
    table_free(&want);
}

ParameterizedTestParameters(loop, goes_as_in_lightning) {
    static int indices[CASES];
    for (int k = 0; k < CASES; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, CASES);
}

ParameterizedTest(int *index, loop, goes_as_in_lightning) {
    enter(*index);
    struct trainer *trainer = case_open(&(struct start){.output = "out", .threads = 2});
    case_run(trainer);
    trainer_free(trainer);
    compare("out/metrics.csv", "wanted.csv", 1e-9);
}

Test(loop, checkpoints_have_the_names_that_lightning_gives_them) {
    enter(3);
    struct trainer *trainer = case_open(&(struct start){.output = "out"});
    case_run(trainer);
    trainer_free(trainer);
    cr_expect(file_exists("ck/00-3-2.690.safetensors"));
    cr_expect(file_exists("ck/01-6-2.548.safetensors"));
    cr_expect(file_exists("ck/last.safetensors"));
}

struct split {
    int which, batches;
};

ParameterizedTestParameters(loop, resumed_to_the_bit) {
    static struct split splits[3 * CASES];
    for (int k = 0; k < 3 * CASES; k++)
        splits[k] = (struct split){k % CASES, 1 + 3 * (k / CASES)};
    return cr_make_param_array(struct split, splits, 3 * CASES);
}

ParameterizedTest(struct split *split, loop, resumed_to_the_bit) {
    enter(split->which);
    struct trainer *trainer = case_open(&(struct start){.output = "whole"});
    struct error error = {0};
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    rename("ck", "ck.whole"); /* files of another run keep their names */

    trainer = case_open(&(struct start){.output = "parts"});
    for (int k = 0; k < split->batches && !trainer_done(trainer); k++)
        cr_assert_eq(trainer_step(trainer, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .resume = "saved.safetensors"});
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want);
    trainer_free(trainer);
    compare("parts/metrics.csv", "whole/metrics.csv", 0);
}
