/* The loop: a machine of phases that can be left after any of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/audit.h"
#include "train/run/batches.h"
#include "train/run/best.h"
#include "train/run/callback.h"
#include "train/run/checkpoint.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/evaluate.h"
#include "train/run/finite.h"
#include "train/run/logging.h"
#include "train/run/loop.h"
#include "train/run/programs.h"
#include "train/run/run_folder.h"
#include "train/run/schedule.h"
#include "train/run/streams.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"

const char *phase_name(enum phase phase) {
    static const char *const names[] = {"start",    "sanity",    "epoch",      "load",      "forward", "loss",
                                        "backward", "combine",   "clip",       "optimizer", "average", "log",
                                        "validate", "epoch_end", "checkpoint", "test",      "done"};
    return phase < PHASE_COUNT ? names[phase] : "?";
}

static int last_batch(const struct trainer *trainer) {
    return cursor_of(trainer)->batch + 1 >= trainer_batches(trainer);
}

/* Whether this batch ends a window of accumulated gradients. */
static int steps_now(const struct trainer *trainer) {
    return (cursor_of(trainer)->batch + 1) % callbacks_accumulate(trainer) == 0 || last_batch(trainer);
}

static double training_seconds(const struct trainer *trainer) {
    return trainer->position.seconds +
           (trainer->position.started > 0 ? clock_seconds() - trainer->position.started : 0);
}

double trainer_seconds(const struct trainer *trainer) {
    return training_seconds(trainer);
}

/* ---------------------------------------------------------------- phases */

static int start(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    evaluate_begin(trainer);
    if ((size_t)cursor->run >= trainer->position.nruns) {
        cursor->phase = PHASE_DONE;
        return trainer->audit.replay_at ? audit_replay(trainer, error) : 0; /* which may let it go on */
    }
    int looks = trainer->evaluation.nval && trainer->options.num_sanity_val_steps && trainer->options.limit_val > 0;
    if (strcmp(trainer->position.runs[cursor->run], "train"))
        cursor->phase = PHASE_TEST;
    else
        cursor->phase = looks ? PHASE_SANITY : PHASE_EPOCH;
    return 0;
}

static int sanity(struct trainer *trainer, struct error *error) {
    int by_hand = schedule_is_by_hand(trainer);
    struct log_history *history = &trainer->log.history;
    size_t known = history->count;
    struct loader_streams before, after;
    streams_read(trainer, ROLE_VAL, &before);
    int code = evaluate_role(trainer, ROLE_VAL, trainer->options.num_sanity_val_steps, by_hand, error);
    streams_read(trainer, ROLE_VAL, &after);
    after.process = before.process; /* Lightning puts it back, and the loader's own goes on */
    streams_keep(trainer, ROLE_VAL, &after);
    if (!code && by_hand)
        code = schedule_by_hand(trainer, error);
    log_drop(trainer); /* only the scheduler was to see it */
    while (history->count > known)
        free(history->names[--history->count]);
    if (!code)
        cursor_of(trainer)->phase = PHASE_EPOCH;
    return code;
}

/* A stop that was asked for waits for min_epochs and min_steps. */
static int may_stop(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    return cursor->should_stop && cursor->epochs >= trainer->options.min_epochs &&
           cursor->step >= trainer->options.min_steps;
}

static int is_reached(const struct trainer *trainer, enum length which, int64_t count) {
    double limit = trainer->position.length[which];
    return limit >= 0 && (double)count >= limit;
}

const char *loop_ends(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    if (is_reached(trainer, LENGTH_EPOCHS, cursor->epochs))
        return "max_epochs";
    if (is_reached(trainer, LENGTH_STEPS, cursor->step))
        return "max_steps";
    return may_stop(trainer) ? "stopped" : NULL;
}

/* Training begins in this process, be it within an epoch. */
static int begin_training(struct trainer *trainer, struct error *error) {
    if (trainer->position.started > 0)
        return 0;
    trainer->position.started = trainer->position.validated = clock_seconds();
    return callbacks_train_begin(trainer, error);
}

static int epoch(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer), before = *cursor;
    int code = begin_training(trainer, error);
    if (code)
        return code;
    if (loop_ends(trainer)) {
        cursor->trained = 1;
        cursor->run++;
        cursor->run_stage++;
        cursor->phase = PHASE_START;
        trainer->position.seconds = training_seconds(trainer);
        trainer->position.started = 0;
        code = callbacks_judge(trainer, MOMENT_TRAIN_END, error);
        if (!code)
            code = run_folder_end(trainer, error);
        if (code)
            *cursor = before;
        return code;
    }
    cursor->epoch = cursor->epochs;
    cursor->batch = cursor->window = cursor->validated = 0;
    cursor->epoch_open = 1;
    batches_begin_epoch(trainer);
    metrics_reset(trainer->evaluation.loss);
    if (trainer->evaluation.train_metrics)
        metrics_reset(trainer->evaluation.train_metrics);
    cursor->phase = PHASE_LOAD;
    return callbacks_epoch_begin(trainer, error);
}

static int load(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    int begins = trainer->position.started <= 0, code = begin_training(trainer, error);
    if (code)
        return code;
    if (begins && may_stop(trainer)) { /* its time was over already */
        cursor->phase = PHASE_EPOCH_END;
        return 0;
    }
    state_begin(trainer->state);
    trainer->position.open = 1;
    trainer->evaluation.gradients = 0;
    code = batches_load(trainer, cursor->batch, error);
    if (!code)
        code = callbacks_batch_loaded(trainer, error);
    cursor->phase = PHASE_FORWARD;
    return code;
}

static int forward(struct trainer *trainer, struct error *error) {
    int code = train_program_make(trainer, error);
    if (code)
        return code;
    /* what is logged is the weighted sum; what is differentiated is a share of the window's */
    for (size_t k = 0; k < metrics_nterms(trainer->evaluation.loss); k++)
        trainer->evaluation.coefficients[k] =
            metrics_coefficient(trainer->evaluation.loss, k) / (double)callbacks_accumulate(trainer);
    const struct layer *layer = composition_claimant(&trainer->composition, CLAIM_BACKWARD);
    if (layer->kind->weigh)
        layer->kind->weigh(layer, trainer, trainer->evaluation.coefficients);
    return train_program_forward(trainer, error);
}

static int loss(struct trainer *trainer, struct error *error) {
    int code = train_program_loss(trainer, error);
    if (code)
        return code;
    code = metrics_update(trainer->evaluation.loss, trainer->batches.now, &trainer->evaluation.prediction,
                          trainer->evaluation.values.loss, error);
    if (!code && trainer->evaluation.train_metrics)
        code = metrics_update(trainer->evaluation.train_metrics, trainer->batches.now, &trainer->evaluation.prediction,
                              trainer->evaluation.values.metrics, error);
    return code;
}

static int backward(struct trainer *trainer, struct error *error) {
    return train_program_backward(trainer, trainer->evaluation.gradients++, error);
}

int loop_gradients(struct trainer *trainer, struct error *error) {
    int code = forward(trainer, error);
    if (!code)
        code = loss(trainer, error);
    trainer->evaluation.gradients = 0;
    while (!code && trainer->evaluation.gradients < train_program_gradients(trainer))
        code = backward(trainer, error);
    return code;
}

int loop_combine(struct trainer *trainer, struct error *error) {
    struct layer *layer = composition_claimant(&trainer->composition, CLAIM_BACKWARD);
    int code = layer->kind->combine ? layer->kind->combine(layer, trainer, error) : 0;
    if (!code && callbacks_accumulate(trainer) > 1)
        update_accumulate(trainer);
    return code;
}

static void clip(struct trainer *trainer) {
    struct layer *layer = composition_claimant(&trainer->composition, CLAIM_CLIP);
    trainer->weights.grad_scale = 1;
    trainer->weights.grad_limit = 0;
    if (layer->kind->clip)
        layer->kind->clip(layer, trainer);
}

static void average(struct trainer *trainer) {
    for (int k = 0; k < trainer->composition.nlayers; k++)
        if (trainer->composition.layers[k].kind->after_step)
            trainer->composition.layers[k].kind->after_step(&trainer->composition.layers[k], trainer);
}

int loop_update(struct trainer *trainer, struct error *error) {
    clip(trainer);
    int code = update_step(trainer, error);
    if (!code)
        average(trainer);
    return code;
}

double loop_loss(const struct trainer *trainer) {
    return metrics_has_weighted_sum(trainer->evaluation.loss)
               ? trainer->evaluation.values.loss[metrics_count(trainer->evaluation.loss) - 1]
               : NAN;
}

int loop_evaluate(struct trainer *trainer, double *loss, struct error *error) {
    trainer->evaluation.at_next = 1;
    int code = loop_gradients(trainer, error);
    if (!code)
        code = loop_combine(trainer, error);
    trainer->evaluation.at_next = 0;
    if (code)
        return code;
    clip(trainer);
    *loss = loop_loss(trainer);
    return 0;
}

static int wants_validation(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    const struct trainer_settings *how = &trainer->options;
    int64_t epochs = how->check_val_every_n_epoch;
    if (!evaluate_has_batches(trainer) || (epochs && (cursor->epoch + 1) % epochs))
        return 0;
    if (may_stop(trainer))
        return 1;
    if (how->val_check_seconds > 0)
        return clock_seconds() - trainer->position.validated >= how->val_check_seconds;
    /* batches of this epoch, or of all; this one is accepted already */
    int64_t batches = epochs ? cursor->batch + 1 : cursor->accepted;
    return batches % trainer_settings_interval(how, trainer_batches(trainer)) == 0;
}

/* Whoever watches a value sees that of each batch, whether it gets a row or not. */
static void remember(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values) {
    for (size_t k = 0; metrics && k < metrics_count(metrics); k++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, metrics_name(metrics, k));
        history_set(trainer, name, values[k]);
    }
}

/* The batch is accepted: what it brought is logged, schedulers step. */
static int finish_batch(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    int stepped = steps_now(trainer), last = last_batch(trainer), code = 0;
    if (trainer->position.catches && (code = finite_check(trainer, error)))
        return code;
    /* what callbacks log of the time before the batch is still so: rates change below */
    if ((code = callbacks_batch_begin(trainer, error)))
        return code;
    cursor->window = stepped ? 0 : cursor->window + 1;
    cursor->step += stepped;
    cursor->accepted++;
    if (stepped)
        code = schedule_advance(trainer, 1, 0, error);
    if (!code && last)
        code = schedule_advance(trainer, 0, 0, error);
    if (code)
        return code;
    double most = trainer->position.length[LENGTH_TIME];
    if (most >= 0 && training_seconds(trainer) > most && !cursor->should_stop) {
        cursor->should_stop = 1;
        trainer_tell(trainer, EVENT_STOP, "max_time is reached");
    }
    if ((code = callbacks_batch_end(trainer, error)))
        return code;
    cursor->phase = wants_validation(trainer) ? PHASE_VALIDATE : PHASE_LOG; /* LOG: no batch is under way any more */
    int64_t epoch_now = cursor->epoch, step_now = cursor->stepped;
    state_commit(trainer->state);
    trainer->position.open = 0;
    remember(trainer, "train_loss_step/", trainer->evaluation.loss, trainer->evaluation.values.loss);
    remember(trainer, "train_metric_step/", trainer->evaluation.train_metrics, trainer->evaluation.values.metrics);
    if (stepped && log_is_due(trainer)) {
        if (trainer->evaluation.train_metrics)
            code = log_row(trainer, "train_metric_step/", trainer->evaluation.train_metrics,
                           trainer->evaluation.values.metrics, error);
        if (!code)
            code =
                log_row(trainer, "train_loss_step/", trainer->evaluation.loss, trainer->evaluation.values.loss, error);
        if (!code)
            code = log_flush(trainer, epoch_now, step_now, error);
    }
    return code ? code : callbacks_judge(trainer, MOMENT_BATCH, error);
}

/* Where the loop goes once a batch, and the validation after it, is over. */
static int next_batch(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    int stepped = cursor->window == 0;
    int code = stepped ? schedule_advance(trainer, 1, 1, error) : 0;
    cursor->stepped += stepped;
    cursor->batch++;
    int full = is_reached(trainer, LENGTH_STEPS, cursor->step);
    cursor->phase =
        cursor->batch >= trainer_batches(trainer) || full || may_stop(trainer) ? PHASE_EPOCH_END : PHASE_LOAD;
    return code;
}

static int log_batch(struct trainer *trainer, struct error *error) {
    /* a batch under way is accepted first; PHASE_LOG is then found again without one */
    int code = trainer->position.open ? finish_batch(trainer, error) : 0;
    if (!code && cursor_of(trainer)->phase == PHASE_LOG)
        code = next_batch(trainer, error);
    return code;
}

/* After a validation. */
static int judge(struct trainer *trainer, struct error *error) {
    int code = callbacks_judge(trainer, MOMENT_VALIDATION, error);
    if (!code && may_stop(trainer))
        cursor_of(trainer)->phase = PHASE_EPOCH_END;
    return code;
}

/* What could not judge within an epoch is asked again; around epochs its phase is entered again. */
static int judge_again(struct trainer *trainer, struct error *error) {
    if (!trainer->callbacks.failed)
        return 0;
    switch (trainer->callbacks.failed_at) {
    case MOMENT_BATCH:
        return callbacks_judge(trainer, MOMENT_BATCH, error);
    case MOMENT_VALIDATION:
        return judge(trainer, error);
    case MOMENT_EPOCH:
    case MOMENT_TRAIN_END:
        break;
    }
    return 0;
}

static int validate(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    int code = evaluate_role(trainer, ROLE_VAL, -1, 1, error);
    if (!code)
        code = log_flush(trainer, cursor->epoch, cursor->stepped, error);
    if (code) {
        log_drop(trainer);
        return code;
    }
    if (schedule_is_by_hand(trainer) && (code = schedule_by_hand(trainer, error)))
        return code;
    cursor->validated = 1;
    trainer->position.validated = clock_seconds();
    /* what callbacks write goes on after this validation */
    code = next_batch(trainer, error);
    return code ? code : judge(trainer, error);
}

static int epoch_end(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    double *values = trainer->evaluation.computed;
    int code = 0;
    if (trainer->evaluation.train_metrics) {
        metrics_compute(trainer->evaluation.train_metrics, values);
        whys_look(trainer, "train_metric_epoch/", trainer->evaluation.train_metrics, values);
        code = log_row(trainer, "train_metric_epoch/", trainer->evaluation.train_metrics, values, error);
    }
    metrics_compute(trainer->evaluation.loss, values);
    whys_look(trainer, "train_loss_epoch/", trainer->evaluation.loss, values);
    if (!code)
        code = log_row(trainer, "train_loss_epoch/", trainer->evaluation.loss, values, error);
    if (!code)
        code = callbacks_epoch_end(trainer, values, error);
    if (!code)
        code = log_flush(trainer, cursor->epoch, cursor->stepped - 1, error);
    if (!code && cursor->batch >= trainer_batches(trainer)) /* not in an epoch that was cut short */
        code = schedule_advance(trainer, 0, 1, error);
    if (code)
        return code;
    if (cursor->batch >= trainer_batches(trainer)) { /* one that was cut short may go on */
        metrics_reset(trainer->evaluation.loss);
        if (trainer->evaluation.train_metrics)
            metrics_reset(trainer->evaluation.train_metrics);
    }
    cursor->epoch_open = 0;
    cursor->phase = PHASE_CHECKPOINT;
    return 0;
}

static int checkpoint(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer), before = *cursor;
    cursor->epochs = cursor->epoch + 1; /* what is written now goes on with the next epoch */
    cursor->phase = PHASE_EPOCH;
    int code = callbacks_judge(trainer, MOMENT_EPOCH, error);
    /* after every epoch, unless epochs are so short that writing would cost more than a twentieth of the time */
    if (!code && clock_seconds() - trainer->folder.saved >= 20 * trainer->folder.saving)
        code = run_folder_last(trainer, error);
    if (code) {
        int64_t stop = cursor->should_stop;
        *cursor = before;
        cursor->should_stop = stop;
        return code;
    }
    trainer_tell(trainer, EVENT_EPOCH, "%lld", (long long)cursor->epoch);
    return 0;
}

/* Of what an evaluation with other weights leaves: files that callbacks have written, frames that were drawn. */
static int goes_on(void *context, const struct variable *variable) {
    const struct trainer *trainer = context;
    return callbacks_owner(&trainer->callbacks, variable->name) || streams_have(trainer, variable);
}

static int test(struct trainer *trainer, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    enum data_role role = strcmp(trainer->position.runs[cursor->run], "val") ? ROLE_TEST : ROLE_VAL;
    const char *best;
    struct snapshot *snapshot = NULL;
    int code = best_find(trainer, &best, error);
    if (code)
        return code;
    if (*best) { /* for this pass only: the run's own state is put back */
        snapshot = state_save(trainer->state);
        if (!snapshot)
            return error_memory(error);
        code = checkpoint_weights(trainer, best, error);
    }
    if (!code)
        code = evaluate_role(trainer, role, -1, 1, error);
    if (snapshot) {
        struct error second = {0};
        int restored = !code && snapshot_renew(snapshot, trainer->state, goes_on, trainer) ? error_memory(&second) : 0;
        restored |= state_restore(trainer->state, snapshot, restored ? NULL : &second);
        if (restored && !code)
            code = error_set(error, second.code, "%s", second.message);
        snapshot_free(snapshot);
    }
    if (!code)
        code = log_flush(trainer, cursor->epochs, cursor->stepped, error);
    if (code) {
        log_drop(trainer);
        return code;
    }
    cursor->run++;
    cursor->run_stage++;
    cursor->phase = PHASE_START;
    return 0;
}

/* ---------------------------------------------------------------- the machine */

void trainer_abandon(struct trainer *trainer) {
    if (!trainer->position.open)
        return;
    state_rollback(trainer->state);
    trainer_sync(trainer);
    trainer->position.open = 0;
    log_drop(trainer);
}

int trainer_advance(struct trainer *trainer, enum phase *done, struct error *error) {
    struct cursor *cursor = cursor_of(trainer);
    int code = trainer->position.open || !trainer->audit.replay_at ? 0 : audit_replay(trainer, error);
    if (!code)
        code = judge_again(trainer, error);
    if (code)
        return code;
    enum phase phase = (enum phase)cursor->phase;
    if (done)
        *done = phase;
    switch (phase) {
    case PHASE_START:
        code = start(trainer, error);
        break;
    case PHASE_SANITY:
        code = sanity(trainer, error);
        break;
    case PHASE_EPOCH:
        code = epoch(trainer, error);
        break;
    case PHASE_LOAD:
        code = load(trainer, error);
        break;
    case PHASE_FORWARD:
        if (!(code = forward(trainer, error)))
            cursor->phase = PHASE_LOSS;
        break;
    case PHASE_LOSS:
        if (!(code = loss(trainer, error)))
            cursor->phase = PHASE_BACKWARD;
        break;
    case PHASE_BACKWARD:
        code = backward(trainer, error);
        if (!code && trainer->evaluation.gradients == train_program_gradients(trainer))
            cursor->phase = PHASE_COMBINE;
        break;
    case PHASE_COMBINE:
        if (!(code = loop_combine(trainer, error)))
            cursor->phase = steps_now(trainer) ? PHASE_CLIP : PHASE_LOG;
        break;
    case PHASE_CLIP:
        clip(trainer);
        cursor->phase = PHASE_OPTIMIZER;
        break;
    case PHASE_OPTIMIZER:
        if (!(code = update_step(trainer, error)))
            cursor->phase = PHASE_AVERAGE;
        break;
    case PHASE_AVERAGE:
        average(trainer);
        cursor->phase = PHASE_LOG;
        break;
    case PHASE_LOG:
        code = log_batch(trainer, error);
        break;
    case PHASE_VALIDATE:
        code = validate(trainer, error);
        break;
    case PHASE_EPOCH_END:
        code = epoch_end(trainer, error);
        break;
    case PHASE_CHECKPOINT:
        code = checkpoint(trainer, error);
        break;
    case PHASE_TEST:
        code = test(trainer, error);
        break;
    case PHASE_DONE:
    case PHASE_COUNT:
        break;
    }
    if (code)
        trainer_abandon(trainer);
    return code;
}

enum phase trainer_phase(const struct trainer *trainer) {
    return (enum phase)cursor_of(trainer)->phase;
}

int trainer_done(const struct trainer *trainer) {
    return cursor_of(trainer)->phase == PHASE_DONE;
}

int trainer_at_boundary(const struct trainer *trainer) {
    enum phase phase = trainer_phase(trainer);
    return !trainer->position.open && (phase == PHASE_LOAD || phase == PHASE_EPOCH || phase == PHASE_TEST ||
                                       phase == PHASE_START || phase == PHASE_DONE);
}

int trainer_step_unless(struct trainer *trainer, enum step_answer (*ask)(void *context), void *context,
                        struct error *error) {
    enum phase done;
    int code, batch = 0;
    do {
        if ((code = trainer_advance(trainer, &done, error)))
            return code;
        batch |= done == PHASE_LOG || done == PHASE_VALIDATE || done == PHASE_TEST;
        enum step_answer answer = ask && !trainer_done(trainer) ? ask(context) : STEP_ON;
        if (answer == STEP_PAUSE)
            return 0;
        if (answer == STEP_GIVE_UP && trainer->position.open) {
            trainer_abandon(trainer);
            return error_set(error, ERROR_INTERRUPT, "the batch was abandoned");
        }
    } while (!trainer_done(trainer) && !(batch && trainer_at_boundary(trainer)));
    return 0;
}

int trainer_step(struct trainer *trainer, struct error *error) {
    return trainer_step_unless(trainer, NULL, NULL, error);
}

static int run_until(struct trainer *trainer, const atomic_int *stop, int one_epoch, struct error *error) {
    enum phase done;
    while (!trainer_done(trainer)) {
        int code = trainer_advance(trainer, &done, error);
        if (code)
            return code;
        if (one_epoch && (done == PHASE_CHECKPOINT || done == PHASE_TEST))
            return 0;
        if (stop && trainer_at_boundary(trainer) && atomic_load(stop) && !trainer_done(trainer))
            return error_set(error, ERROR_INTERRUPT, "interrupted");
    }
    return 0;
}

int trainer_epoch(struct trainer *trainer, const atomic_int *stop, struct error *error) {
    return run_until(trainer, stop, 1, error);
}

int trainer_run(struct trainer *trainer, const atomic_int *stop, struct error *error) {
    return run_until(trainer, stop, 0, error);
}
