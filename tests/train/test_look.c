/* Single frames and parameters, looked at. */
#include "runs.h"
#include "graph/run/program_look.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/inspect.h"
#include "train/run/look.h"
#include "train/run/norms.h"
#include "train/run/trainer.h"

#include <math.h>

/* With a rate of 0 each batch of one frame has the loss that the frame has by itself. */
Test(look, frames_have_the_loss_of_their_batches) {
    case_enter("ema_adam");
    struct trainer *trainer =
        case_open(&(struct start){.overrides = {"data.train_dataloader.batch_size=1", "training_module.optimizer.lr=0",
                                                "~training_module.lr_scheduler"}});
    struct trainer_frame *frames;
    struct error error = {0};
    size_t count;
    uint64_t before = state_hash(trainer_state(trainer));
    cr_assert_eq(trainer_frames(trainer, ROLE_TRAIN, 0, &frames, &count, &error), 0, "%s", error.message);
    cr_expect_eq(state_hash(trainer_state(trainer)), before, "looking changes nothing");
    cr_assert_eq(count, (size_t)trainer_batches(trainer));
    for (size_t k = 0; k < count; k++) {
        double loss = 0, part = 0, coefficient = 0;
        case_steps(trainer, 1);
        trainer_metric(trainer, "train_loss_step/weighted_sum", &loss);
        cr_expect(fabs(loss - frames[k].loss) < 1e-12 * loss, "frame %zu: %.15g, %.15g", k, frames[k].loss, loss);
        for (size_t t = 0; t < trainer_terms(trainer); t++) {
            char name[128];
            snprintf(name, sizeof name, "train_loss_step/%s", trainer_term_name(trainer, t));
            cr_assert(trainer_metric(trainer, name, &part));
            snprintf(name, sizeof name, "loss.%s", trainer_term_name(trainer, t));
            trainer_get(trainer, name, &coefficient, &error);
            cr_expect(fabs(coefficient * part - frames[k].terms[t]) < 1e-12 * loss);
        }
        cr_expect(frames[k].worst_atom >= 0 && frames[k].worst_atom < frames[k].frame->atoms);
        cr_expect(frames[k].worst_error >= frames[k].forces_rmse);
    }
    free(frames);
    cr_expect_eq(trainer_frames(trainer, ROLE_TEST, 0, &frames, &count, &error), ERROR_STATE);
    trainer_free(trainer);
}

Test(look, norms_of_parameters) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    const struct model *model = trainer_model(trainer);
    const struct variable *weights = state_find(trainer_state(trainer), "model.f64");
    double *before = malloc(weights->count * sizeof(double)), gradients = 0, all = 0;
    struct error error = {0};
    case_steps(trainer, 2);
    memcpy(before, weights->data, weights->count * sizeof(double));
    case_steps(trainer, 1);
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        struct trainer_norms look;
        double moved = 0, norm = 0, *values;
        if (p->is_buffer || p->dtype != F64)
            continue;
        trainer_parameter(trainer, k, &look);
        cr_assert_eq(trainer_values(trainer, k, 0, &values), p->numel);
        for (size_t j = 0; j < p->numel; j++) {
            moved += pow(values[j] - before[p->offset + j], 2);
            norm += values[j] * values[j];
        }
        cr_expect(fabs(look.norm - sqrt(norm)) < 1e-12 * look.norm);
        cr_expect(fabs(look.update - sqrt(moved)) < 1e-12 * look.update && look.update > 0, "%s", p->name);
        gradients += look.gradient * look.gradient;
        free(values);
    }
    trainer_get(trainer, "gradient_norm", &all, &error);
    cr_expect(fabs(sqrt(gradients) - all) < 1e-10 * all);
    free(before);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- norms by name */

static int near(double got, double want) {
    return fabs(got - want) <= 1e-12 * fabs(want);
}

static double value_of(const struct trainer *trainer, const char *name) {
    struct error error = {0};
    double value = NAN;
    cr_expect_eq(trainer_get(trainer, name, &value, &error), 0, "%s: %s", name, error.message);
    return value;
}

static void count_name(void *context, const char *name) {
    int *count = context;
    cr_expect(!strncmp(name, "norm.", 5) || !strncmp(name, "grad.", 5) || !strncmp(name, "update.", 7));
    ++*count;
}

Test(look, norms_of_modules_are_those_of_their_parameters) {
    case_enter("ema_config_adamw");
    struct trainer *trainer = case_open(&(struct start){0});
    const struct model *model = trainer_model(trainer);
    struct error error = {0};
    double sum = 0, gradient = 0, update = 0, value;
    int names = 0;
    case_steps(trainer, 3);
    for (int k = 0; k < model_nparameters(model); k++) {
        struct trainer_norms norms;
        if (!strstr(model_parameter(model, k)->name, ".layer0_convnet.") || model_parameter(model, k)->is_buffer)
            continue;
        trainer_parameter(trainer, k, &norms);
        sum += norms.norm * norms.norm;
        gradient += norms.gradient * norms.gradient;
        update += norms.update * norms.update;
    }
    cr_assert(sum > 0 && gradient > 0 && update > 0);
    cr_expect(near(value_of(trainer, "norm.layer0_convnet"), sqrt(sum)));
    cr_expect(near(value_of(trainer, "norm.model.func.layer0_convnet"), sqrt(sum)), "by its whole path");
    cr_expect(near(value_of(trainer, "grad.layer0_convnet"), sqrt(gradient)));
    cr_expect(near(value_of(trainer, "update.layer0_convnet"), sqrt(update / sum)));
    cr_expect(near(value_of(trainer, "grad.model"), value_of(trainer, "gradient_norm")));
    cr_expect_neq(trainer_get(trainer, "norm.mlp", &value, &error), 0, "the end of several paths");
    cr_expect_neq(trainer_get(trainer, "norm.", &value, &error), 0);
    cr_expect_neq(trainer_set(trainer, "norm.model", 1, &error), 0);
    trainer_norm_names(trainer, count_name, &names);
    cr_expect(names > 9);
    trainer_free(trainer);
}

static void read_norm(void *context, const char *name) {
    value_of(context, name);
}

Test(look, every_listed_norm_can_be_read) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    trainer_norm_names(trainer, read_norm, trainer);
    trainer_free(trainer);
}

Test(look, norms_are_columns_where_they_are_named) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .output = "out",
        .overrides = {
            "trainer.callbacks=[{_target_: fettle.train.SettingMonitor, names: ['*', update.layer1_convnet]}]"}});
    case_steps(trainer, 2);
    trainer_free(trainer);
    struct table table = table_read("out/metrics.csv");
    cr_expect_str_neq(table_cell(&table, 0, "update.layer1_convnet"), "");
    cr_expect_str_neq(table_cell(&table, 0, "lr"), "");
    cr_expect_str_eq(table_cell(&table, 0, "grad.layer0_convnet"), "", "* does not mean norms");
    table_free(&table);
}

/* ---------------------------------------------------------------- inside of a step */

struct seen {
    size_t results, numbers;
    double first[64];
};

static void see(void *context, const struct instruction_info *info, const double *values, size_t count) {
    struct seen *seen = context;
    (void)info;
    if (!seen->results++)
        memcpy(seen->first, values, (count < 64 ? count : 64) * sizeof *values);
    seen->numbers += count;
}

static void add_energy(void *context, int type, double reference, double predicted) {
    struct seen *seen = context;
    (void)type, (void)reference;
    if (seen->results < 64)
        seen->first[seen->results++] = predicted;
}

/* Of the module that sums energies, before any batch: those of the first frames. */
ParameterizedTestParameters(look, results_of_modules) {
    static int dtypes[] = {0, 1};
    return cr_make_param_array(int, dtypes, 2);
}

ParameterizedTest(int *wide, look, results_of_modules) {
    case_enter("ema_adam");
    struct trainer *trainer =
        case_open(&(struct start){.overrides = {*wide ? "training_module.model.model_dtype=float64"
                                                      : "training_module.model.model_dtype=float32"}});
    struct seen seen = {0}, energies = {0}, none = {0}, features = {0};
    struct error error = {0};
    uint64_t before = state_hash(trainer_state(trainer));
    cr_assert_eq(trainer_results(trainer, "model.func.total_energy_sum", see, &seen, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_parity(trainer, ROLE_TRAIN, 0, 0, add_energy, &energies, &error), 0, "%s", error.message);
    cr_expect_eq(seen.results, 1);
    cr_assert_eq(seen.numbers, 4, "a number for each frame of the batch");
    const struct dataset *data = datamodule_dataset(trainer_data(trainer), ROLE_TRAIN, 0);
    for (size_t k = 0; k < seen.numbers; k++)
        cr_expect(fabs(seen.first[k] / data->frames[k]->atoms - energies.first[k]) < (*wide ? 1e-12 : 1e-5));
    cr_expect_eq(trainer_results(trainer, "model.func.no_such", see, &none, &error), 0);
    cr_expect_eq(none.results, 0);
    cr_expect_eq(trainer_results(trainer, "model.func.layer0_convnet", see, &features, &error), 0);
    cr_expect(features.results >= 1 && features.numbers > 0);
    cr_expect_eq(state_hash(trainer_state(trainer)), before, "looking changes nothing");
    trainer_free(trainer);
}

/* Steps with looks between them make the same bits as without. */
Test(look, looking_inside_leaves_a_run_as_it_is) {
    uint64_t hashes[2];
    for (int looks = 0; looks < 2; looks++) {
        case_enter("ema_config_adamw");
        struct trainer *trainer = case_open(&(struct start){.threads = 1});
        struct error error = {0};
        for (int k = 0; k < 4; k++) {
            struct seen seen = {0};
            case_steps(trainer, 1);
            double gradient = value_of(trainer, "gradient_norm");
            for (int evaluation = 0; looks && evaluation < 2; evaluation++) {
                cr_assert_eq(trainer_time_program(trainer, evaluation, 3, &error), 0, "%s", error.message);
                const struct program *program = evaluation ? trainer_eval_program(trainer) : trainer_program(trainer);
                struct instruction_info info;
                double sum = 0;
                for (int i = 0; i < program_instructions(program); i++) {
                    program_instruction(program, i, &info);
                    sum += info.seconds;
                }
                cr_expect(sum > 0 && program_instructions(program) > 20);
            }
            if (looks)
                cr_assert_eq(trainer_results(trainer, "model", see, &seen, &error), 0, "%s", error.message);
            cr_expect_eq(value_of(trainer, "gradient_norm"), gradient, "gradients stay as they are");
        }
        hashes[looks] = state_hash(trainer_state(trainer));
        trainer_free(trainer);
    }
    cr_expect_eq(hashes[0], hashes[1]);
}

Test(look, without_training_there_is_no_step_to_look_at) {
    case_enter("ema_adam");
    struct trainer *trainer =
        case_open(&(struct start){.overrides = {"run=[val]", "~training_module.optimizer",
                                                "~training_module.lr_scheduler", "~training_module.loss"}});
    struct error error = {0};
    cr_expect_eq(trainer_time_program(trainer, 0, 1, &error), ERROR_STATE);
    cr_expect_eq(trainer_results(trainer, "model", see, &(struct seen){0}, &error), ERROR_STATE);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- raw and averaged weights */

static double sum_of_losses(struct trainer *trainer) {
    struct trainer_frame *frames;
    struct error error = {0};
    double sum = 0;
    size_t count;
    cr_assert_eq(trainer_frames(trainer, ROLE_VAL, 0, &frames, &count, &error), 0, "%s", error.message);
    for (size_t k = 0; k < count; k++)
        sum += frames[k].loss;
    free(frames);
    return sum;
}

/* The average does not act upon the raw weights: these are those of the same run without it. */
Test(look, raw_weights_are_those_of_training) {
    static const char metric[] = "val0_epoch/weighted_sum";
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .threads = 1,
        .overrides = {"training_module._target_=nequip.train.NequIPLightningModule", "~training_module.ema_decay"}});
    case_steps(trainer, 3);
    double plain = case_validation(trainer, 0, metric), losses = sum_of_losses(trainer);
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_ONLY);
    cr_expect_eq(trainer_look_raw(trainer, 1, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "keeps no average"), "%s", error.message);
    cr_expect_eq(trainer_look_raw(trainer, 0, &error), 0);
    trainer_free(trainer);

    trainer = case_open(&(struct start){.threads = 1});
    case_steps(trainer, 3);
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_AVERAGED);
    cr_expect_eq(case_validation(trainer, 1, metric), plain);
    cr_expect_neq(case_validation(trainer, 0, metric), plain);
    cr_expect_neq(sum_of_losses(trainer), losses);
    cr_assert_eq(trainer_look_raw(trainer, 1, &error), 0);
    cr_expect_eq(sum_of_losses(trainer), losses);
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_RAW);
    cr_assert_eq(trainer_change(trainer, 2, (const char *const[]){"strategy", "base"}, NULL, &error), 0, "%s",
                 error.message);
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_ONLY);
    cr_assert_eq(trainer_change(trainer, 2, (const char *const[]){"strategy", "ema"}, NULL, &error), 0, "%s",
                 error.message);
    cr_expect_eq(trainer_look_weights(trainer), WEIGHTS_AVERAGED, "nobody asked for it since");
    trainer_free(trainer);
}

/* metrics.csv and the state of a run in which somebody looks at both, and of one in which nobody does. */
static const char *const looked_at[] = {"ema_adam", "ema_config_adamw", "schedulefree_adamw"};

ParameterizedTestParameters(look, a_run_does_not_know_which_weights_are_looked_at) {
    static int cases[] = {0, 1, 2};
    return cr_make_param_array(int, cases, 3);
}

ParameterizedTest(int *which, look, a_run_does_not_know_which_weights_are_looked_at) {
    uint64_t hashes[2];
    char *rows[2];
    for (int looks = 0; looks < 2; looks++) {
        struct error error = {0};
        size_t size;
        case_enter(looked_at[*which]);
        struct trainer *trainer = case_open(&(struct start){.output = "out", .threads = 1});
        while (!trainer_done(trainer)) {
            case_steps(trainer, 1);
            if (!looks)
                continue;
            cr_assert_eq(trainer_look_raw(trainer, 1, &error), 0, "%s", error.message);
            case_validation(trainer, 0, "val0_epoch/weighted_sum");
            case_validation(trainer, 1, "val0_epoch/weighted_sum");
            if (trainer_global_step(trainer) % 3 == 0)
                sum_of_losses(trainer);
        }
        hashes[looks] = state_hash(trainer_state(trainer));
        trainer_free(trainer);
        cr_assert_eq(file_read("out/metrics.csv", &rows[looks], &size, &error), 0, "%s", error.message);
    }
    cr_expect_eq(hashes[0], hashes[1]);
    cr_expect_str_eq(rows[0], rows[1]);
    free(rows[0]);
    free(rows[1]);
}
