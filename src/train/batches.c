/* The batches of an epoch: how many, of which frames; their size may change between epochs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/trainer_internal.h"

static struct loader *loader_of(const struct trainer *trainer) {
    return trainer->loader_variable->data;
}

/* limit_train_batches may be a share of the batches there are. */
static int64_t limit(const struct trainer *trainer, struct loader *loader) {
    loader->limit = 0;
    int64_t all = loader_batches(loader);
    int64_t limited = trainer_settings_limit(trainer->options.limit_train, trainer->options.limit_train_count, all);
    if (limited < all)
        loader->limit = limited;
    return limited;
}

int batches_open(struct trainer *trainer, struct error *error) {
    trainer->ahead = prefetch_new();
    trainer->eval_ahead = prefetch_new();
    if (!trainer->ahead || !trainer->eval_ahead)
        return error_set(error, ERROR_MEMORY, "out of memory");
    int has_train = datamodule_count(trainer->data, ROLE_TRAIN) > 0;
    size_t count = has_train ? datamodule_dataset(trainer->data, ROLE_TRAIN, 0)->count : 0;
    trainer->loader_variable = state_add(trainer->state, "loop.loader", STATE_U8, sizeof(struct loader), 0, error);
    trainer->order = state_add(trainer->state, "loop.order", STATE_I64, count, 0, error);
    if (!trainer->loader_variable || !trainer->order)
        return ERROR_MEMORY;
    if (!has_train)
        return 0;
    if (!(trainer->batch_size = state_add(trainer->state, "loop.batch_size", STATE_I64, 1, 0, error)))
        return ERROR_MEMORY;
    struct loader *loader = loader_of(trainer);
    const struct loader_settings *settings = datamodule_loader(trainer->data, ROLE_TRAIN);
    loader_init(loader, (int64_t)count, settings, datamodule_seed(trainer->data));
    *(int64_t *)trainer->batch_size->data = loader->settings.batch_size;
    int64_t batches = limit(trainer, loader);
    for (size_t k = 0; k < trainer->nruns; k++)
        if (!strcmp(trainer->runs[k], "train") && batches < 1)
            return error_set(error, ERROR_DATA, "an epoch has no batches: %zu frames, batch_size %lld%s", count,
                             (long long)settings->batch_size, settings->drop_last ? ", drop_last" : "");
    return 0;
}

int64_t trainer_batches(const struct trainer *trainer) {
    return trainer->batch_size ? loader_batches(loader_of(trainer)) : 0;
}

int batches_set_size(struct trainer *trainer, double value, struct error *error) {
    struct loader loader = *loader_of(trainer);
    if (value != floor(value) || value < 1 || value > (double)loader.count)
        return error_set(error, ERROR_VALUE, "batch_size must be a whole number from 1 to %lld, not %g",
                         (long long)loader.count, value);
    loader.settings.batch_size = (int64_t)value;
    if (limit(trainer, &loader) < 1)
        return error_set(error, ERROR_VALUE, "with batch_size %g an epoch would have no batches", value);
    *(int64_t *)trainer->batch_size->data = (int64_t)value;
    return 0;
}

void batches_begin_epoch(struct trainer *trainer) {
    struct loader *loader = loader_of(trainer);
    int64_t size = *(int64_t *)trainer->batch_size->data;
    if (loader->settings.batch_size != size) {
        loader->settings.batch_size = size;
        limit(trainer, loader);
    }
    loader_epoch(loader, trainer->order->data);
}

/* The frames of a stretch of the order, in trainer->frames. */
static int gather(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error) {
    const struct dataset *data = datamodule_dataset(trainer->data, ROLE_TRAIN, 0);
    if ((size_t)size > trainer->nframes) {
        const struct frame **frames = realloc(trainer->frames, (size_t)size * sizeof *frames);
        if (!frames)
            return error_set(error, ERROR_MEMORY, "out of memory");
        trainer->frames = frames;
        trainer->nframes = (size_t)size;
    }
    for (int64_t k = 0; k < size; k++)
        trainer->frames[k] = data->frames[order[first + k]];
    return 0;
}

int batches_load(struct trainer *trainer, int64_t k, struct error *error) {
    const struct loader *loader = loader_of(trainer);
    int64_t first, size;
    loader_batch(loader, k, &first, &size);
    int code = batches_join(trainer, trainer->order->data, first, size, error);
    if (code || k + 1 >= loader_batches(loader))
        return code;
    loader_batch(loader, k + 1, &first, &size);
    if (gather(trainer, trainer->order->data, first, size, error))
        return ERROR_MEMORY;
    prefetch_ask(trainer->ahead, trainer->frames, (int)size, model_batch_options(trainer->model));
    return 0;
}

int batches_join(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error) {
    int code = gather(trainer, order, first, size, error);
    return code ? code
                : prefetch_join(trainer->ahead, &trainer->batch, trainer->frames, (int)size,
                                model_batch_options(trainer->model), error);
}

int batches_any(struct trainer *trainer, struct error *error) {
    if (trainer->batch)
        return 0;
    if (!trainer->loss || !trainer->optimizer.kind || !trainer_batches(trainer))
        return error_set(error, ERROR_STATE, "nothing is trained here: there is no step to look at");
    int64_t count = loader_of(trainer)->count, size = loader_of(trainer)->settings.batch_size;
    size = size < count ? size : count;
    int64_t *order = malloc((size_t)size * sizeof *order);
    if (!order)
        return error_set(error, ERROR_MEMORY, "out of memory");
    for (int64_t k = 0; k < size; k++)
        order[k] = k;
    int code = batches_join(trainer, order, 0, size, error);
    free(order);
    return code;
}
