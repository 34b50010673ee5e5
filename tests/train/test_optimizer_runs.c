/* Runs with every optimizer: as NequIP's, and in all that one can do with a run.  tests/reference/train/optimizers
 * holds configs and the metrics.csv that NequIP left. */
#include "runs.h"
#include "train/optimizer/optimizer.h"
#include "train/core/state.h"
#include "train/run/change.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

#include <math.h>
#include <stdio.h>

static const struct {
    const char *name;
    double tolerance;
} cases[] = {
    {"nadam_clipped", 1e-9}, {"adafactor", 1e-9}, {"muon_one_cycle", 1e-9}, {"rmsprop_cyclic", 1e-9},
    {"no_gradient", 1e-9},   {"lbfgs", 1e-6},     {"lbfgs_wolfe", 1e-6},
};
enum { CASES = sizeof cases / sizeof *cases };

static void enter(const char *which) {
    char name[128];
    case_enter("optimizers");
    snprintf(name, sizeof name, "%s.yaml", which);
    cr_assert_eq(rename(name, "config.yaml"), 0);
    snprintf(name, sizeof name, "%s.csv", which);
    cr_assert_eq(rename(name, "wanted.csv"), 0);
}

ParameterizedTestParameters(optimizer_runs, go_as_in_nequip) {
    static int indices[CASES];
    for (int k = 0; k < CASES; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, CASES);
}

ParameterizedTest(int *index, optimizer_runs, go_as_in_nequip) {
    enter(cases[*index].name);
    struct trainer *trainer = case_open(&(struct start){.output = "out", .threads = 2});
    case_run(trainer);
    trainer_free(trainer);
    struct table got = table_read("out/metrics.csv"), want = table_read("wanted.csv");
    table_compare(&got, &want, cases[*index].tolerance);
    table_free(&got);
    table_free(&want);
}

/* ---------------------------------------------------------------- each of the registry */

/* Those that the case ema_adam can train with. */
static int is_for_all(const struct optimizer_kind *kind) {
    return !kind->technique && !kind->fits;
}

static void word_of(const struct optimizer_kind *kind, const char *prefix, char out[256]) {
    const char *rest = kind->groups.target
                           ? ", param_groups: {_target_: MuonParamGroups, muon: {lr: 0.002}, adam: {lr: 0.003}}"
                       : kind->solve ? ", max_iter: 3, history_size: 4"
                                     : "";
    snprintf(out, 256, "%straining_module.optimizer={_target_: %s%s}", prefix, kind->target.target, rest);
}

static struct trainer *open_with(const struct optimizer_kind *kind, const char *output, const char *resume) {
    static char word[256];
    word_of(kind, "", word);
    struct start start = {.output = output,
                          .resume = resume,
                          .overrides = {"trainer.max_epochs=6", "data.train_dataloader.batch_size=2",
                                        "data.train_dataloader.shuffle=true", "~training_module.lr_scheduler",
                                        "~training_module.optimizer", NULL}};
    static char added[280];
    snprintf(added, sizeof added, "+%s", word);
    start.overrides[5] = added;
    return case_open(&start);
}

ParameterizedTestParameters(optimizer_runs, go_back_and_on_to_the_bit) {
    static int indices[64];
    int count = 0;
    for (size_t k = 0; k < optimizer_kind_count; k++)
        if (is_for_all(optimizer_kinds[k]))
            indices[count++] = (int)k;
    return cr_make_param_array(int, indices, (size_t)count);
}

/* Rewound, over to another optimizer and back in time, resumed. */
ParameterizedTest(int *index, optimizer_runs, go_back_and_on_to_the_bit) {
    const struct optimizer_kind *kind = optimizer_kinds[*index];
    struct trainer_point *point;
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = open_with(kind, "whole", NULL);
    case_steps(trainer, 4);
    cr_assert_eq(trainer_point_new(&point, trainer, &error), 0, "%s", error.message);
    cr_assert_eq(trainer_save(trainer, "middle.safetensors", &error), 0, "%s", error.message);
    case_steps(trainer, 3);
    uint64_t want = state_hash(trainer_state(trainer));

    const char *const away[] = {"optimizer", kind->target.alias[0] == 'a' ? "sgd" : "adam", "lr=0.001"};
    cr_assert_eq(trainer_change(trainer, 3, away, NULL, &error), 0, "%s", error.message);
    case_steps(trainer, 2);
    cr_assert_eq(trainer_point_return(trainer, point, trainer_point_batch(point), &error), 0, "%s", error.message);
    case_steps(trainer, 3);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "%s: rewound", kind->target.target);
    trainer_point_free(point);
    trainer_free(trainer);

    trainer = open_with(kind, "whole", "middle.safetensors");
    case_steps(trainer, 3);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "%s: resumed", kind->target.target);
    trainer_free(trainer);
}

ParameterizedTestParameters(optimizer_runs, can_be_gone_over_to) {
    static int indices[64];
    int count = 0;
    for (size_t k = 0; k < optimizer_kind_count; k++)
        if (is_for_all(optimizer_kinds[k]))
            indices[count++] = (int)k;
    return cr_make_param_array(int, indices, (size_t)count);
}

ParameterizedTest(int *index, optimizer_runs, can_be_gone_over_to) {
    const struct optimizer_kind *kind = optimizer_kinds[*index];
    struct error error = {0};
    double loss;
    case_enter("ema_adam");
    struct start start = {.output = "by hand",
                          .overrides = {"trainer.max_epochs=3", "~training_module.lr_scheduler", NULL}};
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 2);
    const char *words[] = {"optimizer", kind->target.alias,
                           "param_groups={_target_: MuonParamGroups, muon: {lr: 0.002}, adam: {lr: 0.003}}"};
    cr_assert_eq(trainer_change(trainer, kind->groups.target ? 3 : 2, words, NULL, &error), 0, "%s", error.message);
    case_run(trainer);
    cr_expect(trainer_metric(trainer, "train_loss_step/weighted_sum", &loss) && isfinite(loss));
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    start.output = "again";
    start.replay = "by hand/audit.log";
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "%s", kind->target.target);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- no gradient */

static const struct parameter *shifts(const struct trainer *trainer) {
    return model_find_parameter(trainer_model(trainer), "model.func.per_type_energy_scale_shift.shifts");
}

static double shift(const struct trainer *trainer, int k) {
    return ((const double *)state_find(trainer_state(trainer), "model.f64")->data)[shifts(trainer)->offset + (size_t)k];
}

static void forces_only(struct start *start) {
    enter("no_gradient");
    *start = (struct start){.overrides = {"trainer.max_epochs=20"}};
}

ParameterizedTestParameters(optimizer_runs, what_no_loss_reaches_stays) {
    static int indices[64];
    int count = 0;
    for (size_t k = 0; k < optimizer_kind_count; k++)
        if (is_for_all(optimizer_kinds[k]) && !optimizer_kinds[k]->groups.target)
            indices[count++] = (int)k;
    return cr_make_param_array(int, indices, (size_t)count);
}

/* Whatever decays weights. */
ParameterizedTest(int *index, optimizer_runs, what_no_loss_reaches_stays) {
    const struct optimizer_kind *kind = optimizer_kinds[*index];
    struct start start;
    char word[256];
    int decays = optimizer_has_option(kind->target.target, "weight_decay");
    forces_only(&start);
    snprintf(word, sizeof word, "training_module.optimizer={_target_: %s%s}", kind->target.target,
             decays ? ", weight_decay: 0.1" : "");
    start.overrides[1] = "~training_module.optimizer";
    char added[280];
    snprintf(added, sizeof added, "+%s", word);
    start.overrides[2] = added;
    struct trainer *trainer = case_open(&start);
    double before[3], weights[2];
    for (int k = 0; k < 3; k++)
        before[k] = shift(trainer, k);
    weights[0] = ((double *)state_find(trainer_state(trainer), "model.f64")->data)[0];
    case_steps(trainer, 3);
    weights[1] = ((double *)state_find(trainer_state(trainer), "model.f64")->data)[0];
    for (int k = 0; k < 3; k++)
        cr_expect_eq(shift(trainer, k), before[k], "%s", kind->target.target);
    cr_expect_neq(weights[0], weights[1], "%s: the others step", kind->target.target);
    trainer_free(trainer);
}

static int change(struct trainer *trainer, const char *a, const char *b, const char *c) {
    struct error error = {0};
    int code = trainer_change(trainer, c ? 3 : 2, (const char *const[]){a, b, c}, NULL, &error);
    cr_expect_eq(code, 0, "%s", error.message);
    return code;
}

/* Adam's first step is lr long, whenever a parameter makes it: steps are counted for each. */
Test(optimizer_runs, a_parameter_that_comes_late_begins_at_its_first_step) {
    struct start start;
    forces_only(&start);
    start.overrides[1] = "training_module.optimizer={_target_: torch.optim.Adam, lr: 0.01}";
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 5);
    double before = shift(trainer, 0), lr = 0;
    trainer_get(trainer, "lr", &lr, NULL);
    change(trainer, "set", "loss.per_atom_energy_mse", "1");
    case_steps(trainer, 1);
    cr_expect_float_eq(fabs(shift(trainer, 0) - before), lr, 1e-6);
    change(trainer, "freeze", "shifts", NULL);
    before = shift(trainer, 0);
    case_steps(trainer, 5);
    cr_expect_eq(shift(trainer, 0), before);
    change(trainer, "unfreeze", "shifts", NULL);
    trainer_get(trainer, "lr", &lr, NULL);
    case_steps(trainer, 1);
    cr_expect_gt(fabs(shift(trainer, 0) - before), 0.1 * lr, "its second step, with the moments of its first");
    trainer_free(trainer);
}

/* Checkpoints of before steps were counted for each parameter. */
Test(optimizer_runs, older_checkpoints_are_gone_on_with) {
    struct safetensors *file = NULL, *older = safetensors_new();
    struct error error = {0};
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){.output = "whole"});
    case_steps(trainer, 3);
    cr_assert_eq(trainer_save(trainer, "new.safetensors", &error), 0);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    cr_assert_eq(safetensors_read(&file, "new.safetensors", &error), 0);
    cr_expect_not_null(safetensors_find(file, "state.optimizer.skipped"));
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const struct tensor *t = safetensors_at(file, k);
        if (strcmp(t->name, "state.optimizer.skipped"))
            cr_assert_eq(safetensors_add(older, t->name, t->dtype, t->ndim, t->shape, t->data, &error), 0);
    }
    static const char *const keys[] = {"config", "training_module", "data", "phase", "threads", "metrics"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        cr_assert_eq(safetensors_set_metadata(older, keys[k], safetensors_metadata(file, keys[k]), &error), 0);
    cr_assert_eq(safetensors_write(older, "old.safetensors", &error), 0);
    safetensors_free(file);
    safetensors_free(older);
    trainer = case_open(&(struct start){.output = "again", .resume = "old.safetensors"});
    cr_expect_eq(state_hash(trainer_state(trainer)), want);
    trainer_free(trainer);
}

/* ---------------------------------------------------------------- what is refused */

static const struct {
    const char *overrides[3], *message;
} wrong[] = {
    {{"training_module.optimizer={_target_: torch.optim.Muon}"}, "takes matrices only"},
    {{"training_module.optimizer={_target_: nequip.train.MuonWithAuxAdam}"}, "nequip.model.MuonParamGroups"},
    {{"training_module.optimizer={_target_: muon_adam, param_groups: {_target_: MuonParamGroups, muon: {}}}"},
     "'adam'"},
    {{"training_module.optimizer={_target_: muon_adam, param_groups: {_target_: MuonParamGroups, muon: {beta: 1}, "
      "adam: {}}}"},
     "beta"},
    {{"training_module.optimizer={_target_: lbfgs}", "++trainer.accumulate_grad_batches=2"}, "accumulate_grad_batches"},
    {{"training_module.optimizer={_target_: lbfgs}", "training_module._target_=ema_config"}, "who runs backward"},
    {{"training_module.optimizer={_target_: lbfgs, param_groups: {_target_: ParamGroups, groups: "
      "[{params: edge_mlp, lr: 0.1}]}}"},
     "parameter groups"},
    {{"training_module.optimizer={_target_: adagrad}",
      "training_module.lr_scheduler={scheduler: {_target_: cyclic, base_lr: 0.1, max_lr: 0.2}}"},
     "cycle_momentum"},
    {{"training_module.optimizer={_target_: rprop, etas: [1.2, 0.5]}"}, "etas"},
    {{"training_module.optimizer={_target_: adadelta, rho: 1.5}"}, "rho"},
    {{"training_module.optimizer={_target_: adafactor, eps: null}"}, "eps"},
    {{"training_module.optimizer={_target_: adafactor, beta2_decay: 0.5}"}, "beta2_decay"},
    {{"training_module.lr_scheduler={scheduler: {_target_: onecycle, max_lr: 0.1, total_steps: 5}, interval: step}"},
     "the run would end with an error: OneCycleLR is to make step 6 of 5"},
};

Test(optimizer_runs, say_what_is_wrong_before_they_begin) {
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        struct start start = {0};
        struct trainer *trainer = NULL;
        struct error error = {0};
        static char words[3][300];
        int n = 0;
        case_enter("ema_adam");
        for (int j = 0; j < 3 && wrong[k].overrides[j]; j++) {
            const char *word = wrong[k].overrides[j], *end = strchr(word, '=');
            if (word[0] != '+' && word[(end - word) + 1] == '{') { /* the whole map */
                static char gone[3][100];
                snprintf(gone[j], sizeof gone[j], "~%.*s", (int)(end - word), word);
                start.overrides[n++] = gone[j];
                snprintf(words[j], sizeof words[j], "+%s", word);
            } else {
                snprintf(words[j], sizeof words[j], "%s", word);
            }
            start.overrides[n++] = words[j];
        }
        cr_expect_neq(case_try(&trainer, &start, &error), 0, "%s", wrong[k].overrides[0]);
        cr_expect(strstr(error.message, wrong[k].message), "%s: %s", wrong[k].overrides[0], error.message);
    }
}

/* Who may stop earlier is let go, as far as the schedule goes; what was before that step stands. */
Test(optimizer_runs, one_cycle_ends_in_the_run_where_that_cannot_be_known) {
    struct error error = {0};
    case_enter("ema_adam");
    struct start start = {
        .output = "out",
        .overrides = {"~training_module.lr_scheduler",
                      "+training_module.lr_scheduler={scheduler: {_target_: onecycle, max_lr: 0.01, total_steps: 5}, "
                      "interval: step}",
                      "++trainer.callbacks.1={_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: "
                      "val0_epoch/weighted_sum, patience: 100}"}};
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, 5);
    uint64_t want = state_hash(trainer_state(trainer));
    cr_expect_eq(trainer_step(trainer, &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "OneCycleLR is to make step 6 of 5"), "%s", error.message);
    cr_expect_eq(state_hash(trainer_state(trainer)), want, "the batch was given up");
    trainer_free(trainer);
}
