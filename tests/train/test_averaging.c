/* Averages that Lightning's callbacks keep of the weights: who sees them, what files hold, and that training goes on as
 * if there were none.  What becomes of them in numbers is held against NequIP in test_loop.c. */
#include "runs.h"

#include <stdio.h>

#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/point.h"

#define EMA "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.5}]"
#define PLAIN "training_module._target_=nequip.train.NequIPLightningModule", "~training_module.ema_decay"
static const char metric[] = "val0_epoch/weighted_sum";

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

static int change(struct trainer *trainer, const char *a, const char *b, struct error *error) {
    return trainer_change(trainer, 2, (const char *const[]){a, b}, NULL, error);
}

Test(averaging, training_goes_on_as_without_it) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {PLAIN}});
    case_steps(trainer, 5);
    double plain = case_validation(trainer, 1, metric);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.overrides = {PLAIN, EMA}});
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_AVERAGED);
    case_steps(trainer, 5);
    cr_expect_eq(case_validation(trainer, 1, metric), plain);
    cr_expect_neq(case_validation(trainer, 0, metric), plain);
    trainer_free(trainer);
}

Test(averaging, files_hold_it_as_the_weights) {
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {PLAIN, EMA}});
    case_steps(trainer, 5);
    double averaged = case_validation(trainer, 0, metric), raw = case_validation(trainer, 1, metric);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.init = "saved.safetensors", .overrides = {PLAIN}});
    cr_expect_eq(case_validation(trainer, 0, metric), averaged);
    trainer_free(trainer);

    /* who goes on without the callback goes on with the weights of training */
    trainer = case_open(&(struct start){.output = "out", .resume = "saved.safetensors", .overrides = {PLAIN}});
    cr_expect_eq(case_validation(trainer, 0, metric), raw);
    trainer_free(trainer);
}

/* The callback comes with the resume: it begins with the weights of then. */
Test(averaging, begins_where_the_run_is) {
    struct error error = {0};
    struct heard heard = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {PLAIN}});
    case_steps(trainer, 5);
    double raw = case_validation(trainer, 0, metric);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    trainer = case_open(
        &(struct start){.output = "out", .resume = "saved.safetensors", .heard = &heard, .overrides = {PLAIN, EMA}});
    cr_expect(strstr(heard.notices_said, "EMAWeightAveraging begins anew"), "%s", heard.notices_said);
    cr_expect_eq(case_validation(trainer, 0, metric), raw);
    case_steps(trainer, 2);
    cr_expect_neq(case_validation(trainer, 0, metric), case_validation(trainer, 1, metric));
    trainer_free(trainer);
}

/* A run that has ended and is given more epochs is the run that had them from the beginning. */
Test(averaging, an_end_that_is_put_off_leaves_no_trace) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "whole", .overrides = {EMA}});
    case_run(trainer);
    uint64_t want = hash(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .overrides = {EMA, "trainer.max_epochs=2"}});
    case_run(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .resume = "parts/last.safetensors", .overrides = {EMA}});
    case_run(trainer);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    files_equal("parts/metrics.csv", "whole/metrics.csv");
}

ParameterizedTestParameters(averaging, back_and_forth_to_the_bit) {
    static int threads[] = {1, 2};
    return cr_make_param_array(int, threads, 2);
}

ParameterizedTest(int *threads, averaging, back_and_forth_to_the_bit) {
    struct error error = {0};
    struct trainer_point *point;
    uint64_t hashes[12];
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .output = "out",
        .threads = *threads,
        .overrides = {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.5, "
                      "update_every_n_steps: 2, update_starting_at_epoch: 0}]"}});
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0, "%s", error.message);
    for (int k = 0; k < 12; k++) {
        case_steps(trainer, 1);
        hashes[k] = hash(trainer);
    }
    static const int targets[] = {7, 3, 12, 1, 6};
    for (int k = 0; k < 5; k++) {
        cr_assert_eq(trainer_point_return(trainer, point, targets[k], &error), 0, "%s", error.message);
        cr_expect_eq(hash(trainer), hashes[targets[k] - 1], "batch %d", targets[k]);
    }
    trainer_point_free(point);
    trainer_free(trainer);
}

/* All averages of what is drawn anew are drawn anew: that of the training module too, and the average of it. */
Test(averaging, weights_that_are_drawn_anew_have_no_past) {
    static const char *const names[] = {"callback.ema_weight_averaging.0.weights.f64",
                                        "callback.ema_weight_averaging.0.average.f64", "ema.weights.f64",
                                        "callback.swa.0.weights.f64"};
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .overrides = {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.5}, "
                      "{_target_: lightning.pytorch.callbacks.StochasticWeightAveraging, swa_lrs: 0.1, "
                      "swa_epoch_start: 1}]"}});
    case_steps(trainer, 5);
    const struct state *state = trainer_state(trainer);
    cr_assert_eq(change(trainer, "reinit", "*", &error), 0, "%s", error.message);
    const struct variable *weights = state_find(state, "model.f64");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const struct variable *average = state_find(state, names[k]);
        cr_assert_not_null(average, "%s", names[k]);
        cr_expect_not(memcmp(average->data, weights->data, average->count * sizeof(double)), "%s", names[k]);
    }
    trainer_free(trainer);
}

Test(averaging, training_modules_that_do_not_go_with_it_are_refused) {
    struct error error = {0};
    struct trainer *trainer;
    case_enter("ema_adam");
    trainer = case_open(&(struct start){.overrides = {EMA}});
    case_steps(trainer, 1);
    uint64_t before = hash(trainer);
    cr_expect_neq(change(trainer, "strategy", "base", &error), 0);
    cr_expect(strstr(error.message, "cannot come or go"), "%s", error.message);
    cr_expect_eq(hash(trainer), before);
    error = (struct error){0};
    cr_assert_eq(change(trainer, "strategy", "ema", &error), 0, "%s", error.message);
    case_steps(trainer, 1);
    trainer_free(trainer);

    case_enter("schedulefree_adamw");
    cr_assert_neq(case_check(&(struct start){.overrides = {EMA}}, &error), 0);
    cr_expect(strstr(error.message, "'schedulefree'"), "%s", error.message);
    cr_expect(strstr(error.message, "which weights evaluation sees"), "%s", error.message);
}

Test(averaging, what_a_test_sees_is_told) {
    struct heard heard = {0};
    case_enter("callbacks");
    cr_assert_eq(rename("averaged_by_steps_and_epochs.yaml", "config.yaml"), 0);
    trainer_free(case_open(&(struct start){.output = "out", .heard = &heard}));
    cr_expect(strstr(heard.notices_said, "the test takes the weights of training"), "%s", heard.notices_said);
}

Test(averaging, what_it_never_took_up_is_told) {
    struct heard heard = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(
        &(struct start){.output = "out",
                        .heard = &heard,
                        .overrides = {"trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, "
                                      "update_starting_at_step: 100}]",
                                      "trainer.max_epochs=1"}});
    case_run(trainer);
    trainer_free(trainer);
    cr_expect(strstr(heard.notices_said, "has taken up no weights"), "%s", heard.notices_said);
}

/* What a checkpoint says is looked at: steps that there were not. */
Test(averaging, a_state_that_cannot_be_is_refused) {
    struct error error = {0};
    struct trainer *trainer;
    case_enter("ema_adam");
    trainer = case_open(&(struct start){.overrides = {EMA}});
    case_steps(trainer, 2);
    *(int64_t *)state_find(trainer_state(trainer), "callback.ema_weight_averaging.0.step")->data = 3;
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    cr_assert_neq(
        case_try(&trainer, &(struct start){.output = "out", .resume = "saved.safetensors", .overrides = {EMA}}, &error),
        0);
    cr_expect(strstr(error.message, "averaging.0.step"), "%s", error.message);
}
