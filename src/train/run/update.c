/* From a gradient to new weights: sums over batches, clipping, the optimizer's step. All members of the team share the
 * parameters evenly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core/dot.h"
#include "train/core/state.h"
#include "train/optimizer/optimizer.h"
#include "train/optimizer/param_groups.h"
#include "train/run/loop.h"
#include "train/run/run.h"
#include "train/run/run_weights.h"
#include "train/run/trainer_internal.h"
#include "train/run/update.h"

/* Room for what a step works with; and whether the optimizer can take the parameters at all. */
static int open_stretches(struct trainer *trainer, const struct config_node *config, struct error *error) {
    struct optimizer *optimizer = &trainer->optimizer;
    const struct optimizer_kind *kind = optimizer->kind;
    int entries = model_nparameters(trainer->model), code = 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        optimizer->stretches[d] = arena_alloc(trainer->arena, ((size_t)entries + 1) * sizeof **optimizer->stretches);
        if (!optimizer->stretches[d])
            return error_memory(error);
    }
    for (int k = 0; !code && k < entries; k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (p->is_buffer)
            continue;
        if (kind->fits)
            code = kind->fits(p, config, error);
        size_t size = kind->scratch ? (kind->scratch(p) + 63) / 64 * 64 : 0;
        optimizer->scratch_size = size > optimizer->scratch_size ? size : optimizer->scratch_size;
    }
    size_t members = (size_t)team_size(trainer->team);
    if (!code && optimizer->scratch_size &&
        !(optimizer->scratch = arena_alloc(trainer->arena, members * optimizer->scratch_size)))
        code = error_memory(error);
    return code;
}

static struct optimizer_problem problem_of(struct trainer *trainer) {
    const struct optimizer *optimizer = &trainer->optimizer;
    const struct run_weights *weights = &trainer->weights;
    return (struct optimizer_problem){.arena = trainer->arena,
                                      .state = trainer->state,
                                      .model = trainer->model,
                                      .parameters = weights->parameters,
                                      .grads = weights->grads,
                                      .grad_scale = &weights->grad_scale,
                                      .grad_limit = &weights->grad_limit,
                                      .lr = optimizer->lr->data,
                                      .options = optimizer->options,
                                      .own = optimizer->own,
                                      .run = trainer,
                                      .loss = loop_loss,
                                      .evaluate = loop_evaluate};
}

int optimizer_open(struct trainer *trainer, const struct config_node *config, struct error *error) {
    struct optimizer *optimizer = &trainer->optimizer;
    int code = optimizer_read(&optimizer->kind, &optimizer->options, config, trainer->arena, error);
    const struct optimizer_kind *kind = optimizer->kind;
    if (code)
        return code;
    if ((code = param_groups_read(kind, optimizer->options, config, &optimizer->groups, trainer->arena, error)) ||
        (code = param_groups_assign(&optimizer->groups, trainer->model, trainer->arena, error)))
        return code;
    optimizer->slots = kind->slots(optimizer->options);
    for (int s = 0; s < optimizer->slots; s++)
        for (int d = 0; d < DTYPE_COUNT; d++) {
            const char *name =
                arena_format(trainer->arena, "optimizer.%s.%s", kind->slot_names[s], d == F32 ? "f32" : "f64");
            optimizer->slot[s][d] = state_add(trainer->state, name ? name : "", d == F32 ? STATE_F32 : STATE_F64,
                                              model_trainable_size(trainer->model, (enum dtype)d), 1, error);
            if (!optimizer->slot[s][d])
                return ERROR_MEMORY;
        }
    optimizer->lr = state_add(trainer->state, "optimizer.lr", STATE_F64, 2 * (size_t)optimizer->groups.count, 0, error);
    optimizer->step = state_add(trainer->state, "optimizer.step", STATE_I64, 1, 0, error);
    if (!optimizer->lr || !optimizer->step)
        return ERROR_MEMORY;
    optimizer->lr->range = &state_finite;
    optimizer->step->range = &state_counter;
    size_t entries = (size_t)model_nparameters(trainer->model);
    optimizer->skipped = state_add(trainer->state, "optimizer.skipped", STATE_I64, entries, 0, error);
    if (!optimizer->skipped)
        return ERROR_MEMORY;
    optimizer->skipped->range = &state_counter;
    optimizer->skipped->optional = 1;
    size_t scalars = (size_t)kind->scalars * (kind->per_parameter ? entries : 1);
    if (scalars && !(optimizer->scalars = state_add(trainer->state, "optimizer.scalars", STATE_F64, scalars, 0, error)))
        return ERROR_MEMORY;
    if (optimizer->scalars)
        optimizer->scalars->range = &state_finite;
    if ((code = open_stretches(trainer, config, error)))
        return code;
    struct optimizer_problem problem = problem_of(trainer);
    if (kind->open && (code = kind->open(&problem, error)))
        return code;
    optimizer->own = problem.own;
    for (int g = 0; g < optimizer->groups.count; g++) {
        double *lr = (double *)optimizer->lr->data + 2 * g;
        lr[0] = lr[1] = optimizer_lr(optimizer->groups.options[g]);
    }
    return 0;
}

/* ---------------------------------------------------------------- sums over a window of batches */

void update_accumulate(struct trainer *trainer) {
    int first = cursor_of(trainer)->window == 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(trainer->model, (enum dtype)d);
        struct variable *window = trainer->weights.window[d];
        if (d == F32) {
            float *restrict sum = window->next, *restrict g = trainer->weights.grads[d];
            const float *restrict before = window->data;
            for (size_t k = 0; k < count; k++)
                g[k] = sum[k] = first ? g[k] : before[k] + g[k];
        } else {
            double *restrict sum = window->next, *restrict g = trainer->weights.grads[d];
            const double *restrict before = window->data;
            for (size_t k = 0; k < count; k++)
                g[k] = sum[k] = first ? g[k] : before[k] + g[k];
        }
        window->written = count > 0;
    }
}

/* ---------------------------------------------------------------- clipping */

struct norm_job {
    const struct trainer *trainer;
    double sums[TEAM_MOST];
};

static void run_norm(void *context, int member, int members) {
    struct norm_job *job = context;
    double total = 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(job->trainer->model, (enum dtype)d);
        size_t begin = count * (size_t)member / (size_t)members, end = count * (size_t)(member + 1) / (size_t)members;
        total += dot((enum dtype)d, job->trainer->weights.grads[d], job->trainer->weights.grads[d], begin, end);
    }
    job->sums[member] = total;
}

double update_norm(const struct trainer *trainer) {
    struct norm_job job = {.trainer = trainer};
    team_run(trainer->team, run_norm, &job);
    double total = 0;
    for (int m = 0; m < team_size(trainer->team); m++)
        total += job.sums[m];
    return sqrt(total);
}

void update_clip(struct trainer *trainer, double limit, int by_value) {
    if (by_value) {
        trainer->weights.grad_limit = limit;
        return;
    }
    trainer->weights.grad_norm = update_norm(trainer);
    double scale = limit / (trainer->weights.grad_norm + 1e-6); /* torch.nn.utils.clip_grad_norm_ */
    trainer->weights.grad_scale = scale < 1 ? scale : 1;
    if (isnan(scale))
        trainer->weights.grad_scale = scale;
}

/* ---------------------------------------------------------------- the step */

static int has_gradient(const struct trainer *trainer, int entry) {
    return !model_parameter(trainer->model, entry)->frozen &&
           (trainer->optimizer.kind->absent_is_zero || trainer->evaluation.train.reached[entry]);
}

/* Counts the step for the parameters that take it, and lays them out in stretches. */
static void lay_out(struct trainer *trainer) {
    struct optimizer *optimizer = &trainer->optimizer;
    const struct optimizer_kind *kind = optimizer->kind;
    const double *lr = optimizer->lr->data;
    int64_t *skipped = optimizer->skipped->data, step = ++*(int64_t *)optimizer->step->data;
    int apart = !kind->scalars || kind->per_parameter, seen[MAX_GROUPS] = {0};
    if (kind->scalars && !kind->per_parameter)
        kind->advance(optimizer->options, lr[0], step, optimizer->scalars->data);
    memset(optimizer->nstretches, 0, sizeof optimizer->nstretches);
    for (int k = 0; k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (p->is_buffer || !p->numel)
            continue;
        struct stretch now = {p->offset, p->offset + p->numel, k, optimizer->groups.group[k], has_gradient(trainer, k),
                              step};
        if (!now.steps) {
            skipped[k]++;
        } else if (!seen[now.group]) {
            seen[now.group] = 1;
            optimizer->leading[now.group] = p->dtype;
        }
        if (apart)
            now.step = step - skipped[k] > 1 ? step - skipped[k] : 1;
        if (now.steps && kind->per_parameter)
            kind->advance(optimizer->groups.options[now.group], lr[2 * now.group], now.step,
                          (double *)optimizer->scalars->data + k * kind->scalars);
        int count = optimizer->nstretches[p->dtype];
        struct stretch *last = count ? &optimizer->stretches[p->dtype][count - 1] : NULL;
        if (last && !kind->whole && !kind->per_parameter && last->end == now.begin && last->group == now.group &&
            last->steps == now.steps && last->step == now.step)
            last->end = now.end;
        else
            optimizer->stretches[p->dtype][optimizer->nstretches[p->dtype]++] = now;
    }
}

static void update_span(const struct trainer *trainer, enum dtype dtype, const struct stretch *stretch, int member,
                        size_t begin, size_t end) {
    const struct optimizer *optimizer = &trainer->optimizer;
    const struct optimizer_kind *kind = optimizer->kind;
    size_t offset = begin * dtype_size(dtype);
    int of_each = kind->per_parameter ? stretch->entry * kind->scalars : 0;
    struct optimizer_span span = {
        .count = end - begin,
        .p = (const char *)trainer->weights.parameters[dtype]->data + offset,
        .g = (const char *)trainer->weights.grads[dtype] + offset,
        .p_next = (char *)trainer->weights.parameters[dtype]->next + offset,
        .lr = ((double *)optimizer->lr->data)[2 * stretch->group],
        .step = stretch->step,
        .scalars = optimizer->scalars ? (const double *)optimizer->scalars->data + of_each : NULL,
        .grad_scale = trainer->weights.grad_scale,
        .grad_limit = trainer->weights.grad_limit,
        .parameter = model_parameter(trainer->model, stretch->entry),
        .leading = optimizer->leading[stretch->group],
        .scratch = optimizer->scratch ? optimizer->scratch + (size_t)member * optimizer->scratch_size : NULL,
    };
    for (int s = 0; s < optimizer->slots; s++) {
        span.slot[s] = (const char *)optimizer->slot[s][dtype]->data + offset;
        span.slot_next[s] = (char *)optimizer->slot[s][dtype]->next + offset;
    }
    kind->update(optimizer->groups.options[stretch->group], dtype, &span);
}

/* What has no gradient keeps its weights and moments. */
static void keep_span(const struct trainer *trainer, enum dtype dtype, size_t begin, size_t end) {
    size_t size = dtype_size(dtype), offset = begin * size, bytes = (end - begin) * size;
    const struct optimizer *optimizer = &trainer->optimizer;
    memcpy((char *)trainer->weights.parameters[dtype]->next + offset,
           (char *)trainer->weights.parameters[dtype]->data + offset, bytes);
    for (int s = 0; s < optimizer->slots; s++)
        memcpy((char *)optimizer->slot[s][dtype]->next + offset, (char *)optimizer->slot[s][dtype]->data + offset,
               bytes);
}

static void run_step(void *context, int member, int members) {
    const struct trainer *trainer = context;
    const struct optimizer *optimizer = &trainer->optimizer;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(trainer->model, (enum dtype)d);
        /* whole cache lines to each member; or whole parameters, by where they begin */
        size_t lines = (count + 15) / 16, begin = 16 * (lines * (size_t)member / (size_t)members),
               end = 16 * (lines * (size_t)(member + 1) / (size_t)members);
        for (int k = 0; k < optimizer->nstretches[d]; k++) {
            const struct stretch *stretch = &optimizer->stretches[d][k];
            size_t from = stretch->begin > begin ? stretch->begin : begin;
            size_t to = stretch->end < end ? stretch->end : end;
            if (optimizer->kind->whole && from == stretch->begin && from < end)
                to = stretch->end;
            else if (optimizer->kind->whole)
                continue;
            if (from >= to)
                continue;
            if (stretch->steps)
                update_span(trainer, (enum dtype)d, stretch, member, from, to);
            else
                keep_span(trainer, (enum dtype)d, from, to);
        }
    }
}

int update_step(struct trainer *trainer, struct error *error) {
    struct optimizer *optimizer = &trainer->optimizer;
    lay_out(trainer);
    if (optimizer->kind->solve) {
        struct optimizer_problem problem = problem_of(trainer);
        return optimizer->kind->solve(&problem, error);
    }
    team_run(trainer->team, run_step, trainer);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        int any = model_trainable_size(trainer->model, (enum dtype)d) > 0;
        trainer->weights.parameters[d]->written = any;
        for (int s = 0; s < optimizer->slots; s++)
            optimizer->slot[s][d]->written = any;
    }
    return 0;
}

void optimizer_forget(struct optimizer *optimizer, int entry) {
    const struct optimizer_kind *kind = optimizer->kind;
    ((int64_t *)optimizer->skipped->data)[entry] = *(int64_t *)optimizer->step->data;
    for (int k = 0; kind->per_parameter && k < kind->scalars; k++)
        ((double *)optimizer->scalars->data)[entry * kind->scalars + k] = 0;
}
