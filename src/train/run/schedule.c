/* The scheduler of a run: one for each parameter group, and when they step. */
#include <string.h>

#include "train/optimizer/param_groups.h"
#include "train/run/callback.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/logging.h"
#include "train/run/schedule.h"
#include "train/run/trainer.h"
#include "train/run/trainer_check.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"
#include "train/scheduler/scheduler.h"

static struct scheduler_subject subject_of(struct trainer *trainer, int group) {
    struct optimizer *optimizer = &trainer->optimizer;
    double *lr = (double *)optimizer->lr->data + 2 * group;
    return (struct scheduler_subject){
        .lr = lr,
        .initial_lr = lr[1],
        .momentum = optimizer->kind->momentum ? optimizer->kind->momentum(optimizer->groups.options[group]) : NULL,
        .group = group,
        .groups = optimizer->groups.count,
    };
}

int schedule_open(struct trainer *trainer, const struct config_node *config, struct error *error) {
    struct schedule_options options;
    int groups = trainer->optimizer.groups.count;
    int code = config_schedule(config, trainer->optimizer.kind, groups, &options, trainer->arena, error);
    if (code)
        return code;
    trainer->schedule = (struct schedule){.monitor = options.monitor,
                                          .name = options.name,
                                          .frequency = options.frequency,
                                          .by_step = !strcmp(options.interval, "step"),
                                          .strict = options.strict};
    for (int g = 0; !code && g < groups; g++) {
        struct scheduler_subject subject = subject_of(trainer, g);
        char prefix[32] = "scheduler.";
        if (g)
            snprintf(prefix, sizeof prefix, "scheduler.pg%d.", g);
        code = scheduler_new(g ? &trainer->schedule.more[g] : &trainer->schedule.scheduler, options.scheduler, &subject,
                             trainer->state, prefix, error);
    }
    return code;
}

/* Steps of the scheduler in the first `updates` of an epoch, if it steps with them. */
static int64_t steps_within(const struct trainer *trainer, int64_t updates) {
    int64_t batches = trainer_batches(trainer), window = trainer->options.accumulate_grad_batches, steps = 0;
    for (int64_t k = 1; k <= batches && updates > 0; k++)
        if (k % window == 0 || k == batches) {
            updates--;
            steps += k % trainer->schedule.frequency == 0;
        }
    return steps;
}

/* Steps of the scheduler in a run that goes to its end; -1 where that is not known. */
static int64_t steps_of(const struct trainer *trainer) {
    const struct trainer_settings *how = &trainer->options;
    const struct schedule *schedule = &trainer->schedule;
    int64_t batches = trainer_batches(trainer), window = how->accumulate_grad_batches, steps;
    if (how->max_time > 0 || callbacks_change_accumulation(trainer) || batches < 1 ||
        (how->max_epochs < 0 && how->max_steps < 0))
        return -1;
    int64_t updates = (batches + window - 1) / window, epochs = how->max_epochs, rest = 0;
    if (epochs < 0 || (how->max_steps >= 0 && how->max_steps / updates < epochs)) {
        epochs = how->max_steps / updates;
        rest = how->max_steps % updates;
    }
    if (!schedule->by_step)
        return epochs / schedule->frequency;
    if (__builtin_mul_overflow(epochs, steps_within(trainer, updates), &steps))
        return INT64_MAX;
    return steps + steps_within(trainer, rest);
}

int schedule_lasts(struct trainer *trainer, const struct config_node *config, struct error *error) {
    enum { MOST = 10000000 }; /* counted out one by one */
    if (!trainer->schedule.scheduler || scheduler_is_plateau(trainer->schedule.scheduler))
        return 0;
    for (int k = 0; k < trainer->callbacks.count; k++)
        if (trainer->callbacks.list[k].kind->ends_training)
            return 0;
    int64_t steps = steps_of(trainer);
    struct scheduler_subject subject = subject_of(trainer, 0);
    struct error why = {0};
    const struct config_node *node = config_get(config, "scheduler");
    if (!scheduler_reaches(node, &subject, steps < MOST ? steps : MOST, &why))
        return 0;
    return config_error(node, error, why.code, "the run would end with an error: %s", why.message);
}

int schedule_step(struct schedule *schedule, double metric, struct error *error) {
    int code = scheduler_step(schedule->scheduler, metric, error);
    for (int g = 1; !code && g < MAX_GROUPS; g++)
        if (schedule->more[g])
            code = scheduler_step(schedule->more[g], metric, error);
    return code;
}

int schedule_is_by_hand(struct trainer *trainer) {
    return !callbacks_scheduler(trainer) && trainer->schedule.scheduler && !trainer->schedule.by_step &&
           scheduler_is_plateau(trainer->schedule.scheduler) &&
           composition_claimant(&trainer->composition, CLAIM_BACKWARD)->kind->schedules_by_hand;
}

/* A metric that is missing at one moment costs the scheduler a step, not the run its end. */
static int has_metric(struct trainer *trainer, double *metric) {
    struct schedule *s = &trainer->schedule;
    int there = trainer_metric(trainer, s->monitor, metric);
    if (!there && s->strict && !s->told++)
        trainer_tell(trainer, EVENT_NOTICE, "the scheduler does not step: '%s' has not been logged yet", s->monitor);
    return there;
}

int schedule_by_hand(struct trainer *trainer, struct error *error) {
    double metric;
    return has_metric(trainer, &metric) ? schedule_step(&trainer->schedule, metric, error) : 0;
}

int schedule_advance(struct trainer *trainer, int by_step, int plateau, struct error *error) {
    struct schedule *s = &trainer->schedule;
    const struct cursor *cursor = cursor_of(trainer);
    struct callback *other = callbacks_scheduler(trainer);
    if (other)
        return by_step || plateau ? 0 : other->kind->schedule(other, trainer, error);
    if (schedule_is_by_hand(trainer) || !s->scheduler || s->by_step != by_step ||
        scheduler_is_plateau(s->scheduler) != plateau)
        return 0;
    int64_t count = by_step ? cursor->batch : cursor->epoch;
    if ((count + 1) % s->frequency)
        return 0;
    double metric = 0;
    return !plateau || has_metric(trainer, &metric) ? schedule_step(s, metric, error) : 0;
}

void schedule_sync(struct schedule *schedule) {
    if (schedule->scheduler)
        scheduler_sync(schedule->scheduler);
    for (int g = 1; g < MAX_GROUPS; g++)
        if (schedule->more[g])
            scheduler_sync(schedule->more[g]);
}

void schedule_free(struct schedule *schedule) {
    scheduler_free(schedule->scheduler);
    for (int g = 1; g < MAX_GROUPS; g++)
        scheduler_free(schedule->more[g]);
}
