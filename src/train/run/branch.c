/* Branches: the next batches run aside, to see what they bring, and taken back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/metric/metrics.h"
#include "train/run/branch.h"
#include "train/run/change.h"
#include "train/run/cursor.h"
#include "train/run/logging.h"
#include "train/run/loop.h"
#include "train/run/point.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

struct trainer_branch {
    struct trainer_point *end;
    int64_t batches;
    size_t nvalues;
    double *values; /* [batches][nvalues] */
    char ended[sizeof((struct error *)0)->message];
};

/* What is no part of the state and is looked at all the same: the last gradient, and the weights before the last step,
 * which stand in the other buffer. */
struct left_over {
    void *gradient[DTYPE_COUNT], *before[DTYPE_COUNT];
};

static void left_over_free(struct left_over *left) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        free(left->gradient[d]);
        free(left->before[d]);
    }
}

static int left_over_keep(struct left_over *left, const struct trainer *trainer) {
    memset(left, 0, sizeof *left);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t bytes = trainer->weights.parameters[d]->count * dtype_size((enum dtype)d);
        left->gradient[d] = malloc(bytes + 1);
        left->before[d] = malloc(bytes + 1);
        if (!left->gradient[d] || !left->before[d]) {
            left_over_free(left);
            return -1;
        }
        memcpy(left->gradient[d], trainer->weights.grads[d], bytes);
        memcpy(left->before[d], trainer->weights.parameters[d]->next, bytes);
    }
    return 0;
}

static void left_over_put(const struct left_over *left, struct trainer *trainer) {
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t bytes = trainer->weights.parameters[d]->count * dtype_size((enum dtype)d);
        memcpy(trainer->weights.grads[d], left->gradient[d], bytes);
        memcpy(trainer->weights.parameters[d]->next, left->before[d], bytes);
    }
}

/* Training is over: what `run` has left is no part of a branch. */
static int is_over(const struct trainer *trainer) {
    const struct cursor *cursor = cursor_of(trainer);
    return trainer_done(trainer) || cursor->trained || (cursor->phase == PHASE_EPOCH && loop_ends(trainer));
}

static int run_on(struct trainer_branch *branch, struct trainer *trainer, const struct trainer_branch_options *options,
                  struct error *error) {
    int64_t first = cursor_of(trainer)->accepted;
    int code = 0;
    while (!(branch->batches == options->batches && trainer_at_boundary(trainer))) {
        if (is_over(trainer)) {
            snprintf(branch->ended, sizeof branch->ended, "training is over (%s)",
                     loop_ends(trainer) ? loop_ends(trainer) : "the run says no more");
            return 0;
        }
        code = trainer_advance(trainer, NULL, error);
        if (code == ERROR_NUMERIC) { /* the batch was given up, and so would be those after it */
            snprintf(branch->ended, sizeof branch->ended, "%s", error->message);
            memset(error, 0, sizeof *error);
            return 0;
        }
        if (code)
            return code;
        if (cursor_of(trainer)->accepted - first > branch->batches) {
            memcpy(branch->values + (size_t)branch->batches * branch->nvalues, trainer->evaluation.values.loss,
                   branch->nvalues * sizeof *branch->values);
            branch->batches++;
        }
        if (options->give_up && options->give_up(options->context, branch->batches))
            return error_set(error, ERROR_INTERRUPT, "given up");
    }
    return 0;
}

static void remember(void *context, const char *name, double value) {
    history_set(context, name, value);
}

static int run(struct trainer_branch *branch, struct trainer *trainer, const struct trainer_branch_options *options,
               struct text *report, struct error *error) {
    int code = options->count ? trainer_change(trainer, options->count, options->words, report, error) : 0;
    if (!code)
        code = run_on(branch, trainer, options, error);
    if (!code && options->validate)
        code = trainer_evaluate(trainer, ROLE_VAL, 0, remember, trainer, error);
    return code ? code : trainer_point_new(&branch->end, trainer, error);
}

int trainer_branch_new(struct trainer_branch **out, struct trainer *trainer,
                       const struct trainer_branch_options *options, struct text *report, struct error *error) {
    struct trainer_point *now;
    struct trainer_branch *branch;
    struct left_over left;
    struct error own = {0}, second = {0};
    char *replay_at = trainer->audit.replay_at;
    *out = NULL;
    if (!trainer->evaluation.loss || is_over(trainer))
        return error_set(error, ERROR_STATE, "there are no batches to come: training is over");
    int code = trainer_point_new(&now, trainer, error);
    if (code)
        return code;
    branch = calloc(1, sizeof *branch);
    if (branch) {
        branch->nvalues = metrics_count(trainer->evaluation.loss);
        branch->values = calloc((size_t)options->batches * branch->nvalues + 1, sizeof *branch->values);
    }
    if (!branch || !branch->values || left_over_keep(&left, trainer)) {
        trainer_branch_free(branch);
        trainer_point_free(now);
        return error_set(error, ERROR_MEMORY, "out of memory for a branch");
    }
    trainer->position.aside++;
    code = run(branch, trainer, options, report, &own);
    int back = point_go_to(trainer, now, &second);
    trainer->position.aside--;
    trainer->audit.replay_at = replay_at;
    if (back)
        code = error_set(&own, second.code, "the state before the branch cannot be put back: %s", second.message);
    else
        left_over_put(&left, trainer);
    left_over_free(&left);
    trainer_point_free(now);
    if (code) {
        trainer_branch_free(branch);
        if (error)
            *error = own;
        return code;
    }
    *out = branch;
    return 0;
}

void trainer_branch_free(struct trainer_branch *branch) {
    if (!branch)
        return;
    trainer_point_free(branch->end);
    free(branch->values);
    free(branch);
}

int64_t trainer_branch_batches(const struct trainer_branch *branch) {
    return branch->batches;
}

const char *trainer_branch_ended(const struct trainer_branch *branch) {
    return branch->ended;
}

const struct trainer_point *trainer_branch_end(const struct trainer_branch *branch) {
    return branch->end;
}

size_t trainer_branch_values(const struct trainer_branch *branch) {
    return branch->nvalues;
}

const char *trainer_branch_value_name(const struct trainer *trainer, size_t k) {
    return metrics_name(trainer->evaluation.loss, k);
}

double trainer_branch_value(const struct trainer_branch *branch, int64_t batch, size_t k) {
    return branch->values[(size_t)batch * branch->nvalues + k];
}

/* ---------------------------------------------------------------- comparing */

static double at(const void *slab, enum dtype dtype, size_t k) {
    return dtype == F32 ? (double)((const float *)slab)[k] : ((const double *)slab)[k];
}

static const void *weights_at(const struct trainer *trainer, const struct trainer_point *point, enum dtype dtype) {
    return point ? point_weights(point, dtype) : trainer->weights.parameters[dtype]->data;
}

void trainer_apart(const struct trainer *trainer, int k, const struct trainer_point *from,
                   const struct trainer_point *a, const struct trainer_point *b, struct trainer_apart *out) {
    const struct parameter *p = model_parameter(trainer->model, k);
    const void *slab[3] = {weights_at(trainer, from, p->dtype), weights_at(trainer, a, p->dtype),
                           weights_at(trainer, b, p->dtype)};
    *out = (struct trainer_apart){0};
    for (size_t j = p->offset; j < p->offset + p->numel; j++) {
        double origin = at(slab[0], p->dtype, j), x = at(slab[1], p->dtype, j), y = at(slab[2], p->dtype, j);
        out->norm += origin * origin;
        out->moved_a += (x - origin) * (x - origin);
        out->moved_b += (y - origin) * (y - origin);
        out->along += (x - origin) * (y - origin);
        out->apart += (x - y) * (x - y);
    }
}
