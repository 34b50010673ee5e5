/* What `run` has after `train` evaluates the best checkpoint of the first ModelCheckpoint; where there is none, the run
 * ends with an error, as with NequIP 0.19.1. */
#include "runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define KEEP "_target_: lightning.pytorch.callbacks.ModelCheckpoint"
#define NEWEST "val0_epoch/weighted_sum"

/* overrides of a case that keeps checkpoints, and evaluates after training */
static const struct none {
    const char *overrides[3], *word;
} nones[] = {
    {{"++trainer.enable_checkpointing=false", "trainer.callbacks=[]"}, "enable_checkpointing"},
    {{"+trainer.fast_dev_run=true", "trainer.callbacks=[{" KEEP "}]"}, "fast_dev_run"},
    {{"trainer.callbacks=[{" KEEP ", save_top_k: 0, save_last: true}]"}, "save_top_k"},
    {{"trainer.callbacks=[{" KEEP ", save_top_k: 0}, {" KEEP ", monitor: " NEWEST "}]"}, "callbacks.0"},
    {{"trainer.callbacks=[{" KEEP ", every_n_epochs: 0}]"}, "every_n_epochs"},
    {{"trainer.callbacks=[{" KEEP ", every_n_epochs: 5}]"}, "5 epochs apart, and the run has 4"},
    {{"trainer.callbacks=[{" KEEP ", every_n_train_steps: 13}]"}, "13 steps apart, and the run has 12"},
    {{"trainer.callbacks=[{" KEEP ", every_n_epochs: 2}]", "+trainer.check_val_every_n_epoch=3"}, "6 epochs apart"},
    {{"trainer.callbacks=[]", "+trainer.check_val_every_n_epoch=5", "~training_module.lr_scheduler"}, "5 epochs apart"},
    {{"trainer.callbacks=[]", "trainer.max_epochs=0"}, "has 0"},
    {{"trainer.callbacks=[]", "+trainer.max_steps=0"}, "has 0"},
    {{"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.OnExceptionCheckpoint, dirpath: oe}]"}, "callbacks.0"},
};
enum { NONES = sizeof nones / sizeof *nones };

static struct start start_of(const struct none *none, const char *run) {
    struct start start = {.output = "out"};
    start_add(&start, "++trainer.enable_checkpointing=true");
    for (int k = 0; k < 3 && none->overrides[k]; k++)
        start_add(&start, none->overrides[k]);
    start_add(&start, run);
    return start;
}

Test(best, a_run_that_cannot_have_one_is_refused_before_it_trains) {
    case_enter("ema_adam");
    for (int k = 0; k < NONES; k++) {
        struct trainer *trainer = NULL;
        struct error error = {0};
        struct start start = start_of(&nones[k], "run=[val,train,val]");
        cr_expect_eq(case_try(&trainer, &start, &error), ERROR_VALUE, "%d: %s", k, error.message);
        cr_expect(strstr(error.message, nones[k].word), "%d: '%s' lacks '%s'", k, error.message, nones[k].word);
        cr_expect_null(trainer);
        cr_expect_not(file_exists("out/metrics.csv"));
    }
}

Test(best, nothing_is_asked_for_where_nothing_follows) {
    case_enter("ema_adam");
    for (int k = 0; k < NONES; k++) {
        struct start start = start_of(&nones[k], "run=[val,train]");
        start.force = 1;
        trainer_free(case_open(&start));
    }
}

/* The checkpoint of the end is there by then. */
Test(best, a_run_that_has_kept_none_ends_with_an_error) {
    case_enter("ema_adam");
    struct start start = {.output = "out", .overrides = {"run=[train,val]"}};
    start_add(&start, "trainer.callbacks=[{" KEEP ", train_time_interval: {_target_: datetime.timedelta, hours: 9}}, "
                      "{" KEEP ", monitor: " NEWEST ", dirpath: second}]");
    struct trainer *trainer = case_open(&start);
    struct error error = {0};
    cr_expect_eq(trainer_run(trainer, NULL, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "out/last.safetensors"), "%s", error.message);
    trainer_free(trainer);

    start = (struct start){.output = "again", .init = "out/last.safetensors", .overrides = {"run=[val]"}};
    trainer = case_open(&start);
    case_run(trainer);
    trainer_free(trainer);
}

/* Without a callback that writes checkpoints Lightning keeps the newest after validations. */
Test(best, the_one_that_nobody_asked_for) {
    double want, got;
    case_enter("ema_adam");
    struct start start = {.output = "short",
                          .overrides = {"trainer.max_epochs=3", "+trainer.check_val_every_n_epoch=3"}};
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    cr_assert(trainer_metric(trainer, NEWEST, &want));
    trainer_free(trainer);
    cr_expect_not(file_exists("short/checkpoints"));

    start = (struct start){.output = "out", .overrides = {"run=[train,val]", "+trainer.check_val_every_n_epoch=3"}};
    start_add(&start, "trainer.callbacks=[]");
    trainer = case_open(&start);
    case_run(trainer);
    cr_assert(trainer_metric(trainer, NEWEST, &got));
    trainer_free(trainer);
    cr_expect_eq(got, want);
    cr_expect_str_eq(files_below("out/checkpoints"), "epoch=2-step=9.safetensors ");
}
