#include "data/loader.h"

#include <math.h>

void loader_init(struct loader *loader, int64_t count, const struct loader_settings *settings) {
    *loader = (struct loader){.count = count, .settings = *settings};
    if (loader->settings.batch_size < 1)
        loader->settings.batch_size = 1;
}

/* Batches there would be without a limit. */
static int64_t all_batches(const struct loader *loader) {
    int64_t size = loader->settings.batch_size;
    return loader->count / size + (!loader->settings.drop_last && loader->count % size != 0);
}

int64_t loader_batches(const struct loader *loader) {
    int64_t batches = all_batches(loader);
    return loader->limit > 0 && loader->limit < batches ? loader->limit : batches;
}

/* Whether the sampler is asked for more than the epoch's frames.  Worker processes are handed the batches ahead of
 * their use, so that with them it is, unless a limit stops the epoch well before the end. */
static int runs_dry(const struct loader *loader) {
    const struct loader_settings *settings = &loader->settings;
    int64_t all = all_batches(loader), asked = loader_batches(loader);
    int is_short = !settings->drop_last && loader->count % settings->batch_size != 0;
    int64_t ahead = 0;
    if (settings->num_workers > 0 &&
        (__builtin_mul_overflow(settings->num_workers, settings->prefetch_factor > 0 ? settings->prefetch_factor : 2,
                                &ahead) ||
         __builtin_add_overflow(asked, ahead, &asked)))
        asked = INT64_MAX;
    return is_short ? asked >= all : asked > all;
}

void loader_epoch(const struct loader *loader, struct random_stream *stream, int64_t *order) {
    random_u64(stream); /* the base seed of worker processes */
    if (!loader->settings.shuffle) {
        for (int64_t k = 0; k < loader->count; k++)
            order[k] = k;
        return;
    }
    random_permutation(stream, order, (size_t)loader->count);
    if (runs_dry(loader))
        for (int64_t k = 0; k + 1 < loader->count; k++) /* a second permutation, of which nobody uses anything */
            random_u32(stream);
}

void loader_batch(const struct loader *loader, int64_t k, int64_t *first, int64_t *size) {
    *first = k * loader->settings.batch_size;
    *size = loader->count - *first;
    if (*size > loader->settings.batch_size)
        *size = loader->settings.batch_size;
}

int loader_split(int64_t count, const double *lengths, const int *is_integer, int nparts, int64_t *sizes,
                 const char **why) {
    double sum = 0;
    int integers = 1;
    for (int k = 0; k < nparts; k++) {
        sum += lengths[k];
        integers &= is_integer[k];
        *why = "a length is negative";
        if (!(lengths[k] >= 0))
            return -1;
    }
    *why = "there are no parts";
    if (nparts < 1)
        return -1;
    if (fabs(sum - 1) <= 1e-9) {
        int64_t taken = 0;
        for (int k = 0; k < nparts; k++) {
            sizes[k] = (int64_t)floor((double)count * lengths[k]);
            taken += sizes[k];
        }
        for (int k = 0; taken < count; k = (k + 1) % nparts, taken++)
            sizes[k]++;
        return 0;
    }
    *why = integers ? "the counts do not add up to the number of frames"
                    : "the fractions do not add up to 1 (counts must be integers)";
    if (!integers || sum != (double)count)
        return -1;
    for (int k = 0; k < nparts; k++)
        sizes[k] = (int64_t)lengths[k];
    return 0;
}
