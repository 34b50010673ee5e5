/* A batch phase by phase: what each brings is there when it was run, and gone when the batch is given up. */
#include "runs.h"
#include "train/run/look.h"
#include "train/run/phases.h"
#include "train/run/trainer.h"

#include <math.h>

static enum phase advance(struct trainer *trainer) {
    struct error error = {0};
    enum phase phase = PHASE_DONE;
    cr_assert_eq(trainer_advance(trainer, &phase, &error), 0, "%s", error.message);
    return phase;
}

static void advance_to(struct trainer *trainer, enum phase phase) {
    while (advance(trainer) != phase) {
    }
}

static double number_after(const char *text, const char *word) {
    const char *at = text ? strstr(text, word) : NULL;
    return at ? strtod(at + strlen(word), NULL) : NAN;
}

Test(phases, terms_are_there_before_the_batch_is_accepted) {
    case_enter("ema_adam");
    struct trainer *trainer = case_open(&(struct start){0});
    double early, late;
    case_steps(trainer, 1);
    for (int twice = 0; twice < 2; twice++) {
        advance_to(trainer, PHASE_FORWARD);
        cr_expect_not(trainer_under_way(trainer, "train_loss_step/forces_mse", &early));
        cr_expect_eq(advance(trainer), PHASE_LOSS);
        cr_assert(trainer_under_way(trainer, "train_loss_step/forces_mse", &early));
        cr_expect_not(trainer_under_way(trainer, "train_loss_step/nothing", &late));
        cr_assert(trainer_metric(trainer, "train_loss_step/forces_mse", &late));
        cr_expect_neq(early, late, "what was logged is of the batch before");
        if (!twice) {
            trainer_abandon(trainer);
            cr_expect_not(trainer_under_way(trainer, "train_loss_step/forces_mse", &early));
        }
    }
    advance_to(trainer, PHASE_LOG);
    cr_expect_not(trainer_under_way(trainer, "train_loss_step/forces_mse", &late));
    cr_assert(trainer_metric(trainer, "train_loss_step/forces_mse", &late));
    cr_expect_eq(early, late);
    trainer_free(trainer);
}

/* ConFIG has a gradient for each term, whose norms and cosines are those it works with. */
Test(phases, each_term_has_a_gradient_of_its_own) {
    case_enter("ema_config_adamw");
    struct trainer *trainer = case_open(&(struct start){0});
    struct error error = {0};
    double norms[8], norm, cosine, shown;
    size_t terms = trainer_terms(trainer);
    cr_assert_gt(terms, 1);
    case_steps(trainer, 1);
    advance_to(trainer, PHASE_LOSS);
    for (size_t k = 0; k < terms; k++) {
        struct text text = {0};
        cr_expect_eq(advance(trainer), PHASE_BACKWARD);
        trainer_brought(trainer, PHASE_BACKWARD, &text);
        cr_expect(strstr(text.data, trainer_term_name(trainer, k)), "'%s'", text.data);
        norms[k] = number_after(text.data, "norm ");
        text_free(&text);
    }
    cr_expect_eq(advance(trainer), PHASE_COMBINE);
    struct text text = {0};
    trainer_brought(trainer, PHASE_COMBINE, &text);
    shown = number_after(text.data, ": ");
    text_free(&text);
    advance_to(trainer, PHASE_LOG);
    char name[256];
    for (size_t k = 0; k < terms; k++) {
        snprintf(name, sizeof name, "config_norm.%s", trainer_term_name(trainer, k));
        cr_assert_eq(trainer_get(trainer, name, &norm, &error), 0, "%s", error.message);
        cr_expect_float_eq(norms[k], norm, 1e-5 * norm, "%s", name);
    }
    snprintf(name, sizeof name, "config_cosine.%s.%s", trainer_term_name(trainer, 0), trainer_term_name(trainer, 1));
    cr_assert_eq(trainer_get(trainer, name, &cosine, &error), 0, "%s", error.message);
    cr_expect_float_eq(shown, cosine, 1e-4);
    trainer_free(trainer);
}

/* Everything else has one; M-ConFIG's is that of one term in turn. */
Test(phases, one_gradient_of_the_sum) {
    static const char *const overrides[][2] = {
        {"training_module.ema_decay=0.9"},
        {"training_module._target_=ema_mconfig", "training_module.optimizer._target_=torch.optim.SGD"}};
    for (int k = 0; k < 2; k++) {
        char first[256] = "";
        case_enter("ema_adam");
        struct trainer *trainer = case_open(&(struct start){.overrides = {overrides[k][0], overrides[k][1]}});
        for (int batch = 0; batch < 2; batch++) {
            struct text text = {0};
            advance_to(trainer, PHASE_BACKWARD);
            trainer_brought(trainer, PHASE_BACKWARD, &text);
            cr_expect_eq(advance(trainer), PHASE_COMBINE);
            cr_expect_eq(!strstr(text.data, "weighted_sum"), k, "'%s'", text.data);
            *strchr(text.data, ':') = 0;
            if (batch)
                cr_expect_eq(!strcmp(first, text.data), !k, "%s, then %s", first, text.data);
            snprintf(first, sizeof first, "%s", text.data);
            text_free(&text);
        }
        trainer_free(trainer);
    }
}

Test(phases, every_phase_of_a_run_can_be_described) {
    static const char *const configs[] = {"ema_adam", "base_accumulate_cosine", "ema_config_adamw",
                                          "schedulefree_adamw", "ema_adam"},
                             *const clips[] = {"norm", "norm", NULL, "value", "value"};
    for (int k = 0; k < 5; k++) {
        char clip[64];
        case_enter(configs[k]);
        snprintf(clip, sizeof clip, "++trainer.gradient_clip_algorithm=%s", clips[k] ? clips[k] : "");
        struct trainer *trainer = case_open(&(struct start){
            .overrides = {"trainer.max_epochs=2", clips[k] ? "++trainer.gradient_clip_val=0.01" : NULL, clip}});
        int seen[PHASE_COUNT] = {0};
        while (!trainer_done(trainer)) {
            struct text text = {0};
            enum phase phase = advance(trainer);
            trainer_brought(trainer, phase, &text);
            seen[phase]++;
            if (phase >= PHASE_LOAD && phase < PHASE_LOG)
                cr_expect_gt(text.size, 0, "%s: %s", configs[k], phase_name(phase));
            cr_expect_not(text.data && strstr(text.data, "nan"), "%s: %s: %s", configs[k], phase_name(phase),
                          text.data);
            text_free(&text);
        }
        cr_expect_gt(seen[PHASE_LOSS], 0);
        cr_expect_eq(seen[PHASE_FORWARD], seen[PHASE_LOSS]);
        trainer_free(trainer);
    }
}
