/* Parameter groups of an optimizer. */
#include "runs.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

#include <math.h>

#define GROUPS(list) "++training_module.optimizer.param_groups={_target_: fettle.train.ParamGroups, groups: " list "}"

static double *weights_after(const char *const *overrides, int steps) {
    struct start start = {0};
    for (int k = 0; k < 3 && overrides[k]; k++)
        start.overrides[k] = overrides[k];
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&start);
    case_steps(trainer, steps);
    const struct variable *weights = state_find(trainer_state(trainer), "model.f64");
    double *copy = malloc(weights->count * sizeof *copy);
    memcpy(copy, weights->data, weights->count * sizeof *copy);
    trainer_free(trainer);
    return copy;
}

/* The first step of Adam is each parameter's own: with a group it is that of a run with the group's options. */
Test(param_groups, each_group_steps_with_its_own_options) {
    double *slow = weights_after(
        (const char *[]){"training_module.optimizer.lr=0.001", "++training_module.optimizer.weight_decay=0.01", NULL},
        1);
    double *fast = weights_after((const char *[]){NULL}, 1);
    double *both =
        weights_after((const char *[]){GROUPS("[{params: edge_mlp, lr: 0.001, weight_decay: 0.01}]"), NULL}, 1);
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    int in_group = 0, outside = 0;
    for (int k = 0; k < model_nparameters(trainer_model(trainer)); k++) {
        const struct parameter *p = model_parameter(trainer_model(trainer), k);
        int inside = strstr(p->name, ".edge_mlp.") != NULL;
        const double *want = inside ? slow : fast;
        if (p->is_buffer || p->dtype != F64)
            continue;
        cr_expect(!memcmp(both + p->offset, want + p->offset, p->numel * sizeof *both), "%s", p->name);
        in_group += inside;
        outside += !inside;
    }
    cr_expect(in_group > 0 && outside > 0);
    trainer_free(trainer);
    free(slow);
    free(fast);
    free(both);
}

Test(param_groups, groups_with_the_same_options_change_nothing) {
    double *one = weights_after((const char *[]){NULL}, 12);
    double *many = weights_after(
        (const char *[]){GROUPS("[{params: [edge_mlp, linear_1]}, {params: linear_2, lr: 0.01}]"), NULL}, 12);
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    cr_expect(!memcmp(one, many, state_find(trainer_state(trainer), "model.f64")->count * sizeof *one),
              "schedules and moments are the same");
    trainer_free(trainer);
    free(one);
    free(many);
}

Test(param_groups, rates_are_scheduled_logged_resumed_and_set_by_group) {
    struct start start = {.output = "whole",
                          .overrides = {GROUPS("[{params: edge_mlp, lr: 0.001}]"), "trainer.max_epochs=6",
                                        "training_module._target_=ema_config"}};
    struct error error = {0};
    double first, second;
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_get(trainer, "lr", &first, &error);
    cr_assert_eq(trainer_get(trainer, "lr.pg2", &second, &error), 0, "%s", error.message);
    cr_expect(first < 0.01 && fabs(second - 0.1 * first) < 1e-15, "%g, %g", first, second);
    trainer_free(trainer);
    struct table table = table_read("whole/metrics.csv");
    cr_expect_str_eq(table_cell(&table, 0, "lr-Adam/pg1"), "0.01");
    cr_expect_str_eq(table_cell(&table, 0, "lr-Adam/pg2"), "0.001");
    table_free(&table);

    start.output = "parts";
    trainer = case_open(&start);
    case_steps(trainer, 7);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0);
    trainer_free(trainer);
    start.resume = "saved.safetensors";
    trainer = case_open(&start);
    cr_assert_eq(trainer_set(trainer, "lr.pg2", 0.5, &error), 0, "%s", error.message);
    trainer_get(trainer, "lr.pg2", &second, &error);
    cr_expect_eq(second, 0.5);
    trainer_free(trainer);
    trainer = case_open(&start);
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want);
    trainer_free(trainer);
}

static const struct {
    const char *override, *word;
} mistakes[] = {
    {GROUPS("[{params: edge_mpl}]"), "no parameter matches"},
    {GROUPS("[{params: [edge_mlp, nothing]}]"), "no parameter matches"},
    {GROUPS("[{params: edge_mlp}, {params: '*mlp*'}]"), "in group 1 already"},
    {GROUPS("[{params: edge_mlp, lrate: 1}]"), "unknown key \"lrate\""},
    {GROUPS("[{params: edge_mlp, lr: -1}]"), "lr"},
    {GROUPS("[{params: edge_mlp, amsgrad: true}]"), "amsgrad"},
    {GROUPS("[{lr: 1}]"), "'params' is missing"},
    {GROUPS("3"), "a list"},
    {"++training_module.optimizer.param_groups={_target_: nequip.model.MuonParamGroups}", "MuonParamGroups"},
};

Test(param_groups, mistakes) {
    for (size_t k = 0; k < sizeof mistakes / sizeof *mistakes; k++) {
        struct trainer *trainer = NULL;
        struct error error = {0};
        case_enter("ema_adam");
        cr_expect_neq(case_try(&trainer, &(struct start){.overrides = {mistakes[k].override}}, &error), 0, "%s",
                      mistakes[k].override);
        cr_expect(strstr(error.message, mistakes[k].word), "%s: '%s' lacks '%s'", mistakes[k].override, error.message,
                  mistakes[k].word);
    }
}
