/* Schedule-free training: NequIP's runs, what evaluation and files see, and what does not go together with it. */
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

static const char *const cases[] = {"schedulefree_adamw", "schedulefree_radam"};

ParameterizedTestParameters(schedulefree, runs_as_in_nequip) {
    static int indices[] = {0, 1, 2, 3};
    return cr_make_param_array(int, indices, 4);
}

ParameterizedTest(int *index, schedulefree, runs_as_in_nequip) {
    case_enter(cases[*index % 2]);
    struct trainer *trainer =
        case_open(&(struct start){.output = "out", .init = "init.safetensors", .threads = 1 + *index / 2});
    case_run(trainer);
    trainer_free(trainer);
    struct table got = table_read("out/metrics.csv"), want = table_read("wanted.csv");
    table_compare(&got, &want, 1e-7);
    table_free(&got);
    table_free(&want);
    weights_compare("out/last.safetensors", "final.safetensors", 1e-7);
}

/* The average stands in the files, so that whoever starts from them evaluates to the same. */
Test(schedulefree, files_hold_what_evaluation_sees) {
    case_enter("schedulefree_adamw");
    struct error error = {0};
    double seen, again, training;
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    step(trainer, 5);
    seen = case_validation(trainer, 0, "val0_epoch/weighted_sum");
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);

    trainer = case_open(&(struct start){.output = NULL, .init = "saved.safetensors"});
    again = case_validation(trainer, 0, "val0_epoch/weighted_sum");
    cr_expect_eq(again, seen, "%.17g, not %.17g", again, seen);
    trainer_free(trainer);

    /* the weights that are trained are others */
    trainer = case_open(&(struct start){.output = NULL, .resume = "saved.safetensors"});
    step(trainer, 1);
    trainer_metric(trainer, "train_loss_step/weighted_sum", &training);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = NULL});
    step(trainer, 6);
    trainer_metric(trainer, "train_loss_step/weighted_sum", &again);
    cr_expect_eq(again, training, "%.17g, not %.17g", again, training);
    trainer_free(trainer);
}

struct resume_case {
    int batches, threads, single;
};

ParameterizedTestParameters(schedulefree, resumed_to_the_bit) {
    static struct resume_case all[] = {{1, 1, 0}, {2, 2, 0}, {3, 1, 1}, {4, 2, 1}, {7, 1, 0}, {9, 2, 0}};
    return cr_make_param_array(struct resume_case, all, sizeof all / sizeof *all);
}

ParameterizedTest(struct resume_case *c, schedulefree, resumed_to_the_bit) {
    struct error error = {0};
    const char *dtype = c->single ? "training_module.model.model_dtype=float32" : NULL;
    case_enter("schedulefree_adamw");
    struct trainer *trainer =
        case_open(&(struct start){.output = "whole", .threads = c->threads, .overrides = {dtype}});
    case_run(trainer);
    uint64_t want = hash(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .threads = c->threads, .overrides = {dtype}});
    step(trainer, c->batches);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    uint64_t saved = hash(trainer);
    step(trainer, 2);
    trainer_free(trainer);
    trainer = case_open(
        &(struct start){.output = "parts", .resume = "saved.safetensors", .threads = c->threads, .overrides = {dtype}});
    cr_expect_eq(hash(trainer), saved, "reading it back");
    case_run(trainer);
    cr_expect_eq(hash(trainer), want);
    trainer_free(trainer);
    weights_compare("parts/last.safetensors", "whole/last.safetensors", 0);
}

Test(schedulefree, a_batch_given_up_leaves_nothing_behind) {
    case_enter("schedulefree_adamw");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    struct error error = {0};
    enum phase phase;
    step(trainer, 2);
    uint64_t before = hash(trainer);
    for (int stop = PHASE_LOAD; stop < PHASE_LOG; stop++) {
        do
            cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        while ((int)phase != stop);
        trainer_abandon(trainer);
        cr_expect_eq(hash(trainer), before, "after %s", phase_name((enum phase)stop));
    }
    trainer_free(trainer);
}

/* Evaluation computes the average aside: however often somebody looks, training goes on from the same bits. */
Test(schedulefree, looking_changes_nothing) {
    case_enter("schedulefree_adamw");
    struct trainer *trainer = case_open(&(struct start){.output = NULL});
    step(trainer, 4);
    uint64_t before = hash(trainer);
    for (int k = 0; k < 3; k++)
        case_validation(trainer, 0, "val0_epoch/weighted_sum");
    cr_expect_eq(hash(trainer), before);
    trainer_free(trainer);
}

#define SGD "training_module.optimizer._target_=schedulefree.SGDScheduleFree"
#define RADAM "training_module.optimizer._target_=schedulefree.RAdamScheduleFree"

static const struct {
    const char *overrides[4], *message;
} wrong[] = {
    {{"training_module.optimizer._target_=torch.optim.Adam"}, "must be schedulefree.AdamWScheduleFree"},
    {{"training_module._target_=nequip.train.NequIPLightningModule"}, "works under the layer 'schedulefree' only"},
    {{"training_module._target_=nequip.train.EMALightningModule"}, "works under the layer 'schedulefree' only"},
    {{"training_module.optimizer._target_=schedulefree.AdamWSchedulFree"}, "schedulefree.AdamWScheduleFree"},
    {{SGD, "~training_module.optimizer.warmup_steps", "+training_module.optimizer.momentum=1.0"}, "between 0 and 1"},
    {{SGD, "+training_module.optimizer.betas=[0.9,0.99]"}, "betas"},
    {{RADAM, "~training_module.optimizer.warmup_steps", "+training_module.optimizer.betas=[0.0,0.99]"},
     "between 0 and 1"},
    {{RADAM}, "warmup_steps"},
    {{"training_module.optimizer.warmup_steps=-1"}, "warmup_steps"},
    {{"training_module._target_=nequip.train.EMAScheduleFreeLightningModule"}, "which weights evaluation sees"},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

ParameterizedTestParameters(schedulefree, says_what_is_wrong) {
    static int indices[WRONG];
    for (int k = 0; k < WRONG; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, WRONG);
}

ParameterizedTest(int *index, schedulefree, says_what_is_wrong) {
    struct start start = {0};
    struct error error = {0};
    memcpy(start.overrides, wrong[*index].overrides, sizeof wrong[*index].overrides);
    case_enter("schedulefree_adamw");
    cr_expect_neq(case_check(&start, &error), 0);
    cr_expect(strstr(error.message, wrong[*index].message), "%s", error.message);
    struct trainer *trainer;
    cr_expect_neq(case_try(&trainer, &start, &(struct error){0}), 0);
    cr_expect_null(trainer);
}

/* Conflict-free gradients for a schedule-free optimizer: with one term it is the schedule-free run itself. */
Test(schedulefree, composed_with_config) {
    case_enter("schedulefree_adamw");
    struct trainer *trainer = case_open(&(struct start){
        .output = "out", .overrides = {"training_module._target_=fettle.train.ConFIGScheduleFreeLightningModule"}});
    double first, last;
    step(trainer, 1);
    trainer_metric(trainer, "train_loss_step/weighted_sum", &first);
    case_run(trainer);
    trainer_metric(trainer, "train_loss_step/weighted_sum", &last);
    cr_expect(isfinite(last) && last < first, "%g after %g", last, first);
    trainer_free(trainer);

    const char *one = "training_module.loss.coeffs.total_energy=null";
    trainer = case_open(&(struct start){.output = "one", .overrides = {one}});
    case_run(trainer);
    trainer_free(trainer);
    trainer = case_open(
        &(struct start){.output = "composed",
                        .overrides = {one, "training_module._target_=fettle.train.ConFIGScheduleFreeLightningModule"}});
    case_run(trainer);
    trainer_free(trainer);
    weights_compare("composed/last.safetensors", "one/last.safetensors", 1e-12);
}
