/* The batches of an epoch: how many, of which frames; their size may change between epochs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/run/batches.h"
#include "train/run/streams.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

/* The one number of a variable. */
static int64_t *number(const struct variable *variable) {
    return variable->data;
}

/* How the frames are drawn with so many in a batch; limit_train_batches, which may be a share of the batches there are,
 * must leave some. */
static struct loader loader_of(const struct trainer *trainer, int64_t size, int64_t *batches) {
    struct loader loader;
    const struct dataset *data = datamodule_dataset(trainer->data, ROLE_TRAIN, 0);
    loader_init(&loader, (int64_t)data->count, datamodule_loader(trainer->data, ROLE_TRAIN));
    if (trainer->options.overfit)
        loader_in_order(&loader);
    loader.settings.batch_size = size;
    loader_share(&loader, trainer->options.together, !trainer->options.overfit);
    int64_t all = loader_batches(&loader);
    *batches = trainer_settings_limit(trainer->options.limit_train, trainer->options.limit_train_count, all);
    loader.limit = *batches < all ? *batches : 0;
    return loader;
}

/* Batches of an epoch with so many frames in each. */
static int64_t batches_with(const struct trainer *trainer, int64_t size) {
    int64_t batches;
    loader_of(trainer, size, &batches);
    return batches;
}

struct loader batches_loader(const struct trainer *trainer) {
    int64_t batches;
    return loader_of(trainer, *number(trainer->batches.epoch_size), &batches);
}

/* A state of no more than whole numbers: the order of the epoch; frames a batch, in this epoch and from the next one
 * on.  All else follows from config and data. */
static int add_state(struct trainer *trainer, int has_train, size_t count, struct error *error) {
    static const struct state_range size = {1, 0x1p53, 0};
    struct {
        struct variable **out;
        const char *name;
        enum state_type type;
        size_t count;
        const struct state_range *range;
    } all[] = {{&trainer->batches.order, "loop.order", STATE_I64, count, NULL},
               {&trainer->batches.epoch_size, "loop.epoch_batch_size", STATE_I64, 1, &size},
               {&trainer->batches.size, "loop.batch_size", STATE_I64, 1, &size}};
    for (size_t k = 0; k < (has_train ? 3 : 1); k++) {
        if (!(*all[k].out = state_add(trainer->state, all[k].name, all[k].type, all[k].count, 0, error)))
            return ERROR_MEMORY;
        (*all[k].out)->range = all[k].range;
    }
    return 0;
}

/* Which setting leaves none. */
static int no_batches(const struct trainer *trainer, struct error *error) {
    const struct trainer_settings *how = &trainer->options;
    const struct loader_settings *settings = datamodule_loader(trainer->data, ROLE_TRAIN);
    const struct config_node *node = config_get(config_root(trainer->configs.resolved), "trainer"), *place;
    const char *name = how->overfit ? "overfit_batches" : "limit_train_batches";
    struct loader loader;
    loader_init(&loader, (int64_t)trainer->batches.order->count, settings);
    long long all = (long long)loader_batches(&loader);
    place = config_get(node, name) ? config_get(node, name) : node;
    if (!all)
        return error_set(error, ERROR_DATA, "an epoch has no batches: %zu frames, batch_size %lld, drop_last",
                         trainer->batches.order->count, (long long)settings->batch_size);
    if (how->limit_train == 0)
        return config_error(place, error, ERROR_VALUE, "nothing would be trained; without `train` in `run` nothing is");
    return config_error(place, error, ERROR_VALUE, "%g of %lld batches are less than one; at least %.6g is expected",
                        how->limit_train, all, 1.0 / (double)all);
}

int batches_open(struct trainer *trainer, struct error *error) {
    trainer->batches.ahead = prefetch_new();
    trainer->evaluation.ahead = prefetch_new();
    if (!trainer->batches.ahead || !trainer->evaluation.ahead)
        return error_memory(error);
    int has_train = datamodule_count(trainer->data, ROLE_TRAIN) > 0;
    size_t frames = has_train ? datamodule_dataset(trainer->data, ROLE_TRAIN, 0)->count : 0, count = 0;
    const struct loader_settings *settings = datamodule_loader(trainer->data, ROLE_TRAIN);
    if (has_train) {
        struct loader loader;
        loader_init(&loader, (int64_t)frames, settings);
        if (trainer->options.overfit)
            loader_in_order(&loader);
        loader_share(&loader, trainer->options.together, 0);
        count = (size_t)loader_drawn(&loader);
    }
    int code = streams_open(trainer, error);
    if (!code)
        code = add_state(trainer, has_train, count, error);
    if (code)
        return code;
    for (size_t k = 0; frames && k < count; k++) /* a sampler may draw more than there are */
        ((int64_t *)trainer->batches.order->data)[k] = (int64_t)(k % frames);
    if (!has_train)
        return 0;
    *number(trainer->batches.size) = *number(trainer->batches.epoch_size) =
        settings->batch_size > 0 ? settings->batch_size : 1;
    return trainer_trains(trainer) && batches_with(trainer, *number(trainer->batches.size)) < 1
               ? no_batches(trainer, error)
               : 0;
}

int batches_check_state(const struct trainer *trainer, struct error *error) {
    const int64_t *order = trainer->batches.order->data;
    size_t count = trainer->batches.order->count;
    if (!trainer->batches.size)
        return count ? state_refuse(trainer->batches.order, error, "has %zu frames, where nothing is trained", count)
                     : 0;
    const struct variable *const sizes[] = {trainer->batches.epoch_size, trainer->batches.size};
    for (int k = 0; trainer_trains(trainer) && k < 2; k++)
        if (batches_with(trainer, *number(sizes[k])) < 1)
            return state_refuse(sizes[k], error, "is %lld: an epoch of %zu frames would have no such batches",
                                (long long)*number(sizes[k]), count);
    size_t frames = datamodule_dataset(trainer->data, ROLE_TRAIN, 0)->count;
    int sampled = datamodule_loader(trainer->data, ROLE_TRAIN)->sampler != SAMPLER_NONE && !trainer->options.overfit;
    int once = !sampled && trainer->options.together == 1;
    unsigned char *seen = calloc(frames + 1, 1);
    int code = seen ? 0 : error_memory(error);
    for (size_t k = 0; !code && k < count; k++)
        if (order[k] < 0 || order[k] >= (int64_t)frames || (seen[order[k]]++ && once))
            code = state_refuse(trainer->batches.order, error,
                                "has %lld for number %zu: each of %zu frames is expected%s, "
                                "counted from 0",
                                (long long)order[k], k, frames, once ? " once" : "");
    free(seen);
    return code;
}

int64_t trainer_batches(const struct trainer *trainer) {
    if (!trainer->batches.size)
        return 0;
    struct loader loader = batches_loader(trainer);
    return loader_batches(&loader);
}

int batches_set_size(struct trainer *trainer, double value, struct error *error) {
    size_t count = trainer->batches.order->count;
    if (value != floor(value) || value < 1 || value > (double)count)
        return error_set(error, ERROR_VALUE, "batch_size must be a whole number from 1 to %zu, not %g", count, value);
    if (batches_with(trainer, (int64_t)value) < 1)
        return error_set(error, ERROR_VALUE, "with batch_size %g an epoch would have no batches", value);
    *number(trainer->batches.size) = (int64_t)value;
    return 0;
}

void batches_begin_epoch(struct trainer *trainer) {
    struct loader_streams streams;
    int64_t epoch = cursor_of(trainer)->epoch, every = trainer->options.reload_every;
    *number(trainer->batches.epoch_size) = *number(trainer->batches.size);
    struct loader loader = batches_loader(trainer);
    loader.again = epoch > 0;
    loader.epoch = epoch;
    streams_read(trainer, ROLE_TRAIN, &streams);
    if (every && epoch && epoch % every == 0) /* a reload begins an epoch, and the loop another */
        loader_glance(&loader, &streams, trainer->batches.order->data);
    loader_epoch(&loader, &streams, trainer->batches.order->data);
    streams_keep(trainer, ROLE_TRAIN, &streams);
}

/* The frames of a stretch of the order, in trainer->batches.frames. */
static int gather(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error) {
    const struct dataset *data = datamodule_dataset(trainer->data, ROLE_TRAIN, 0);
    if ((size_t)size > trainer->batches.nframes) {
        const struct frame **frames = realloc(trainer->batches.frames, (size_t)size * sizeof *frames);
        if (!frames)
            return error_memory(error);
        trainer->batches.frames = frames;
        trainer->batches.nframes = (size_t)size;
    }
    for (int64_t k = 0; k < size; k++)
        trainer->batches.frames[k] = data->frames[order[first + k]];
    return 0;
}

int batches_load(struct trainer *trainer, int64_t k, struct error *error) {
    struct loader loader = batches_loader(trainer);
    int64_t first, size;
    loader_batch(&loader, k, &first, &size);
    int code = batches_join(trainer, trainer->batches.order->data, first, size, error);
    if (code || k + 1 >= loader_batches(&loader))
        return code;
    loader_batch(&loader, k + 1, &first, &size);
    if (gather(trainer, trainer->batches.order->data, first, size, error))
        return ERROR_MEMORY;
    prefetch_ask(trainer->batches.ahead, trainer->batches.frames, (int)size, model_batch_options(trainer->model));
    return 0;
}

int batches_join(struct trainer *trainer, const int64_t *order, int64_t first, int64_t size, struct error *error) {
    int code = gather(trainer, order, first, size, error);
    return code ? code
                : prefetch_join(trainer->batches.ahead, &trainer->batches.now, trainer->batches.frames, (int)size,
                                model_batch_options(trainer->model), error);
}

int batches_any(struct trainer *trainer, struct error *error) {
    if (trainer->batches.now)
        return 0;
    if (!trainer->evaluation.loss || !trainer->optimizer.kind || !trainer_batches(trainer))
        return error_set(error, ERROR_STATE, "nothing is trained here: there is no step to look at");
    int64_t count = (int64_t)trainer->batches.order->count, size = *number(trainer->batches.epoch_size);
    size = size < count ? size : count;
    int64_t *order = malloc((size_t)size * sizeof *order);
    if (!order)
        return error_memory(error);
    int64_t frames = (int64_t)datamodule_dataset(trainer->data, ROLE_TRAIN, 0)->count;
    for (int64_t k = 0; k < size; k++)
        order[k] = k % frames;
    int code = batches_join(trainer, order, 0, size, error);
    free(order);
    return code;
}
