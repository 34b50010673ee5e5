/* Techniques in compositions: the order of layers, pairs that are refused, averages that follow each step once, ConFIG
 * and M-ConFIG in runs. */
#include "runs.h"
#include "train/run/trainer_options.h"
#include "train/core/state.h"
#include "train/run/composition.h"
#include "train/technique/technique.h"
#include "train/run/trainer.h"

static void step(struct trainer *trainer, int count) {
    struct error error = {0};
    for (int k = 0; k < count; k++)
        cr_assert_eq(trainer_step(trainer, &error), 0, "%s", error.message);
}

static double setting(const struct trainer *trainer, const char *name) {
    struct error error = {0};
    double value = NAN;
    cr_expect_eq(trainer_get(trainer, name, &value, &error), 0, "%s", error.message);
    return value;
}

Test(config_composition, layers_stand_in_the_order_of_a_step) {
    const struct composition_kind kind = {
        {"test.Module", NULL}, "", {&technique_base, &technique_ema, &technique_conflict_free}};
    struct error error = {0};
    cr_expect_eq(composition_fits(&kind, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "'ema'") && strstr(error.message, "'config'"), "%s", error.message);
    cr_expect(strstr(error.message, claim_name(CLAIM_BACKWARD)), "%s", error.message);
    cr_expect(strstr(error.message, claim_name(CLAIM_EVALUATION)), "%s", error.message);
}

/* Each claim is made by two layers in turn. */
ParameterizedTestParameters(config_composition, no_claim_is_made_twice) {
    static int bits[CLAIM_COUNT];
    for (int k = 0; k < CLAIM_COUNT; k++)
        bits[k] = k;
    return cr_make_param_array(int, bits, CLAIM_COUNT);
}

ParameterizedTest(int *bit, config_composition, no_claim_is_made_twice) {
    const struct technique one = {.name = "one", .claims = 1u << *bit}, two = {.name = "two", .claims = 1u << *bit};
    const struct composition_kind kind = {{"test.Module", NULL}, "", {&technique_base, &one, &two}};
    struct error error = {0};
    cr_expect_eq(composition_fits(&kind, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "'one'") && strstr(error.message, "'two'"), "%s", error.message);
    cr_expect(strstr(error.message, claim_name(1u << *bit)), "%s", error.message);
}

Test(config_composition, what_is_refused_does_not_fit_and_says_why) {
    for (size_t k = 0; k < composition_refused_count; k++) {
        const struct composition_kind *kind = composition_refused[k];
        struct error error = {0}, told = {0};
        cr_expect_eq(composition_fits(kind, &error), ERROR_STATE, "%s fits", kind->target.target);
        char yaml[256];
        snprintf(yaml, sizeof yaml, "{_target_: %s}", kind->target.target);
        struct config *config = config_of(yaml);
        struct composition composition;
        struct module_options options;
        struct trainer_settings settings = {0};
        struct arena *arena = arena_new();
        cr_expect_neq(composition_read(&composition, &options, config_root(config), &settings, arena, &told), 0);
        cr_expect(strstr(told.message, error.message) && strstr(told.message, kind->help), "%s", told.message);
        cr_expect_eq(told.line, 1);
        arena_free(arena);
        config_free(config);
    }
}

/* ---------------------------------------------------------------- averages */

ParameterizedTestParameters(config_composition, the_average_follows_each_step_once) {
    static int kinds[64];
    for (size_t k = 0; k < composition_kind_count; k++)
        kinds[k] = (int)k;
    return cr_make_param_array(int, kinds, composition_kind_count);
}

/* Under every composition that has one; and where batches are summed, once for all of them. */
ParameterizedTest(int *kind, config_composition, the_average_follows_each_step_once) {
    int has = 0, whole = 0;
    for (int l = 0; l < MAX_LAYERS && composition_kinds[*kind]->layers[l]; l++) {
        const struct technique *layer = composition_kinds[*kind]->layers[l];
        has |= !strcmp(layer->name, "ema");
        whole |= strcmp(layer->name, "base") && layer->claims & CLAIM_BACKWARD; /* it wants each batch to itself */
    }
    for (int sum = 1; has && sum <= 2 - whole; sum++) {
        case_enter("ema_adam");
        struct start start = {.output = NULL};
        char accumulate[64];
        snprintf(accumulate, sizeof accumulate, "++trainer.accumulate_grad_batches=%d", sum);
        start_add(&start, "trainer.max_epochs=20");
        start_add(&start, accumulate);
        start_add_technique(&start, (size_t)*kind);
        struct trainer *trainer = case_open(&start);
        cr_expect_eq(setting(trainer, "ema_updates"), 1); /* the copy */
        for (int k = 1; k <= 9; k++) {
            step(trainer, 1);
            cr_expect_eq(setting(trainer, "ema_updates"), 1 + (double)trainer_global_step(trainer));
            cr_expect(sum > 1 || trainer_global_step(trainer) == k);
            uint64_t before = state_hash(trainer_state(trainer));
            case_validation(trainer, 0, "val0_epoch/weighted_sum");
            cr_expect_eq(state_hash(trainer_state(trainer)), before, "a validation has left something behind");
        }
        cr_expect(trainer_global_step(trainer) >= 4);
        trainer_free(trainer);
    }
}

/* ---------------------------------------------------------------- ConFIG and its scheduler */

static void as_in_nequip(const char *name) {
    case_enter(name);
    struct trainer *trainer = case_open(&(struct start){.output = "out", .init = "init.safetensors"});
    case_run(trainer);
    trainer_free(trainer);
    struct table got = table_read("out/metrics.csv"), want = table_read("wanted.csv");
    table_compare(&got, &want, 1e-7);
    table_free(&got);
    table_free(&want);
    weights_compare("out/last.safetensors", "final.safetensors", 1e-7);
}

/* Its plateau is stepped by the validation before training too, and sees the last of two validation sets. */
Test(config_composition, the_plateau_sees_the_validation_before_training) {
    as_in_nequip("config_sanity");
}

Test(config_composition, config_below_an_average) {
    as_in_nequip("ema_config_adamw");
}

static const struct {
    const char *overrides[3], *message;
} wrong[] = {
    {{"training_module.lr_scheduler.monitor=val0_epoch/weighted_sum"}, "val1_epoch/"},
    {{"training_module.lr_scheduler.monitor=train_loss_epoch/weighted_sum"}, "validation metrics only"},
    {{"training_module.lr_scheduler.interval=step"}, "once an epoch"},
    {{"training_module.lr_scheduler.scheduler._target_=torch.optim.lr_scheduler.StepLR"}, "ReduceLROnPlateau"},
    {{"++trainer.gradient_clip_val=1.0"}, "'base' and 'config'"},
    {{"++trainer.accumulate_grad_batches=2"}, "accumulate_grad_batches"},
    {{"+training_module.gradient_clip_val=-1"}, "0 or more"},
    {{"+training_module.norm_eps=0"}, "norm_eps"},
    {{"training_module._target_=fettle.train.MConFIGLightningModule"}, "torch.optim.SGD"},
    {{"training_module._target_=fettle.train.MConFIGLightningModule",
      "training_module.optimizer._target_=torch.optim.SGD", "+training_module.optimizer.momentum=0.9"},
     "no momentum"},
    {{"training_module._target_=fettle.train.MConFIGLightningModule",
      "training_module.optimizer._target_=torch.optim.SGD", "+training_module.betas=[0.9]"},
     "two numbers"},
};
enum { WRONG = sizeof wrong / sizeof *wrong };

ParameterizedTestParameters(config_composition, says_what_is_wrong) {
    static int indices[WRONG];
    for (int k = 0; k < WRONG; k++)
        indices[k] = k;
    return cr_make_param_array(int, indices, WRONG);
}

ParameterizedTest(int *index, config_composition, says_what_is_wrong) {
    struct start start = {0};
    struct error error = {0};
    memcpy(start.overrides, wrong[*index].overrides, sizeof wrong[*index].overrides);
    case_enter("config_sanity");
    cr_expect_neq(case_check(&start, &error), 0, "%s", wrong[*index].overrides[0]);
    cr_expect(strstr(error.message, wrong[*index].message), "%s: %s", wrong[*index].overrides[0], error.message);
}

/* ---------------------------------------------------------------- M-ConFIG */

#define MCONFIG "training_module._target_=fettle.train.MConFIGLightningModule"
#define PLAIN "training_module._target_=nequip.train.NequIPLightningModule"
#define PLAIN_SGD "training_module.optimizer._target_=torch.optim.SGD"
#define ONE_TERM "training_module.loss.coeffs.total_energy=null"
#define NO_SCHEDULE "~training_module.lr_scheduler"

/* Where there is one term only, its moments are Adam's. */
Test(config_composition, mconfig_of_one_term_is_adam) {
    case_enter("config_sanity");
    struct trainer *trainer = case_open(&(struct start){.output = "adam", .overrides = {PLAIN, ONE_TERM, NO_SCHEDULE}});
    case_run(trainer);
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "mconfig", .overrides = {MCONFIG, PLAIN_SGD, ONE_TERM, NO_SCHEDULE}});
    case_run(trainer);
    trainer_free(trainer);
    weights_compare("mconfig/last.safetensors", "adam/last.safetensors", 1e-7);
}

Test(config_composition, mconfig_takes_one_term_a_step) {
    case_enter("config_sanity");
    struct trainer *trainer =
        case_open(&(struct start){.output = NULL, .overrides = {MCONFIG, PLAIN_SGD, NO_SCHEDULE}});
    double first, second, last;
    step(trainer, 1); /* nothing moves until both terms were seen */
    cr_expect_eq(setting(trainer, "mconfig_steps"), 0);
    trainer_metric(trainer, "train_loss_step/weighted_sum", &first);
    step(trainer, 1);
    cr_expect_eq(setting(trainer, "mconfig_steps"), 1);
    step(trainer, 1);
    second = case_validation(trainer, 0, "val0_epoch/weighted_sum");
    case_run(trainer);
    cr_expect_eq(setting(trainer, "mconfig_steps"), (double)trainer_global_step(trainer) - 1);
    last = case_validation(trainer, 0, "val0_epoch/weighted_sum");
    cr_expect(isfinite(last) && last < second, "%g, then %g", second, last);
    trainer_free(trainer);
}

Test(config_composition, mconfig_resumed_to_the_bit) {
    case_enter("config_sanity");
    struct error error = {0};
    struct trainer *trainer =
        case_open(&(struct start){.output = "whole", .overrides = {MCONFIG, PLAIN_SGD, NO_SCHEDULE}});
    case_run(trainer);
    uint64_t want = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    trainer = case_open(&(struct start){.output = "parts", .overrides = {MCONFIG, PLAIN_SGD, NO_SCHEDULE}});
    step(trainer, 5);
    enum phase phase; /* a batch given up in between */
    do
        cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
    while (phase != PHASE_OPTIMIZER);
    trainer_abandon(trainer);
    cr_assert_eq(trainer_save(trainer, "saved.safetensors", &error), 0, "%s", error.message);
    trainer_free(trainer);
    trainer = case_open(&(struct start){
        .output = "parts", .resume = "saved.safetensors", .overrides = {MCONFIG, PLAIN_SGD, NO_SCHEDULE}});
    case_run(trainer);
    cr_expect_eq(state_hash(trainer_state(trainer)), want);
    trainer_free(trainer);
}
