/* Every technique against every other: that it is decided whether two go together, that a run can go over from each
 * training module to each other one between any two batches, that a validation which fails leaves nothing behind. */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/composition.h"
#include "train/technique/technique.h"
#include "train/run/trainer.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static int change(struct trainer *trainer, int count, const char *const *words, struct error *error) {
    return trainer_change(trainer, count, words, NULL, error);
}

static int set(struct trainer *trainer, const char *name, const char *value, struct error *error) {
    return change(trainer, 3, (const char *const[]){"set", name, value}, error);
}

static double value(const struct trainer *trainer, const char *name) {
    struct error error = {0};
    double out = NAN;
    cr_assert_eq(trainer_get(trainer, name, &out, &error), 0, "%s", error.message);
    return out;
}

/* ---------------------------------------------------------------- pairs */

static int has_layer(const struct composition_kind *kind, const char *name) {
    for (int l = 0; l < MAX_LAYERS && kind->layers[l]; l++)
        if (!strcmp(kind->layers[l]->name, name))
            return 1;
    return 0;
}

static int stand_together(const struct composition_kind *const *kinds, size_t count, const char *a, const char *b) {
    for (size_t k = 0; k < count; k++)
        if (has_layer(kinds[k], a) && has_layer(kinds[k], b) && !kinds[k]->layers[3]) /* the base and these two */
            return 1;
    return 0;
}

Test(swaps, of_any_two_techniques_it_is_said_whether_they_go_together) {
    const char *names[64];
    int count = 0;
    for (size_t k = 0; k < composition_kind_count; k++)
        for (int l = 1; l < MAX_LAYERS && composition_kinds[k]->layers[l]; l++) {
            int known = 0;
            for (int j = 0; j < count; j++)
                known |= !strcmp(names[j], composition_kinds[k]->layers[l]->name);
            if (!known)
                names[count++] = composition_kinds[k]->layers[l]->name;
        }
    cr_expect_geq(count, 5);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) {
            int declared = stand_together(composition_kinds, composition_kind_count, names[i], names[j]);
            int refused = stand_together(composition_refused, composition_refused_count, names[i], names[j]);
            cr_expect(declared != refused, "%s and %s: declared %d, refused %d", names[i], names[j], declared, refused);
        }
}

/* ---------------------------------------------------------------- from each to each */

/* What optimizer a training module wants. */
static const char *optimizer_of(const struct composition_kind *kind) {
    return has_layer(kind, "schedulefree") ? "optimizer={_target_: schedulefree.AdamWScheduleFree, lr: 0.002}"
           : has_layer(kind, "mconfig")    ? "optimizer={_target_: torch.optim.SGD, lr: 0.002}"
                                           : "optimizer={_target_: torch.optim.Adam, lr: 0.002}";
}

static void swap_to(struct trainer *trainer, size_t kind) {
    const char *const words[] = {"strategy", composition_kinds[kind]->target.alias,
                                 optimizer_of(composition_kinds[kind])};
    struct error error = {0};
    cr_assert_eq(change(trainer, 3, words, &error), 0, "%s: %s", words[1], error.message);
    cr_expect_str_eq(trainer_strategy(trainer), composition_kinds[kind]->target.target);
}

static const struct start long_run = {
    .overrides = {"trainer.max_epochs=60", "data.train_dataloader.batch_size=2", "data.train_dataloader.shuffle=true"}};

ParameterizedTestParameters(swaps, between_any_two_at_any_batch) {
    static int threads[] = {1, 2};
    return cr_make_param_array(int, threads, 2);
}

ParameterizedTest(int *threads, swaps, between_any_two_at_any_batch) {
    size_t n = composition_kind_count, lines = 0;
    double loss, first = 0;
    case_enter("ema_adam");
    struct start start = long_run;
    start.threads = *threads;
    start.output = "by hand";
    struct trainer *trainer = case_open(&start);
    /* i to j and back, for all of them */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            for (int back = 0; back < 2; back++) {
                swap_to(trainer, back ? i : j);
                case_steps(trainer, 1);
                cr_assert(trainer_metric(trainer, "train_loss_step/weighted_sum", &loss));
                first = first > 0 ? first : loss;
                cr_assert(isfinite(loss) && loss < 10 * first, "%zu, %zu: %g", i, j, loss);
                lines++;
            }
    cr_assert_eq(trainer_done(trainer), 0, "the run is too short");
    for (const char *at = trainer_audit(trainer); *at; at++)
        lines -= *at == '\n';
    cr_expect_eq(lines, 0, "one line each");
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    start.output = "again";
    start.replay = "by hand/audit.log";
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "the log makes another run");
    trainer_free(trainer);
    files_equal("by hand/metrics.csv", "again/metrics.csv");
    files_equal("by hand/last.safetensors", "again/last.safetensors");
}

/* ---------------------------------------------------------------- a validation that fails */

ParameterizedTestParameters(swaps, a_validation_that_fails_leaves_nothing_behind) {
    static int kinds[32];
    for (int k = 0; k < (int)composition_kind_count; k++)
        kinds[k] = k;
    return cr_make_param_array(int, kinds, composition_kind_count);
}

/* Predictions of the validation go to a folder that is a file when they are written. */
ParameterizedTest(int *kind, swaps, a_validation_that_fails_leaves_nothing_behind) {
    static const char *const outputs[] = {"undisturbed", "disturbed"};
    uint64_t ends[2];
    case_enter("ema_adam");
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        struct start start = {.output = outputs[disturbed],
                              .overrides = {"trainer.max_epochs=3",
                                            "++trainer.callbacks.1={_target_: "
                                            "nequip.train.callbacks.ValTimeXYZFileWriter, out_file: predictions/now}"}};
        struct trainer *trainer = case_open(&start);
        struct error error = {0};
        int failures = 0;
        swap_to(trainer, (size_t)*kind);
        while (disturbed && failures < 3) {
            if (!access("predictions/.", F_OK))
                cr_assert_eq(rename("predictions", "aside"), 0);
            fclose(fopen("predictions", "w"));
            int code = trainer_step(trainer, &error);
            if (!code)
                continue;
            uint64_t before = state_hash(trainer_state(trainer));
            cr_expect_eq(code, ERROR_IO, "%s", error.message);
            case_validation(trainer, 0, "val0_epoch/weighted_sum"); /* aside: no callback is told */
            cr_expect_eq(state_hash(trainer_state(trainer)), before);
            cr_expect_neq(trainer_step(trainer, &error), 0);
            cr_expect_eq(state_hash(trainer_state(trainer)), before);
            unlink("predictions");
            rename("aside", "predictions");
            case_steps(trainer, 1); /* which makes the folder where there is none */
            failures++;
        }
        unlink("predictions");
        case_run(trainer);
        ends[disturbed] = state_hash(trainer_state(trainer));
        trainer_free(trainer);
        unlink("predictions/now_dataset0.xyz");
    }
    cr_expect_eq(ends[1], ends[0]);
    files_equal("disturbed/metrics.csv", "undisturbed/metrics.csv");
}

/* ---------------------------------------------------------------- settings that would do harm, or nothing */

Test(swaps, coefficients_that_cannot_be_normalised_are_refused) {
    static const char *const values[] = {"-1", "-1e300", "inf", "1e308"};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    case_steps(trainer, 1);
    cr_assert_eq(set(trainer, "loss.per_atom_energy_mse", "1", &error), 0, "%s", error.message);
    uint64_t before = state_hash(trainer_state(trainer));
    for (size_t k = 0; k < 3; k++) {
        cr_expect_neq(set(trainer, "loss.forces_mse", values[k], &error), 0, "%s", values[k]);
        cr_expect_eq(state_hash(trainer_state(trainer)), before, "%s", values[k]);
    }
    cr_expect_eq(set(trainer, "loss.forces_mse", values[3], &error), 0, "%s", error.message);
    case_steps(trainer, 1);
    trainer_free(trainer);
}

Test(swaps, a_setting_whose_layer_has_lost_its_claim_cannot_be_set) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    cr_assert_eq(set(trainer, "gradient_clip_val", "2", &error), 0, "%s", error.message);
    for (size_t k = 0; k < composition_kind_count; k++)
        if (has_layer(composition_kinds[k], "adaptive_clip") || has_layer(composition_kinds[k], "mconfig")) {
            swap_to(trainer, k);
            cr_expect(isnan(value(trainer, "gradient_clip_val")));
            error = (struct error){0};
            cr_expect_eq(set(trainer, "gradient_clip_val", "1", &error), ERROR_VALUE);
            cr_expect(strstr(error.message, "'base'") && strstr(error.message, claim_name(CLAIM_CLIP)), "%s",
                      error.message);
        }
    swap_to(trainer, 0);
    cr_expect_eq(value(trainer, "gradient_clip_val"), 2);
    trainer_free(trainer);
}

Test(swaps, what_optimizer_and_scheduler_are_at_has_names) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    case_steps(trainer, 4);
    cr_expect_eq(value(trainer, "optimizer.step"), 4);
    cr_expect_gt(value(trainer, "optimizer.exp_avg"), 0);
    cr_expect_gt(value(trainer, "optimizer.exp_avg_sq"), 0);
    cr_expect_geq(value(trainer, "scheduler.num_bad_epochs"), 0);
    cr_expect_eq(set(trainer, "scheduler.num_bad_epochs", "1", &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "looked at"), "%s", error.message);
    cr_expect_eq(set(trainer, "optimizer.exp_avg", "1", &error), ERROR_VALUE);
    trainer_free(trainer);
}
