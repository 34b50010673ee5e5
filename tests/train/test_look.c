/* Single frames and parameters, looked at. */
#include "runs.h"

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
        struct trainer_parameter look;
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
