/* From a gradient to new weights: sums over batches, clipping, the optimizer's step. All members of the team share the
 * parameters evenly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/dot.h"
#include "train/trainer_internal.h"

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
    if (kind->scalars && !(optimizer->scalars = state_add(trainer->state, "optimizer.scalars", STATE_F64,
                                                          (size_t)kind->scalars, 0, error)))
        return ERROR_MEMORY;
    if (optimizer->scalars)
        optimizer->scalars->range = &state_finite;
    for (int g = 0; g < optimizer->groups.count; g++) {
        double *lr = (double *)optimizer->lr->data + 2 * g;
        lr[0] = lr[1] = kind->lr(optimizer->groups.options[g]);
    }
    return 0;
}

/* ---------------------------------------------------------------- sums over a window of batches */

void update_accumulate(struct trainer *trainer) {
    int first = cursor_of(trainer)->window == 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(trainer->model, (enum dtype)d);
        struct variable *window = trainer->window[d];
        if (d == F32) {
            float *restrict sum = window->next, *restrict g = trainer->grads[d];
            const float *restrict before = window->data;
            for (size_t k = 0; k < count; k++)
                g[k] = sum[k] = first ? g[k] : before[k] + g[k];
        } else {
            double *restrict sum = window->next, *restrict g = trainer->grads[d];
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
        total += dot((enum dtype)d, job->trainer->grads[d], job->trainer->grads[d], begin, end);
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
        trainer->grad_limit = limit;
        return;
    }
    trainer->grad_norm = update_norm(trainer);
    double scale = limit / (trainer->grad_norm + 1e-6); /* torch.nn.utils.clip_grad_norm_ */
    trainer->grad_scale = scale < 1 ? scale : 1;
    if (isnan(scale))
        trainer->grad_scale = scale;
}

/* ---------------------------------------------------------------- the step */

static void update_span(const struct trainer *trainer, enum dtype dtype, int group, size_t begin, size_t end) {
    const struct optimizer *optimizer = &trainer->optimizer;
    size_t offset = begin * dtype_size(dtype);
    if (begin >= end)
        return;
    struct optimizer_span span = {
        .count = end - begin,
        .p = (const char *)trainer->parameters[dtype]->data + offset,
        .g = (const char *)trainer->grads[dtype] + offset,
        .p_next = (char *)trainer->parameters[dtype]->next + offset,
        .lr = ((double *)optimizer->lr->data)[2 * group],
        .step = *(int64_t *)optimizer->step->data,
        .scalars = optimizer->scalars ? optimizer->scalars->data : NULL,
        .grad_scale = trainer->grad_scale,
        .grad_limit = trainer->grad_limit,
    };
    for (int s = 0; s < optimizer->slots; s++) {
        span.slot[s] = (const char *)optimizer->slot[s][dtype]->data + offset;
        span.slot_next[s] = (char *)optimizer->slot[s][dtype]->next + offset;
    }
    optimizer->kind->update(optimizer->groups.options[group], dtype, &span);
}

/* What is frozen keeps its weights and moments. */
static void keep_span(const struct trainer *trainer, enum dtype dtype, size_t begin, size_t end) {
    size_t size = dtype_size(dtype), offset = begin * size, bytes = (end - begin) * size;
    if (begin >= end)
        return;
    const struct optimizer *optimizer = &trainer->optimizer;
    memcpy((char *)trainer->parameters[dtype]->next + offset, (char *)trainer->parameters[dtype]->data + offset, bytes);
    for (int s = 0; s < optimizer->slots; s++)
        memcpy((char *)optimizer->slot[s][dtype]->next + offset, (char *)optimizer->slot[s][dtype]->data + offset,
               bytes);
}

static void run_step(void *context, int member, int members) {
    const struct trainer *trainer = context;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        size_t count = model_trainable_size(trainer->model, (enum dtype)d);
        /* whole cache lines to each member */
        size_t lines = (count + 15) / 16, begin = 16 * (lines * (size_t)member / (size_t)members),
               end = 16 * (lines * (size_t)(member + 1) / (size_t)members), at = begin;
        end = end < count ? end : count;
        for (int k = 0; k < model_nparameters(trainer->model); k++) {
            const struct parameter *p = model_parameter(trainer->model, k);
            int group = trainer->optimizer.groups.group[k];
            if ((!p->frozen && !group) || p->is_buffer || p->dtype != (enum dtype)d || p->offset >= end ||
                p->offset + p->numel <= at)
                continue;
            size_t from = p->offset > at ? p->offset : at, to = p->offset + p->numel < end ? p->offset + p->numel : end;
            update_span(trainer, (enum dtype)d, 0, at, from);
            if (p->frozen)
                keep_span(trainer, (enum dtype)d, from, to);
            else
                update_span(trainer, (enum dtype)d, group, from, to);
            at = to;
        }
        update_span(trainer, (enum dtype)d, 0, at, end);
    }
}

void update_step(struct trainer *trainer) {
    struct optimizer *optimizer = &trainer->optimizer;
    ++*(int64_t *)optimizer->step->data;
    if (optimizer->kind->advance)
        optimizer->kind->advance(optimizer->options, *(double *)optimizer->lr->data, *(int64_t *)optimizer->step->data,
                                 optimizer->scalars->data);
    team_run(trainer->team, run_step, trainer);
    for (int d = 0; d < DTYPE_COUNT; d++) {
        int any = model_trainable_size(trainer->model, (enum dtype)d) > 0;
        trainer->parameters[d]->written = any;
        for (int s = 0; s < optimizer->slots; s++)
            optimizer->slot[s][d]->written = any;
    }
}
