/* A run's folder belongs to one run, and what it has kept is never lost to another, or to a copy. */
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/file/safetensors.h"
#include "train/run/callback.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/trainer.h"

static void run_in(const struct start *start) {
    struct trainer *trainer = case_open(start);
    case_run(trainer);
    trainer_free(trainer);
}

static void refused(const struct start *start, const char *word, const char *second) {
    struct trainer *trainer = (struct trainer *)1;
    struct error error = {0};
    cr_expect_eq(case_try(&trainer, start, &error), ERROR_STATE, "%s", error.message);
    cr_expect_null(trainer);
    cr_expect(strstr(error.message, word), "'%s' lacks '%s'", error.message, word);
    cr_expect(strstr(error.message, second), "'%s' lacks '%s'", error.message, second);
}

static void command(const char *line) {
    cr_assert_eq(system(line), 0, "%s", line);
}

static void keep(struct start *start, const char *folder, const char *options) {
    static char text[4][512];
    static int which;
    char *to = text[which++ % 4];
    snprintf(to, 512, "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: %s, %s}]",
             folder, options);
    start_add(start, to);
}

static const char here[] = "'${hydra:runtime.output_dir}/kept'", best[] = "monitor: val0_epoch/weighted_sum, ";

/* ---------------------------------------------------------------- whose a folder is */

Test(folder, with_a_run_is_refused_and_stays) {
    case_enter("ema_adam");
    run_in(&(struct start){.output = "out"});
    command("cp -r out before");
    refused(&(struct start){.output = "out"}, "--resume out/last.safetensors", "--force");
    command("diff -r out before");
    unlink("out/last.safetensors");
    refused(&(struct start){.output = "out"}, "no last.safetensors", "--force");
    /* other files are nobody's results */
    command("mkdir mine && cp before/config.yaml train.xyz mine");
    run_in(&(struct start){.output = "mine"});
}

Test(folder, takes_another_run_by_force) {
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    keep(&start, here, "monitor: val0_epoch/weighted_sum, save_top_k: 2, filename: best");
    run_in(&start);
    command("cp config.yaml out/mine.txt && cp out/kept/best.safetensors out/kept/copy.safetensors && "
            "cp out/mine.txt out/kept/best-v1.safetensors");
    start = (struct start){.output = "out", .force = 1, .overrides = {"trainer.max_epochs=1"}};
    run_in(&start);
    /* what the run before had written went, nothing else */
    cr_expect_str_eq(files_below("out/kept"), "best-v1.safetensors copy.safetensors ");
    cr_expect(file_exists("out/mine.txt"));
    run_in(&(struct start){.output = "fresh", .overrides = {"trainer.max_epochs=1"}});
    files_equal("out/metrics.csv", "fresh/metrics.csv");
}

Test(folder, is_locked_while_its_run_goes_on) {
    case_enter("ema_adam");
    struct start start = {.output = "out", .overrides = {"trainer.max_epochs=4"}};
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 1);
    refused(&start, "process", "out");
    struct error error = {0};
    cr_assert_eq(trainer_save(trainer, "out/now.safetensors", &error), 0);
    refused(&(struct start){.output = "out", .resume = "out/now.safetensors"}, "process", "out");
    case_run(trainer);
    trainer_free(trainer);
    cr_expect_not(file_exists("out/run.lock"));
    /* a kill leaves the file, but no lock */
    command("echo 'host 1 1 1' >out/run.lock");
    run_in(&(struct start){.output = "out", .resume = "out/now.safetensors"});
}

Test(folder, is_gone_on_with_by_its_own_run_only) {
    case_enter("ema_adam");
    run_in(&(struct start){.output = "one"});
    run_in(&(struct start){.output = "two"});
    refused(&(struct start){.output = "two", .resume = "one/last.safetensors"}, "another run", "--force");
    command("cp -r two copy && mkdir elsewhere && cp two/last.safetensors elsewhere");
    run_in(&(struct start){.output = "copy", .resume = "copy/last.safetensors"});
    run_in(&(struct start){.output = "two", .resume = "elsewhere/last.safetensors"});
    run_in(&(struct start){.output = "three", .overrides = {"training_module.model.seed=9"}});
    refused(&(struct start){.output = "three", .resume = "elsewhere/last.safetensors"}, "another run", "--force");
}

/* ---------------------------------------------------------------- what is kept */

static const struct kept_case {
    const char *options, *files;
} kept_cases[] = {
    {"save_top_k: 3, filename: best", "best-v1.safetensors best-v2.safetensors best.safetensors "},
    {"save_top_k: -1, filename: best", "best.safetensors "}, /* nothing is judged by: the newest of a name stays */
    {"monitor: val0_epoch/weighted_sum, save_top_k: -1, filename: best",
     "best-v1.safetensors best-v2.safetensors best-v3.safetensors best.safetensors "},
    {"save_top_k: 3, filename: best, enable_version_counter: false", "best.safetensors "},
    {"save_top_k: 1, filename: best, save_last: link", "best.safetensors last.safetensors "},
    {"save_top_k: 1, filename: best, every_n_epochs: 0", ""},
    {"save_top_k: 1, filename: best, every_n_epochs: null", "best.safetensors "},
};
enum { KEPT_CASES = sizeof kept_cases / sizeof *kept_cases };

ParameterizedTestParameters(folder, keeps_as_many_as_asked) {
    static int indices[KEPT_CASES];
    for (int k = 0; k < KEPT_CASES; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, KEPT_CASES);
}

ParameterizedTest(int *which, folder, keeps_as_many_as_asked) {
    char options[256];
    case_enter("ema_adam");
    command("mkdir -p out/kept");
    struct start start = {.output = "out", .overrides = {"trainer.max_epochs=4", "run=[train]"}};
    /* the learning rate makes each epoch worse than the one before */
    start_add(&start, "training_module.optimizer.lr=1.0");
    snprintf(options, sizeof options, "%s%s", strstr(kept_cases[*which].options, "-1") ? "" : best,
             kept_cases[*which].options);
    keep(&start, here, options);
    run_in(&start);
    cr_expect_str_eq(files_below("out/kept"), kept_cases[*which].files, "%s: %s", kept_cases[*which].options,
                     files_below("out/kept"));
}

Test(folder, keeps_files_of_others) {
    case_enter("ema_adam");
    command("mkdir kept && echo mine >kept/best.safetensors && echo mine >kept/last.safetensors");
    struct start start = {.output = "out"};
    keep(&start, "kept", "filename: best, save_last: true, enable_version_counter: false");
    run_in(&start);
    cr_expect_str_eq(files_below("kept"), "best-v1.safetensors best.safetensors last-v1.safetensors last.safetensors ");
    command("grep -q mine kept/best.safetensors && grep -q mine kept/last.safetensors");
}

/* Two that keep files in one folder do not take each other's, nor after a resume. */
Test(folder, is_shared_by_two_that_keep) {
    case_enter("ema_adam");
    struct error error = {0};
    struct start start = {.output = "out", .overrides = {"trainer.max_epochs=4", "run=[train]"}};
    start_add(&start,
              "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: "
              "'${hydra:runtime.output_dir}/kept', filename: new, save_last: true}, {_target_: "
              "lightning.pytorch.callbacks.ModelCheckpoint, dirpath: '${hydra:runtime.output_dir}/kept', filename: "
              "new, save_last: true, monitor: val0_epoch/weighted_sum}]");
    struct trainer *trainer = case_open(&start);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_epoch(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_save(trainer, "out/two.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    const char *names = "last-v1.safetensors last.safetensors new-v1.safetensors new.safetensors ";
    cr_expect_str_eq(files_below("out/kept"), names);
    start.resume = "out/two.safetensors";
    run_in(&start);
    cr_expect_str_eq(files_below("out/kept"), names);
}

/* A copy has books of its own, and leaves what the original has kept. */
Test(folder, is_copied_with_its_books) {
    case_enter("ema_adam");
    struct start start = {.output = "orig", .overrides = {"run=[train,val]"}};
    keep(&start, here, "monitor: val0_epoch/weighted_sum, filename: 'best-{epoch}', mode: max, save_last: true");
    run_in(&start);
    command("cp -r orig copy && ls orig/kept >before");
    start.output = "copy";
    start.resume = "copy/kept/last.safetensors";
    start_add(&start, "trainer.max_epochs=9");
    start_add(&start, "training_module.optimizer.lr=0.01");
    struct trainer *trainer = case_open(&start);
    cr_expect(!strncmp(callbacks_best(trainer), "copy/kept/best-", 15), "%s", callbacks_best(trainer));
    case_run(trainer);
    trainer_free(trainer);
    command("ls orig/kept | diff - before");
    cr_expect_eq(strlen(files_below("copy/kept")), strlen(files_below("orig/kept")), "%s", files_below("copy/kept"));
    /* to another folder the books do not go along */
    struct heard heard = {0};
    start.output = "new";
    start.heard = &heard;
    trainer = case_open(&start);
    cr_expect_str_eq(callbacks_best(trainer), "");
    cr_expect_gt(heard.notices, 0);
    case_run(trainer);
    trainer_free(trainer);
    command("ls orig/kept | diff - before");
}

/* Books that name what no run could have kept there. */
static const char *const bad_books[] = {"kept 1.0 ../precious\n",
                                        "kept 1.0 /tmp/precious\n",
                                        "kept 1.0 a\nkept 2.0 a\n",
                                        "best a\n",
                                        "kept x a\n",
                                        "kept 1.0 a",
                                        "last a\033b\n",
                                        "gone ../precious\n",
                                        "what is this\n"};
enum { BAD_BOOKS = sizeof bad_books / sizeof *bad_books };

ParameterizedTestParameters(folder, believes_no_books_that_cannot_be) {
    static int indices[BAD_BOOKS];
    for (int k = 0; k < BAD_BOOKS; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, BAD_BOOKS);
}

ParameterizedTest(int *which, folder, believes_no_books_that_cannot_be) {
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    keep(&start, here, "filename: best");
    struct trainer *trainer = case_open(&start);
    struct state *state = trainer_state(trainer);
    const char *text = bad_books[*which];
    for (size_t k = 0; k < state_count(state); k++)
        if (strstr(state_at(state, k)->name, ".books")) {
            cr_assert_eq(state_resize(state, state_at(state, k), strlen(text), &error), 0);
            memcpy(state_at(state, k)->data, text, strlen(text));
        }
    cr_assert_eq(trainer_save(trainer, "bad.safetensors", &error), 0);
    trainer_free(trainer);
    start.resume = "bad.safetensors";
    cr_expect_eq(case_try(&trainer, &start, &error), ERROR_DATA, "%s", error.message);
    cr_expect(strstr(error.message, "books"), "%s", error.message);
}

/* ---------------------------------------------------------------- going on after the end */

static const struct longer {
    const char *first, *then;
} longer[] = {
    {"trainer.max_epochs=2", "trainer.max_epochs=5"},
    {"+trainer.max_steps=3", "+trainer.max_steps=11"},
};

ParameterizedTestParameters(folder, is_gone_on_with_after_the_end) {
    static int all[] = {0, 1};
    return cr_make_param_array(int, all, 2);
}

ParameterizedTest(int *which, folder, is_gone_on_with_after_the_end) {
    const struct longer *c = &longer[*which];
    struct start start = {.output = "whole", .overrides = {"trainer.max_epochs=6", "run=[train]"}};
    case_enter("ema_adam");
    start_add(&start, c->then);
    run_in(&start);
    start = (struct start){.output = "parts", .overrides = {"trainer.max_epochs=6", "run=[train]", c->first}};
    run_in(&start);
    start.resume = "parts/last.safetensors";
    struct heard heard = {0};
    start.heard = &heard;
    command("cp -r parts parts.before");
    struct trainer *trainer = case_open(&start);
    cr_expect(trainer_over(trainer), "nothing is left");
    cr_expect_gt(heard.notices, 0);
    trainer_free(trainer);
    start.overrides[2] = c->then;
    trainer = case_open(&start);
    cr_expect_not(trainer_over(trainer));
    case_run(trainer);
    trainer_free(trainer);
    weights_compare("parts/last.safetensors", "whole/last.safetensors", 0);
    if (*which == 0) { /* a limit of steps has a row of its own for the epoch that it cut */
        files_equal("parts/metrics.csv", "whole/metrics.csv");
        files_equal("parts/last.safetensors", "whole/last.safetensors");
    }
}

/* At the prompt, and again from the audit log. */
Test(folder, is_gone_on_with_by_setting_a_limit) {
    case_enter("ema_adam");
    struct error error = {0};
    struct start start = {.output = "whole", .overrides = {"trainer.max_epochs=5"}};
    run_in(&start);
    start = (struct start){.output = "set", .overrides = {"trainer.max_epochs=2"}};
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    const char *words[] = {"set", "max_epochs", "5"}, *wrong[] = {"set", "max_epochs", "2.5"};
    cr_expect_eq(trainer_change(trainer, 3, wrong, NULL, &error), ERROR_VALUE);
    cr_expect(trainer_done(trainer));
    memset(&error, 0, sizeof error);
    cr_assert_eq(trainer_change(trainer, 3, words, NULL, &error), 0, "%s", error.message);
    cr_expect_not(trainer_done(trainer));
    case_run(trainer);
    trainer_free(trainer);
    files_equal("set/metrics.csv", "whole/metrics.csv");
    weights_compare("set/last.safetensors", "whole/last.safetensors", 0);
    start.output = "again";
    start.replay = "set/audit.log";
    run_in(&start);
    files_equal("again/metrics.csv", "whole/metrics.csv");
}

/* ---------------------------------------------------------------- metrics that are watched */

Test(folder, a_metric_that_is_missing_ends_no_run) {
    case_enter("base_accumulate_cosine");
    struct heard heard = {0};
    struct start start = {.output = "out", .heard = &heard};
    start_add(&start, "trainer.max_epochs=3");
    start_add(&start, "++trainer.check_val_every_n_epoch=2");
    start_add(&start, "~training_module.lr_scheduler");
    start_add(&start, "+training_module.lr_scheduler={scheduler: {_target_: "
                      "torch.optim.lr_scheduler.ReduceLROnPlateau}, monitor: val0_epoch/weighted_sum, interval: epoch, "
                      "frequency: 1}");
    run_in(&start);
    cr_expect_gt(heard.notices, 0);
}

/* Frames of another run are put aside. */
Test(folder, frames_of_two_runs_are_never_mixed) {
    case_enter("ema_adam");
    struct start start = {.output = "out"};
    start_add(&start, "trainer.callbacks=[{_target_: nequip.train.callbacks.ValTimeXYZFileWriter, out_file: "
                      "'${hydra:runtime.output_dir}/frames'}]");
    run_in(&start);
    command("mkdir other && cp out/frames_dataset0.xyz other && cp out/frames_dataset0.xyz wanted");
    start.output = "other";
    run_in(&start);
    files_equal("other/frames_dataset0.xyz", "wanted");
    files_equal("other/frames_dataset0.xyz.1", "wanted");
}
