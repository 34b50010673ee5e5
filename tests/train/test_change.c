/* Changes to a run that goes on: what they carry over, that they can be made again, and that a run which is resumed is
 * the run it was. */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/describe.h"
#include "train/run/trainer.h"

#include <math.h>
#include <unistd.h>

static uint64_t hash(const struct trainer *trainer) {
    return state_hash(trainer_state(trainer));
}

/* A change, its words separated by blanks. */
static int try_change(struct trainer *trainer, const char *line, struct text *report, struct error *error) {
    char copy[512];
    const char *words[32];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    return trainer_change(trainer, count, words, report, error);
}

static void change(struct trainer *trainer, const char *line) {
    struct error error = {0};
    cr_assert_eq(try_change(trainer, line, NULL, &error), 0, "%s: %s", line, error.message);
}

static void told(struct trainer *trainer, const char *line, const char *const *words) {
    struct error error = {0};
    struct text report = {0};
    cr_assert_eq(try_change(trainer, line, &report, &error), 0, "%s: %s", line, error.message);
    for (; *words; words++)
        cr_expect(strstr(report.data, *words), "'%s' lacks '%s'", report.data, *words);
    text_free(&report);
}

static double value(struct trainer *trainer, const char *name) {
    struct error error = {0};
    double out = NAN;
    cr_assert_eq(trainer_get(trainer, name, &out, &error), 0, "%s", error.message);
    return out;
}

static double loss(struct trainer *trainer) {
    double out = NAN;
    cr_assert(trainer_metric(trainer, "train_loss_step/weighted_sum", &out));
    return out;
}

/* The loss of the next batch does not depend on what trains: it is looked at before each swap and after it. */
static double look_ahead(struct trainer *trainer) {
    struct error error = {0};
    enum phase phase;
    struct snapshot *before = state_save(trainer_state(trainer));
    while (trainer_phase(trainer) != PHASE_LOAD)
        cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
    case_steps(trainer, 1);
    double out = loss(trainer);
    cr_assert_eq(state_restore(trainer_state(trainer), before, &error), 0, "%s", error.message);
    snapshot_free(before);
    return out;
}

Test(change, a_sequence_of_swaps_is_continuous) {
    static const char *const lines[] = {"strategy ema ema_decay=0.9", "strategy ema_config", "strategy config",
                                        "strategy base"};
    case_enter("ema_adam");
    struct trainer *trainer =
        case_open(&(struct start){.overrides = {"training_module._target_=nequip.train.NequIPLightningModule",
                                                "~training_module.ema_decay", "trainer.max_epochs=40"}});
    case_steps(trainer, 10);
    double first = loss(trainer);
    for (int k = 0; k < 4; k++) {
        const struct variable *weights = state_find(trainer_state(trainer), "model.f64");
        double before = look_ahead(trainer);
        void *copy = malloc(weights->count * sizeof(double));
        memcpy(copy, weights->data, weights->count * sizeof(double));
        change(trainer, lines[k]);
        weights = state_find(trainer_state(trainer), "model.f64");
        cr_expect(!memcmp(copy, weights->data, weights->count * sizeof(double)), "%s keeps the weights", lines[k]);
        free(copy);
        double after = look_ahead(trainer);
        cr_expect(isfinite(after) && fabs(after - before) <= 1e-12 * before, "%s: %.17g, %.17g", lines[k], before,
                  after);
        for (int j = 0; j < 10; j++) {
            case_steps(trainer, 1);
            cr_assert(isfinite(loss(trainer)) && loss(trainer) < 3 * first, "%s, step %d: %g", lines[k], j,
                      loss(trainer));
        }
    }
    cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.NequIPLightningModule");
    cr_expect_null(state_find(trainer_state(trainer), "ema.weights.f64"));
    trainer_free(trainer);
}

Test(change, what_goes_on_and_what_is_dropped_is_told) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    case_steps(trainer, 5);
    double updates = value(trainer, "ema_updates");
    told(trainer, "strategy ema_config",
         (const char *[]){"goes on      the model", "exp_avg_sq", "ema (weights", "begins anew  config", NULL});
    cr_expect_eq(value(trainer, "ema_updates"), updates);
    cr_expect_eq(value(trainer, "ema_decay"), 0.9);
    case_steps(trainer, 2);
    cr_expect(fabs(value(trainer, "config_cosine.per_atom_energy_mse.forces_mse")) <= 1);
    cr_expect(value(trainer, "config_cosine_result.forces_mse") > 0);
    told(trainer, "strategy ema_config ema_decay=0.5", (const char *[]){"ema (weights", NULL});
    cr_expect_eq(value(trainer, "ema_decay"), 0.5, "what is given wins");
    cr_expect_eq(value(trainer, "ema_updates"), updates + 2);
    change(trainer, "set lr 0.004");
    told(trainer, "strategy config gradient_clip_val=2", (const char *[]){"dropped      ema (weights", NULL});
    cr_expect_eq(value(trainer, "gradient_clip_val"), 2);
    cr_expect_eq(value(trainer, "lr"), 0.004);
    told(trainer, "optimizer adam betas=[0.8,0.99]", (const char *[]){"optimizer (exp_avg", NULL});
    cr_expect_eq(value(trainer, "lr"), 0.004);
    told(trainer, "optimizer sgd", (const char *[]){"dropped      optimizer (exp_avg", NULL});
    cr_expect_eq(value(trainer, "lr"), 0.004, "%g", value(trainer, "lr"));
    case_steps(trainer, 1);
    trainer_free(trainer);
}

Test(change, a_swap_to_the_same_changes_nothing) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "one"});
    case_run(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "two"});
    for (int k = 0; !trainer_done(trainer); k++) {
        change(trainer, k % 2 ? "strategy ema" : "optimizer torch.optim.Adam");
        case_steps(trainer, 1);
    }
    trainer_free(trainer);
    files_equal("one/metrics.csv", "two/metrics.csv");
    weights_compare("two/last.safetensors", "one/last.safetensors", 0);
}

Test(change, what_does_not_fit_is_refused_and_nothing_has_changed) {
    static const struct {
        const char *line, *word;
    } cases[] = {
        {"strategy emma", "did you mean ema"},
        {"strategy ema_schedulefree", "schedule-free training keeps an average of its own"},
        {"strategy schedulefree", "schedulefree.AdamWScheduleFree"},
        {"strategy mconfig", "torch.optim.SGD"},
        {"strategy ema decay=0.9", "unknown key \"decay\""},
        {"strategy ema ema_decay=2", "[0, 1]"},
        {"strategy ema model.seed=3", "cannot be changed in the middle"},
        {"strategy", "usage"},
        {"strategy ema ema_decay", "KEY=VALUE"},
        {"strategy config lr_scheduler.scheduler={_target_:torch.optim.lr_scheduler.StepLR,step_size:3}",
         "ReduceLROnPlateau only"},
        {"optimizer adamx", "did you mean"},
        {"optimizer adam lrate=3", "unknown key \"lrate\""},
        {"optimizer adam lr=-1", "lr"},
        {"optimizer schedulefree.AdamWScheduleFree", "schedulefree"},
        {"set lr fast", "is a number"},
        {"set ema_deca 0.5", "ema_decay"},
        {"set ema_updates 5", "looked at"},
        {"set batch_size 0", "whole number"},
        {"set batch_size 2.5", "whole number"},
        {"set batch_size 1000", "whole number"},
        {"set gradient_clip_val -1", "0 or more"},
        {"frobnicate", "a change is"},
        {"freeze *", "nothing to train"},
        {"freeze edge_ml", "did you mean"},
        {"freeze", "usage"},
        {"reinit nothing", "no parameter matches"},
        {"reinit * seven", "seed"},
    };
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    case_steps(trainer, 3);
    uint64_t before = hash(trainer);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct error error = {0};
        cr_expect_neq(try_change(trainer, cases[k].line, NULL, &error), 0, "%s", cases[k].line);
        cr_expect(strstr(error.message, cases[k].word), "%s: '%s' lacks '%s'", cases[k].line, error.message,
                  cases[k].word);
        cr_expect_eq(hash(trainer), before, "%s", cases[k].line);
    }
    enum phase phase;
    struct error error = {0};
    do
        cr_assert_eq(trainer_advance(trainer, &phase, &error), 0);
    while (phase != PHASE_FORWARD);
    cr_expect_eq(try_change(trainer, "strategy config", NULL, &error), ERROR_STATE, "within a batch");
    case_steps(trainer, 1);
    trainer_free(trainer);
}

static const char *const script[] = {"set lr 0.004",
                                     "strategy ema_config ema_decay=0.8",
                                     "set batch_size 3",
                                     "set loss.forces_mse 3",
                                     "optimizer adamw weight_decay=0.01",
                                     "strategy mconfig optimizer={_target_:torch.optim.SGD,lr:0.003}",
                                     "strategy base optimizer={_target_:torch.optim.Adam,lr:0.002}",
                                     "set gradient_clip_val 0.5",
                                     "freeze edge_mlp",
                                     "unfreeze *",
                                     "reinit layer0_convnet 5"};
enum { SCRIPT = sizeof script / sizeof *script };

static const struct start changed_start = {
    .overrides = {"trainer.max_epochs=13", "data.train_dataloader.shuffle=true", "data.train_dataloader.batch_size=2"}};

/* Trains to the end with a change after every `every` batches; saves where asked, the first `first` are made already.
 */
static void run_script(struct trainer *trainer, int first, int save_at) {
    struct error error = {0};
    for (int k = first; !trainer_done(trainer); k++) {
        if (k == save_at)
            cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
        if (k < SCRIPT)
            change(trainer, script[k]);
        case_steps(trainer, 3);
    }
}

ParameterizedTestParameters(change, replayed_to_the_bit) {
    static int threads[] = {1, 2};
    return cr_make_param_array(int, threads, 2);
}

ParameterizedTest(int *threads, change, replayed_to_the_bit) {
    case_enter("ema_adam");
    struct start start = changed_start;
    start.threads = *threads;
    start.output = "by hand";
    struct trainer *trainer = case_open(&start);
    run_script(trainer, 0, 5);
    uint64_t want = hash(trainer);
    cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.NequIPLightningModule");
    trainer_free(trainer);

    start.output = "again";
    start.replay = "by hand/audit.log";
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(hash(trainer), want, "config, data and audit log are the run");
    trainer_free(trainer);
    files_equal("by hand/metrics.csv", "again/metrics.csv");
    files_equal("by hand/audit.log", "again/audit.log");

    start.output = "by hand"; /* metrics.csv is cut back to the checkpoint */
    start.resume = "saved.safetensors";
    trainer = case_open(&start);
    cr_expect_str_eq(trainer_strategy(trainer), "nequip.train.EMAConFIGLightningModule");
    case_run(trainer);
    cr_expect_eq(hash(trainer), want, "from the middle, with the rest of the log");
    trainer_free(trainer);

    start.replay = NULL;
    trainer = case_open(&start);
    run_script(trainer, 5, -1);
    cr_expect_eq(hash(trainer), want, "from the middle, by hand");
    trainer_free(trainer);
}

Test(change, an_audit_log_that_is_none) {
    case_enter("ema_adam");
    FILE *file = fopen("audit.log", "w");
    fputs("epoch 0, batch 0, step 0, before start\tset\tlr\t0.1\nsomething else\n", file);
    fclose(file);
    struct trainer *trainer = NULL;
    struct error error = {0};
    cr_expect_eq(case_try(&trainer, &(struct start){.replay = "audit.log"}, &error), ERROR_DATA);
    cr_expect_eq(error.line, 2);
    cr_expect_null(trainer);
}

Test(change, the_size_of_batches_changes_between_epochs) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {"data.train_dataloader.batch_size=2"}});
    int64_t batches = trainer_batches(trainer);
    case_steps(trainer, 1);
    change(trainer, "set batch_size 1");
    cr_expect_eq(trainer_batches(trainer), batches, "this epoch goes on as it began");
    cr_expect_eq(value(trainer, "batch_size"), 1);
    case_steps(trainer, (int)batches - 1);
    case_steps(trainer, 1);
    cr_expect_eq(trainer_batches(trainer), 2 * batches);
    case_run(trainer);
    trainer_free(trainer);
}

Test(change, what_is_frozen_stays_and_what_is_drawn_anew_is_as_at_the_start) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {"trainer.max_epochs=20"}});
    const struct model *model = trainer_model(trainer);
    const struct variable *weights = state_find(trainer_state(trainer), "model.f64");
    size_t size = weights->count * sizeof(double);
    double *start = malloc(size), *before = malloc(size);
    memcpy(start, weights->data, size);
    case_steps(trainer, 3);
    change(trainer, "freeze edge_mlp");
    memcpy(before, weights->data, size);
    case_steps(trainer, 3);
    int frozen = 0, moved = 0;
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        int same = !memcmp(before + p->offset, (double *)weights->data + p->offset, p->numel * sizeof(double));
        if (p->is_buffer || p->dtype != F64)
            continue;
        if (strstr(p->name, ".edge_mlp."))
            cr_expect(same, "%s is frozen", p->name);
        frozen += strstr(p->name, ".edge_mlp.") != NULL;
        moved += !same;
    }
    cr_expect(frozen > 0 && moved > 0);
    change(trainer, "unfreeze edge_mlp");
    change(trainer, "reinit *");
    for (int k = 0; k < model_nparameters(model); k++) {
        const struct parameter *p = model_parameter(model, k);
        if (!p->is_buffer && p->dtype == F64)
            cr_expect(!memcmp(start + p->offset, (double *)weights->data + p->offset, p->numel * sizeof(double)), "%s",
                      p->name);
    }
    case_steps(trainer, 1);
    cr_expect(isfinite(loss(trainer)));
    free(start);
    free(before);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- resuming under a config that has changed */

static const struct {
    const char *override, *word; /* word: of the refusal; NULL: it goes on */
} resumes[] = {
    {"trainer.max_epochs=5", NULL},
    {"trainer.log_every_n_steps=3", NULL},
    {"training_module.optimizer.lr=0.02", "was 0.01"},
    {"training_module.ema_decay=0.95", "was 0.9"},
    {"training_module.loss.coeffs.forces=2.0", "was 1.0"},
    {"training_module.model.r_max=4.5", "r_max"},
    {"++training_module.optimizer.amsgrad=true", "was absent"},
    {"data.seed=457", "was 456"},
    {"data.train_dataloader.batch_size=3", "was 4"},
    {"++trainer.accumulate_grad_batches=2", "was absent"},
    {"data.train_file_path=val.xyz", "training data"},
};

ParameterizedTestParameters(change, resumes) {
    static int cases[sizeof resumes / sizeof *resumes];
    for (size_t k = 0; k < sizeof resumes / sizeof *resumes; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, sizeof resumes / sizeof *resumes);
}

ParameterizedTest(int *k, change, resumes) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    struct heard heard = {0};
    case_steps(trainer, 3);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0);
    trainer_free(trainer);
    int code = case_try(
        &trainer, &(struct start){.resume = "saved.safetensors", .heard = &heard, .overrides = {resumes[*k].override}},
        &error);
    if (!resumes[*k].word) {
        cr_assert_eq(code, 0, "%s", error.message);
        cr_expect_gt(heard.notices, 0, "the change is shown");
        case_run(trainer);
        trainer_free(trainer);
        return;
    }
    cr_expect_neq(code, 0, "%s", resumes[*k].override);
    cr_expect_null(trainer);
    cr_expect(strstr(error.message, resumes[*k].word), "%s: '%s' lacks '%s'", resumes[*k].override, error.message,
              resumes[*k].word);
}

/* The only variable of this end among the callbacks' state. */
static const struct variable *callback_state(const struct trainer *trainer, const char *kind, const char *end) {
    const struct variable *found = NULL;
    for (size_t k = 0; k < state_count(trainer_state(trainer)); k++) {
        const struct variable *variable = state_at(trainer_state(trainer), k);
        size_t size = strlen(variable->name), tail = strlen(end);
        if (!strncmp(variable->name, "callback.", 9) && strstr(variable->name, kind) && size > tail &&
            !strcmp(variable->name + size - tail, end)) {
            cr_expect_null(found, "%s, %s", found->name, variable->name);
            found = variable;
        }
    }
    cr_assert_not_null(found, "%s %s", kind, end);
    return found;
}

/* A callback goes on with its own state wherever it stands in the list now; one that was not there begins anew. */
Test(change, resumed_with_other_callbacks) {
#define STOPPING(metric)                                                                                               \
    "{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val0_epoch/" metric ", patience: 50}"
#define SOFTADAPT "{_target_: nequip.train.callbacks.SoftAdapt, beta: 1.1, interval: batch, frequency: 3}"
    static const char *const lists[] = {
        "trainer.callbacks=[" STOPPING("weighted_sum") ", " SOFTADAPT "]",
        "trainer.callbacks=[" SOFTADAPT
        ", {_target_: early_stopping, monitor: val0_epoch/forces_mae}, " STOPPING("weighted_sum") "]",
        "trainer.callbacks=[" STOPPING("forces_mae") ", " SOFTADAPT "]",
        "trainer.callbacks=[]",
    };
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {lists[0]}});
    case_steps(trainer, (int)trainer_batches(trainer) + 1);
    double best = *(double *)callback_state(trainer, "early", "best")->data;
    double latest = *(double *)callback_state(trainer, "softadapt", "latest")->data;
    cr_expect(isfinite(best) && latest > 0);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    for (int k = 1; k < 4; k++) {
        struct heard heard = {0};
        trainer = case_open(&(struct start){.overrides = {lists[k]}, .resume = "saved.safetensors", .heard = &heard});
        cr_expect_gt(heard.notices, 0);
        if (k < 3)
            cr_expect_eq(*(double *)callback_state(trainer, "softadapt", "latest")->data, latest);
        if (k == 2)
            cr_expect_eq(*(double *)callback_state(trainer, "early", "best")->data, (double)INFINITY);
        int same = 0, new = 0;
        for (size_t v = 0; k == 1 && v < state_count(trainer_state(trainer)); v++) {
            const struct variable *variable = state_at(trainer_state(trainer), v);
            if (strstr(variable->name, "early_stopping") && strstr(variable->name, ".best")) {
                same += *(double *)variable->data == best;
                new += isinf(*(double *)variable->data);
            }
        }
        cr_expect(k > 1 || (same == 1 && new == 1), "%d, %d", same, new);
        case_run(trainer);
        trainer_free(trainer);
    }
}

/* ---------------------------------------------------------------- what techniques know of themselves, logged */

Test(change, settings_as_columns) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){
        .output = "out",
        .overrides = {"training_module._target_=ema_config",
                      "++trainer.callbacks.1={_target_: setting_monitor, names: ['config_*', ema_distance]}"}});
    struct error error = {0};
    char cell[32];
    case_steps(trainer, 1);
    double cosine = value(trainer, "config_cosine.per_atom_energy_mse.forces_mse");
    double distance = value(trainer, "ema_distance");
    cr_expect(distance > 0);
    case_run(trainer);
    trainer_free(trainer);
    struct table table = table_read("out/metrics.csv");
    cr_expect_str_eq(table_cell(&table, 1, "config_cosine.per_atom_energy_mse.forces_mse"), text_double(cell, cosine));
    cr_expect_str_eq(table_cell(&table, 1, "ema_distance"), text_double(cell, distance));
    table_free(&table);
    cr_expect_neq(
        case_try(&trainer,
                 &(struct start){.overrides = {"++trainer.callbacks.1={_target_: setting_monitor, names: [no]}"}},
                 &error),
        0);
    cr_expect(strstr(error.message, "no setting is named 'no'"), "%s", error.message);
}

Test(change, described) {
    static const char *const what[] = {"optimizer", "scheduler", "ema", "config", "base"}, *const words[] = {
                                                                                               "exp_avg_sq",
                                                                                               "watches val0_epoch",
                                                                                               "2 updates",
                                                                                               "forces_mse",
                                                                                               "gradient_norm"};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.overrides = {"training_module._target_=ema_config"}});
    struct error error = {0};
    case_steps(trainer, 1);
    for (int k = 0; k < 5; k++) {
        struct text text = {0};
        cr_assert_eq(trainer_describe(trainer, what[k], &text, &error), 0, "%s", error.message);
        cr_expect(strstr(text.data, words[k]), "'%s' lacks '%s'", text.data, words[k]);
        text_free(&text);
    }
    struct text text = {0};
    cr_expect_eq(trainer_describe(trainer, "mconfig", &text, &error), ERROR_STATE);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- adaptive clipping */

Test(change, adaptive_clipping_limits_the_norm_to_its_mean) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(
        &(struct start){.overrides = {"training_module._target_=adaptive_clip", "~training_module.ema_decay",
                                      "++training_module.clip_factor=0.5", "++training_module.clip_decay=0.75"}});
    double mean = 0;
    for (int k = 0; k < 6; k++) {
        case_steps(trainer, 1);
        double norm = value(trainer, "gradient_norm"), taken = k && norm > 0.5 * mean ? 0.5 * mean : norm;
        mean = k ? 0.75 * mean + 0.25 * taken : norm;
        cr_expect(fabs(value(trainer, "clip_mean") - mean) < 1e-5 * mean, "step %d: %.12g, %.12g", k,
                  value(trainer, "clip_mean"), mean);
    }
    trainer_free(trainer);
}
