/* Parameters by name: frozen and thawed, drawn anew. */
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/run/composition.h"
#include "train/run/parameters.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/update.h"

int parameters_open(struct trainer *trainer, struct error *error) {
    int count = model_nparameters(trainer->model);
    trainer->weights.frozen = state_add(trainer->state, "loop.frozen", STATE_U8, (size_t)count, 0, error);
    if (!trainer->weights.frozen)
        return ERROR_MEMORY;
    trainer->weights.frozen->range = &state_flag;
    for (int k = 0; k < count; k++)
        ((unsigned char *)trainer->weights.frozen->data)[k] = model_parameter(trainer->model, k)->frozen != 0;
    return 0;
}

void parameters_sync(struct trainer *trainer) {
    for (int k = 0; trainer->weights.frozen && k < model_nparameters(trainer->model); k++)
        model_parameter(trainer->model, k)->frozen = ((const unsigned char *)trainer->weights.frozen->data)[k];
}

int parameters_train(const struct trainer *trainer) {
    const unsigned char *frozen = trainer->weights.frozen->data;
    for (int k = 0; k < model_nparameters(trainer->model); k++)
        if (!model_parameter(trainer->model, k)->is_buffer && !frozen[k])
            return 1;
    return 0;
}

int parameters_check_state(const struct trainer *trainer, struct error *error) {
    int idle = trainer->evaluation.loss && trainer_trains(trainer) && !parameters_train(trainer);
    return idle ? state_refuse(trainer->weights.frozen, error, "freezes every parameter: there is nothing to train")
                : 0;
}

static int none_matches(const struct trainer *trainer, const char *pattern, struct error *error) {
    enum { MOST = 1024 };
    struct arena *arena = arena_new();
    const char **parts = arena ? arena_alloc(arena, MOST * sizeof *parts) : NULL, *near = NULL;
    size_t count = 0;
    for (int k = 0; parts && k < model_nparameters(trainer->model); k++)
        for (const char *from = model_parameter(trainer->model, k)->name; count < MOST;) {
            size_t size = strcspn(from, ".");
            if ((parts[count] = arena_format(arena, "%.*s", (int)size, from)))
                count++;
            if (!from[size])
                break;
            from += size + 1;
        }
    near = parts ? text_nearest(pattern, parts, count) : NULL;
    int code = error_set(error, ERROR_NAME, "no parameter matches '%.100s'%s", pattern, DID_YOU_MEAN(near));
    arena_free(arena);
    return code;
}

int parameters_freeze(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error) {
    int freeze = !strcmp(words[0], "freeze"), n = model_nparameters(trainer->model), found = 0, changed = 0;
    size_t numbers = 0, left = 0;
    if (count != 2)
        return error_set(error, ERROR_USAGE, "usage: %s PATTERN", words[0]);
    unsigned char *next = malloc((size_t)n + 1);
    if (!next)
        return error_memory(error);
    memcpy(next, trainer->weights.frozen->data, (size_t)n);
    for (int k = 0; k < n; k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        if (p->is_buffer)
            continue;
        if (parameters_match(words[1], p->name)) {
            found++;
            changed += next[k] != freeze;
            numbers += next[k] != freeze ? p->numel : 0;
            next[k] = (unsigned char)freeze;
        }
        left += next[k] ? 0 : p->numel;
    }
    int code = !found ? none_matches(trainer, words[1], error)
               : !left
                   ? error_set(error, ERROR_VALUE, "every parameter would be frozen: there would be nothing to train")
                   : 0;
    if (!code)
        memcpy(trainer->weights.frozen->data, next, (size_t)n);
    free(next);
    if (code)
        return code;
    parameters_sync(trainer);
    if (report)
        text_format(report, "%d tensors (%zu numbers) %s; %zu numbers train\n", changed, numbers,
                    freeze ? "are frozen now" : "train again", left);
    return 0;
}

/* ---------------------------------------------------------------- drawn anew */

/* One stretch of a slab-like variable; nothing where it has none. */
static void put(struct variable *variable, const struct parameter *p, const void *from) {
    size_t size = dtype_size(p->dtype);
    if (!variable || p->offset + p->numel > variable->count)
        return;
    if (from)
        memcpy((char *)variable->data + p->offset * size, (const char *)from + p->offset * size, p->numel * size);
    else
        memset((char *)variable->data + p->offset * size, 0, p->numel * size);
}

int parameters_reinit(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error) {
    struct config *config = config_copy(trainer->configs.resolved);
    struct model *drawn = NULL;
    struct config_context context = {.sections = trainer_sections,
                                     .output_dir = trainer->folder.path,
                                     .statistic = datamodule_statistic,
                                     .statistic_context = trainer->data};
    char seed[128];
    int code = config ? 0 : error_memory(error), found = 0;
    size_t numbers = 0;
    if (!code && (count < 2 || count > 3))
        code = error_set(error, ERROR_USAGE, "usage: reinit PATTERN [SEED]");
    snprintf(seed, sizeof seed, "training_module.model.seed=%.60s", count > 2 ? words[2] : "");
    if (!code && count > 2)
        code = config_override(config, seed, error);
    if (!code && !(code = config_resolve(config, &context, error)))
        code = model_build(&drawn, config_find(config_root(config), "training_module.model"), error);
    for (int k = 0; !code && k < model_nparameters(trainer->model); k++) {
        const struct parameter *p = model_parameter(trainer->model, k);
        struct variable *average = composition_average(&trainer->composition, p->dtype);
        if (p->is_buffer || !parameters_match(words[1], p->name))
            continue;
        found++;
        numbers += p->numel;
        put(trainer->weights.parameters[p->dtype], p, model_slab(drawn, p->dtype));
        put(average, p, model_slab(drawn, p->dtype));
        for (int c = 0; c < 2 * trainer->callbacks.count; c++) {
            const struct callback *callback = &trainer->callbacks.list[c / 2];
            if (callback->kind->average)
                put(callback->kind->average(callback, p->dtype, c % 2), p, model_slab(drawn, p->dtype));
        }
        for (int s = 0; s < trainer->optimizer.slots; s++) {
            int weights = trainer->optimizer.kind->technique && !s; /* schedule-free: z */
            put(trainer->optimizer.slot[s][p->dtype], p, weights ? model_slab(drawn, p->dtype) : NULL);
        }
        if (trainer->optimizer.kind)
            optimizer_forget(&trainer->optimizer, k);
    }
    if (!code && !found)
        code = none_matches(trainer, words[1], error);
    if (!code)
        state_sync(trainer->state);
    if (!code && report)
        text_format(report, "%d tensors (%zu numbers) are as at the start, their moments are zero\n", found, numbers);
    model_free(drawn);
    config_free(config);
    return code;
}
