/* Going back in time, to the bit; and batches that make what is not finite. */
#include "runs.h"

#include <math.h>
#include <unistd.h>

#include "train/run/callback.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/composition.h"
#include "train/run/norms.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

static void change(struct trainer *trainer, const char *a, const char *b, const char *c) {
    struct error error = {0};
    const char *words[] = {a, b, c};
    cr_assert_eq(trainer_change(trainer, c ? 3 : 2, words, NULL, &error), 0, "%s", error.message);
}

ParameterizedTestParameters(point, back_and_forth_to_the_bit) {
    static int cases[4 * 64];
    for (size_t k = 0; k < 4 * composition_kind_count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, 4 * composition_kind_count);
}

/* Each composition in float32 and float64, with one thread and two. */
ParameterizedTest(int *index, point, back_and_forth_to_the_bit) {
    struct start start = {.output = "out", .threads = 1 + *index % 2};
    struct error error = {0};
    struct trainer_point *first, *middle;
    uint64_t hashes[12];
    case_enter("ema_adam");
    start_add(&start, *index & 2 ? "training_module.model.model_dtype=float32" : "data.seed=3");
    start_add(&start, "data.train_dataloader.batch_size=3");
    start_add(&start, "data.train_dataloader.shuffle=true");
    start_add_technique(&start, (size_t)*index / 4);
    struct trainer *trainer = case_open(&start);
    cr_assert_eq(trainer_point_new(&first, trainer, &error), 0, "%s", error.message);
    for (int k = 0; k < 12; k++) {
        if (k == 4)
            cr_assert_eq(trainer_point_new(&middle, trainer, &error), 0, "%s", error.message);
        case_steps(trainer, 1);
        hashes[k] = hash(trainer);
    }
    cr_assert_eq(access("out/metrics.csv", F_OK), 0);
    static const int targets[] = {12, 7, 4, 9, 1, 12};
    for (int k = 0; k < 6; k++) {
        int64_t to = targets[k];
        cr_assert_eq(trainer_point_return(trainer, to >= 4 ? middle : first, to, &error), 0, "%s", error.message);
        cr_expect_eq(hash(trainer), hashes[to - 1], "batch %d", (int)to);
        cr_expect_eq(trainer_accepted(trainer), to);
    }
    cr_assert_eq(trainer_point_return(trainer, middle, 6, &error), 0, "%s", error.message);
    case_steps(trainer, 6);
    cr_expect_eq(hash(trainer), hashes[11], "on from there");
    cr_expect_neq(trainer_point_return(trainer, middle, 2, &error), 0, "before the point");
    cr_expect_eq(hash(trainer), hashes[11]);
    trainer_point_free(first);
    trainer_point_free(middle);
    trainer_free(trainer);
}

/* A gradient, or a step, of a batch that is to come is nothing that could be looked at. */
Test(point, what_is_looked_at_is_not_of_later_batches) {
    struct error error = {0};
    struct trainer_point *point;
    struct trainer_norms now, again;
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    case_steps(trainer, 3);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0);
    case_steps(trainer, 1);
    trainer_norms(trainer, "", NORM_ALL, &now);
    case_steps(trainer, 1);
    cr_assert_eq(trainer_point_return(trainer, point, 3, &error), 0, "%s", error.message);
    trainer_norms(trainer, "", NORM_ALL, &again);
    cr_expect_eq(again.gradient, 0);
    cr_expect_eq(again.update, 0);
    cr_assert_eq(trainer_point_return(trainer, point, 4, &error), 0, "%s", error.message);
    trainer_norms(trainer, "", NORM_ALL, &again);
    cr_expect_eq(again.gradient, now.gradient);
    cr_expect_eq(again.update, now.update);
    trainer_point_free(point);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- all kinds of state at once */

/* Changes that are made before these batches. */
static const struct {
    int64_t before;
    const char *words[3];
} on_the_way[] = {{3, {"set", "batch_size", "2"}}, {5, {"freeze", "edge_mlp"}}, {8, {"set", "lr", "0.004"}}};

/* One batch on, with the changes that come before it; 0 at the end of the run. */
static int go_on(struct trainer *trainer) {
    for (int k = 0; k < 3; k++)
        if (trainer_accepted(trainer) == on_the_way[k].before)
            change(trainer, on_the_way[k].words[0], on_the_way[k].words[1], on_the_way[k].words[2]);
    case_steps(trainer, 1);
    return !trainer_done(trainer);
}

/* The path of the best checkpoint, as ModelCheckpoint's state has it. */
ParameterizedTestParameters(point, everything_comes_back) {
    static int cases[2 * 64];
    for (size_t k = 0; k < 2 * composition_kind_count; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, 2 * composition_kind_count);
}

/* Shuffled frames, a batch size that changes, frozen parameters, groups of parameters, a plateau scheduler, early
 * stopping, the best checkpoints, a schedule of loss coefficients: over every composition in float32 and float64. */
ParameterizedTest(int *index, point, everything_comes_back) {
    enum { MOST = 64 };
    struct start start = {.output = "out"};
    struct error error = {0};
    struct trainer_point *first, *middle = NULL;
    uint64_t hashes[MOST] = {0};
    int n = 0;
    case_enter("ema_adam");
    start_add(&start, *index % 2 ? "training_module.model.model_dtype=float32" : "data.seed=3");
    start_add(&start, "data.train_dataloader.batch_size=3");
    start_add(&start, "data.train_dataloader.shuffle=true");
    start_add(&start, "trainer.max_epochs=6");
    if (!strstr(composition_kinds[*index / 2]->target.alias, "schedulefree")) /* which has no groups */
        start_add(&start, "++training_module.optimizer.param_groups={_target_: fettle.train.ParamGroups, groups: "
                          "[{params: layer1_convnet, lr: 0.002}]}");
    start_add(&start,
              "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: "
              "val0_epoch/weighted_sum, patience: 2, min_delta: 0.05}, {_target_: "
              "lightning.pytorch.callbacks.ModelCheckpoint, monitor: val0_epoch/weighted_sum, save_top_k: 2, dirpath: "
              "kept}, {_target_: nequip.train.callbacks.LinearLossCoefficientScheduler, final_coeffs: "
              "{per_atom_energy_mse: 2.0, forces_mse: 1.0}, start_epoch: 1, transition_epochs: 3}]");
    start_add_technique(&start, (size_t)*index / 2);
    struct trainer *trainer = case_open(&start);
    cr_assert_eq(trainer_point_new(&first, trainer, &error), 0, "%s", error.message);
    for (int more = 1; more && n < MOST; n++) {
        if (n == 6)
            cr_assert_eq(trainer_point_new(&middle, trainer, &error), 0, "%s", error.message);
        more = go_on(trainer);
        hashes[n] = hash(trainer);
    }
    cr_assert(trainer_done(trainer) && n > 10, "%d batches", n);
    char *best = strdup(callbacks_best(trainer));
    cr_assert_neq(*best, 0);
    file_copy("out/metrics.csv", "metrics.csv");
    file_copy("out/audit.log", "audit.log");
    file_copy(best, "best.safetensors");
    int64_t targets[] = {0, 7, n - 1, 4};
    for (int k = 0; k < 4; k++) {
        int64_t to = targets[k];
        cr_assert_eq(trainer_point_return(trainer, to >= 6 ? middle : first, to, &error), 0, "%s", error.message);
        if (to)
            cr_expect_eq(hash(trainer), hashes[to - 1], "batch %d of %d", (int)to, n);
        int at = (int)to;
        for (int more = 1; more && at < n; at++) { /* and on again, to the end */
            more = go_on(trainer);
            cr_expect_eq(hash(trainer), hashes[at], "on from batch %d, at %d", (int)to, at);
        }
    }
    cr_expect(trainer_done(trainer));
    cr_expect_str_eq(callbacks_best(trainer), best);
    trainer_point_free(first);
    trainer_point_free(middle);
    trainer_free(trainer);
    files_equal("out/metrics.csv", "metrics.csv");
    files_equal("out/audit.log", "audit.log");
    weights_compare(best, "best.safetensors", 0);
    free(best);
}

/* Back over changes of rate, training module and optimizer, and on again with them. */
Test(point, changes_on_the_way_are_undone_and_made_again) {
    struct error error = {0};
    struct trainer_point *point;
    case_enter("ema_adam");
    struct trainer *trainer = case_open(
        &(struct start){.output = "out", .overrides = {"data.train_dataloader.batch_size=2", "trainer.max_epochs=8"}});
    case_steps(trainer, 2);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0);
    uint64_t start = hash(trainer);
    change(trainer, "set", "lr", "0.003");
    case_steps(trainer, 2);
    change(trainer, "strategy", "ema_config", NULL);
    case_steps(trainer, 2);
    uint64_t middle = hash(trainer);
    change(trainer, "optimizer", "adamw", "weight_decay=0.1");
    change(trainer, "freeze", "edge_mlp", NULL);
    case_steps(trainer, 3);
    uint64_t end = hash(trainer);
    for (int k = 0; k < 2; k++) {
        cr_assert_eq(trainer_point_return(trainer, point, 2, &error), 0, "%s", error.message);
        cr_expect_eq(hash(trainer), start);
        cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.EMALightningModule");
        cr_expect_str_eq(trainer_audit(trainer), "");
        change(trainer, "set", "lr", "0.003");
        case_steps(trainer, 2);
        change(trainer, "strategy", "ema_config", NULL);
        case_steps(trainer, 2);
        cr_expect_eq(hash(trainer), middle);
        change(trainer, "optimizer", "adamw", "weight_decay=0.1");
        change(trainer, "freeze", "edge_mlp", NULL);
        case_steps(trainer, 3);
        cr_expect_eq(hash(trainer), end);
        cr_assert_eq(trainer_point_return(trainer, point, 6, &error), 0, "%s", error.message);
        cr_expect_eq(hash(trainer), middle, "with the changes before it, not those after it");
    }
    trainer_point_free(point);
    trainer_free(trainer);
}

Test(point, metrics_are_cut_back_and_the_rest_is_kept_aside) {
    struct error error = {0};
    struct trainer_point *point;
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "whole"});
    case_run(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "out"});
    case_steps(trainer, 1);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0);
    case_steps(trainer, 4);
    cr_assert_eq(trainer_point_return(trainer, point, 3, &error), 0, "%s", error.message);
    cr_expect_eq(access("out/metrics.csv.cut", F_OK), 0);
    case_run(trainer);
    trainer_point_free(point);
    trainer_free(trainer);
    files_equal("whole/metrics.csv", "out/metrics.csv");
    weights_compare("out/last.safetensors", "whole/last.safetensors", 0);
}

/* ---------------------------------------------------------------- not finite */

/* The next batch fails with words in its message, and leaves the state as it was. */
static void expect_caught(struct trainer *trainer, const char *const *words) {
    struct error error = {0};
    uint64_t before = 0;
    int code = 0;
    for (int k = 0; k < 8 && !code; k++) {
        enum phase phase;
        while (trainer_phase(trainer) != PHASE_LOAD) /* an epoch that was begun stays begun */
            cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
        before = hash(trainer);
        code = trainer_step(trainer, &error);
    }
    cr_assert_eq(code, ERROR_NUMERIC, "%d: %s", code, error.message);
    cr_expect_eq(hash(trainer), before, "as before the batch");
    for (; *words; words++)
        cr_expect(strstr(error.message, *words), "'%s' lacks '%s'", error.message, *words);
}

static struct trainer *watched(const struct start *start) {
    struct trainer *trainer = case_open(start);
    trainer_catch(trainer, 1);
    return trainer;
}

Test(finite, a_label) {
    case_enter("ema_adam");
    struct trainer *trainer = watched(&(struct start){0});
    const struct dataset *data = datamodule_dataset(trainer_data(trainer), ROLE_TRAIN, 0);
    const struct field *forces = frame_field(data->frames[2], "forces");
    forces->values[3 * 4 + 1] = NAN;
    expect_caught(trainer, (const char *[]){"label forces", "atom 4", "frame 2 of train.xyz", NULL});
    forces->values[3 * 4 + 1] = 0;
    case_steps(trainer, 1);
    trainer_free(trainer);
}

Test(finite, a_weight) {
    case_enter("ema_adam");
    struct trainer *trainer = watched(&(struct start){0});
    const struct parameter *p = NULL;
    for (int k = 0; k < model_nparameters(trainer_model(trainer)) && !p; k++)
        if (strstr(model_parameter(trainer_model(trainer), k)->name, "edge_mlp.mlp.2.weight"))
            p = model_parameter(trainer_model(trainer), k);
    struct variable *weights = state_find(trainer_state(trainer), "model.f64");
    ((double *)weights->data)[p->offset + 5] = INFINITY;
    expect_caught(trainer, (const char *[]){p->name, "[5]", NULL});
    trainer_free(trainer);
}

Test(finite, an_absurd_rate) {
    case_enter("ema_adam");
    struct trainer *trainer = watched(&(struct start){.overrides = {"training_module.model.model_dtype=float32"}});
    change(trainer, "set", "lr", "1e39");
    expect_caught(trainer, (const char *[]){"the update makes", "weight", "lr 1e+39", NULL});
    change(trainer, "set", "lr", "0.01");
    case_steps(trainer, 2);
    change(trainer, "set", "lr", "1e30");
    expect_caught(trainer, (const char *[]){"instruction", "is NaN or infinite first", "model.func.", NULL});
    trainer_free(trainer);
}

/* Without it, a NaN goes its way, as in NequIP. */
Test(finite, nothing_is_caught_unasked) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    frame_field(datamodule_dataset(trainer_data(trainer), ROLE_TRAIN, 0)->frames[0], "forces")->values[0] = NAN;
    case_steps(trainer, 1);
    double loss = 0;
    cr_assert(trainer_metric(trainer, "train_loss_step/weighted_sum", &loss));
    cr_expect(isnan(loss));
    cr_expect_eq(error.code, 0);
    trainer_free(trainer);
}
