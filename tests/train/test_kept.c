/* What ModelCheckpoint keeps, and when: each row's files are those that NequIP 0.19.1 leaves of the case ema_adam with
 * these arguments (nequip-train, names without .ckpt). */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VAL "monitor: val0_epoch/weighted_sum"

static const struct kept {
    const char *options, *override, *second, *files;
} rows[] = {
    {"every_n_train_steps: 2, save_top_k: -1", NULL, NULL,
     "epoch=0-step=2 epoch=1-step=4 epoch=1-step=6 epoch=2-step=8 epoch=3-step=10 epoch=3-step=12 "},
    {"every_n_train_steps: 2, save_top_k: 2, save_last: true, " VAL, NULL, NULL,
     "epoch=3-step=10 epoch=3-step=12 last "},
    {"every_n_train_steps: 4, save_top_k: -1, save_last: true, " VAL, "+trainer.val_check_interval=2", NULL,
     "epoch=1-step=4 epoch=2-step=8 last "},
    {"every_n_train_steps: 3, save_top_k: -1, save_on_train_epoch_end: false, " VAL, NULL, NULL,
     "epoch=0-step=3 epoch=1-step=6 epoch=2-step=9 epoch=3-step=12 "},
    {"every_n_train_steps: 2, save_top_k: -1, save_last: true", "+trainer.accumulate_grad_batches=2", NULL,
     "epoch=0-step=2 epoch=1-step=4 epoch=2-step=6 epoch=3-step=8 last "},
    {"save_top_k: 0, save_last: true", NULL, NULL, "last "},
    {"save_top_k: 0, save_last: link, every_n_train_steps: 2", NULL, NULL, "last "},
    {"monitor: step, mode: max, save_top_k: 2", NULL, NULL, "epoch=2-step=9 epoch=3-step=12 "},
    {"monitor: epoch, save_top_k: 2, filename: 'e{epoch:03d}-{step:>4}'", NULL, NULL,
     "eepoch=000-step=   3 eepoch=001-step=   6 "},
    {"save_top_k: -1, filename: best", NULL, NULL, "best "},
    {"save_top_k: 2, filename: best, save_last: link, " VAL, "training_module.optimizer.lr=1.0", NULL,
     "best-v1 best last "},
    {"save_top_k: 2, filename: best, mode: max, " VAL, "training_module.optimizer.lr=1.0", NULL, "best-v1 best "},
    {"every_n_epochs: 0, save_last: true", NULL, NULL, "last "},
    {"every_n_epochs: 2, save_last: true, filename: '{missing}-{nothing:.2f}-{val0_epoch/forces_mae:+.1e}'", NULL, NULL,
     "last missing=0-nothing=0.00-val0_epoch/forces_mae=+2.6e+00 "},
    {"save_top_k: -1, monitor: train_loss_step/weighted_sum, every_n_train_steps: 5, save_last: true", NULL, NULL,
     "epoch=1-step=5 epoch=3-step=10 last "},
    {"save_top_k: -1", "+trainer.val_check_interval=2", "+trainer.max_steps=7", "epoch=0-step=2 epoch=1-step=5 "},
    {"train_time_interval: {_target_: datetime.timedelta, seconds: 0}, monitor: step, mode: max, save_top_k: 2", NULL,
     NULL, "epoch=3-step=11 epoch=3-step=12 "},
    {"train_time_interval: {_target_: datetime.timedelta, hours: 1}, save_last: true", NULL, NULL, "last "},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void command(const char *line) {
    cr_assert_eq(system(line), 0, "%s", line);
}

static struct start start_of(const struct kept *row, const char *output) {
    static char text[512];
    struct start start = {.output = output};
    snprintf(text, sizeof text,
             "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: "
             "'${hydra:runtime.output_dir}/kept', %s}]",
             row->options);
    start_add(&start, text);
    if (row->override)
        start_add(&start, row->override);
    if (row->second)
        start_add(&start, row->second);
    return start;
}

static void expect_files(const struct kept *row, const char *folder, const char *how) {
    char want[1024] = "", all[256];
    const char *got;
    for (const char *at = row->files; *at;) { /* names with blanks in them end in two letters of their own */
        const char *end = strstr(at, " ");
        while (end[1] == ' ' || (end[1] >= '0' && end[1] <= '9'))
            end = strstr(end + 1, " ");
        snprintf(want + strlen(want), sizeof want - strlen(want), "%.*s.safetensors ", (int)(end - at), at);
        at = end + 1;
    }
    snprintf(all, sizeof all, "%s/kept", folder);
    got = files_below(all);
    cr_expect_str_eq(got, want, "%s (%s): %s, not %s", row->options, how, got, want);
}

ParameterizedTestParameters(kept, as_by_lightning) {
    static int indices[ROWS];
    for (int k = 0; k < ROWS; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, ROWS);
}

/* In one go; killed and resumed; and rewound: the same files, and the same state to the bit. */
ParameterizedTest(int *index, kept, as_by_lightning) {
    const struct kept *row = &rows[*index];
    struct error error = {0};
    case_enter("ema_adam");
    command("mkdir -p whole/kept parts/kept back/kept");
    struct start start = start_of(row, "whole");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    expect_files(row, "whole", "in one go");

    for (int steps = 2; steps <= 8; steps += 3) {
        command("rm -rf parts && mkdir -p parts/kept");
        start = start_of(row, "parts");
        trainer = case_open(&start);
        case_steps(trainer, steps);
        cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
        trainer_free(trainer);
        start.resume = "saved.safetensors";
        trainer = case_open(&start);
        case_run(trainer);
        cr_expect_eq(state_hash(trainer_state(trainer)), want, "%s: resumed after %d", row->options, steps);
        trainer_free(trainer);
        expect_files(row, "parts", "resumed");
    }

    struct trainer_point *point;
    start = start_of(row, "back");
    trainer = case_open(&start);
    case_steps(trainer, 2);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0, "%s", error.message);
    case_steps(trainer, 5);
    cr_assert_eq(trainer_point_return(trainer, point, 4, &error), 0, "%s", error.message);
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "%s: rewound", row->options);
    trainer_point_free(point);
    trainer_free(trainer);
    expect_files(row, "back", "rewound");
}

/* A file that a run wrote in the middle of an epoch, before the validation that was due, goes on right there. */
Test(kept, goes_on_from_what_was_written_before_a_validation) {
    struct kept row = {"every_n_train_steps: 3, save_top_k: -1", NULL, NULL, ""};
    case_enter("ema_adam");
    struct start start = start_of(&row, "out");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    command("cp -r out/kept aside && cp out/metrics.csv whole.csv");
    start.resume = "aside/epoch=1-step=6.safetensors";
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want);
    trainer_free(trainer);
    files_equal("out/metrics.csv", "whole.csv");
}

Test(kept, weights_alone_are_for_testing) {
    struct kept row = {"save_weights_only: true, filename: w", NULL, NULL, ""};
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = start_of(&row, "out");
    start_add(&start, "run=[train,val]");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
    start.resume = "out/kept/w.safetensors";
    cr_expect_eq(case_try(&trainer, &start, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "--init") || strstr(error.message, "holds weights"), "%s", error.message);
    trainer = case_open(&(struct start){.output = "other", .init = "out/kept/w.safetensors"});
    trainer_free(trainer);
}

Test(kept, where_the_run_is_interrupted) {
    struct kept row = {"save_on_exception: true, save_top_k: 0, save_last: true", NULL, NULL, "epoch=1-step=4 last "};
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = start_of(&row, "out");
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 4);
    cr_assert_eq(trainer_exception(trainer, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_exception(trainer, &error), 0, "%s", error.message);
    trainer_free(trainer);
    expect_files(&row, "out", "interrupted");
}
