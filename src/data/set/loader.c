#include "data/set/loader.h"

#include <math.h>
#include <string.h>

void loader_init(struct loader *loader, int64_t count, const struct loader_settings *settings) {
    *loader = (struct loader){.count = count, .settings = *settings};
    if (loader->settings.batch_size < 1)
        loader->settings.batch_size = 1;
}

void loader_streams_init(struct loader_streams *streams, uint64_t seed) {
    random_seed(&streams->own, seed);
    random_seed(&streams->process, 123); /* NequIP's seed_everything */
}

void loader_in_order(struct loader *loader) {
    loader->settings.shuffle = 0;
    if (loader->settings.sampler != SAMPLER_SEQUENTIAL)
        loader->settings.sampler = SAMPLER_NONE;
}

void loader_share(struct loader *loader, int64_t processes, int shuffled) {
    struct loader_settings *how = &loader->settings;
    if (processes < 2)
        return;
    how->drawn = (loader->count + processes - 1) / processes * processes;
    if (__builtin_mul_overflow(how->batch_size, processes, &how->batch_size))
        how->batch_size = INT64_MAX;
    how->sampler = SAMPLER_SHARED;
    how->shuffle = shuffled;
}

int64_t loader_drawn(const struct loader *loader) {
    return loader->settings.sampler ? loader->settings.drawn : loader->count;
}

/* Batches there would be without a limit. */
static int64_t all_batches(const struct loader *loader) {
    int64_t size = loader->settings.batch_size, drawn = loader_drawn(loader);
    return drawn / size + (!loader->settings.drop_last && drawn % size != 0);
}

int64_t loader_batches(const struct loader *loader) {
    int64_t batches = all_batches(loader);
    return loader->limit > 0 && loader->limit < batches ? loader->limit : batches;
}

/* Batches that the sampler is asked for, where so many are taken.  Worker processes are handed the batches ahead of
 * their use. */
static int64_t asked_for(const struct loader *loader, int64_t taken) {
    const struct loader_settings *settings = &loader->settings;
    int64_t ahead = 0, asked = taken;
    if (settings->num_workers > 0 &&
        (__builtin_mul_overflow(settings->num_workers, settings->prefetch_factor > 0 ? settings->prefetch_factor : 2,
                                &ahead) ||
         __builtin_add_overflow(asked, ahead, &asked)))
        asked = INT64_MAX;
    return asked;
}

/* Whether that is more than the epoch's frames. */
static int runs_dry(const struct loader *loader, int64_t asked) {
    const struct loader_settings *settings = &loader->settings;
    int64_t all = all_batches(loader);
    int is_short = !settings->drop_last && loader->count % settings->batch_size != 0;
    return is_short ? asked >= all : asked > all;
}

/* torch's RandomSampler without a generator of its own: it makes one, seeded by the process's. */
static void sample(const struct loader *loader, struct random_stream *process, int64_t *order) {
    const struct loader_settings *how = &loader->settings;
    struct random_stream stream;
    random_seed(&stream, random_u64(process) & INT64_MAX);
    for (int64_t k = 0; k < how->drawn && how->replacement; k++)
        order[k] = (int64_t)(random_u32(&stream) % (uint64_t)how->from);
    for (int64_t k = 0; k < how->drawn && !how->replacement; k += how->from) {
        int64_t some = how->drawn - k < how->from ? how->drawn - k : how->from;
        random_permutation(&stream, how->room, (size_t)how->from);
        memcpy(order + k, how->room, (size_t)some * sizeof *order);
    }
}

/* torch.multinomial: by the sums of the weights with replacement. */
static void draw_again(const struct loader_settings *how, struct random_stream *stream, int64_t *order) {
    double *sums = how->shares, sum = 0;
    for (int64_t k = 0; k < how->from; k++)
        sums[k] = sum += how->weights[k];
    for (int64_t k = 0; k < how->from; k++)
        sums[k] /= sum;
    sums[how->from - 1] = 1;
    for (int64_t k = 0; k < how->drawn; k++) {
        double at;
        int64_t left = 0, right = how->from;
        random_uniform_f64(stream, &at, 1, 0, 1);
        while (left < right) {
            int64_t middle = left + (right - left) / 2;
            if (sums[middle] < at)
                left = middle + 1;
            else
                right = middle;
        }
        order[k] = left;
    }
}

/* A heap whose first entry is the frame with the largest share; of equal ones, the first frame. */
static void sink(const double *shares, int64_t *heap, int64_t count, int64_t at) {
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        int64_t other = child + 1, moved = heap[at];
#define BEFORE(a, b) (shares[a] > shares[b] || (shares[a] == shares[b] && (a) < (b)))
        if (other < count && BEFORE(heap[other], heap[child]))
            child = other;
        if (!BEFORE(heap[child], moved))
            return;
        heap[at] = heap[child];
        heap[child] = moved;
    }
#undef BEFORE
}

/* Without replacement: each weight over a number of the exponential distribution, the largest first; so too where one
 * frame is drawn. */
static void draw_once(const struct loader_settings *how, struct random_stream *stream, int64_t *order) {
    int64_t *heap = how->room, count = how->from;
    random_uniform_f64(stream, how->shares, (size_t)count, 0, 1);
    for (int64_t k = 0; k < count; k++) {
        how->shares[k] = how->weights[k] / -log1p(-how->shares[k]);
        heap[k] = k;
    }
    for (int64_t k = count / 2; k-- > 0;)
        sink(how->shares, heap, count, k);
    for (int64_t k = 0; k < how->drawn; k++) {
        order[k] = heap[0];
        heap[0] = heap[--count];
        sink(how->shares, heap, count, 0);
    }
}

static void draw(const struct loader *loader, struct loader_streams *streams, int64_t taken, int64_t *order) {
    const struct loader_settings *how = &loader->settings;
    int64_t asked = asked_for(loader, taken), drawn = loader_drawn(loader);
    if (!(loader->again && how->persistent_workers))
        random_u64(&streams->own); /* the base seed of worker processes */
    for (int64_t k = 0; k < drawn; k++)
        order[k] = k;
    if (!asked)
        return;
    if (how->sampler == SAMPLER_SHARED) {
        struct random_stream stream;
        random_seed(&stream, 123 + (uint64_t)loader->epoch); /* NequIP's seed_everything */
        if (how->shuffle)
            random_permutation(&stream, order, (size_t)loader->count);
        for (int64_t k = loader->count; k < drawn; k++)
            order[k] = order[k - loader->count];
    } else if (how->sampler == SAMPLER_RANDOM) {
        sample(loader, &streams->process, order);
    } else if (how->sampler == SAMPLER_WEIGHTED) {
        (how->replacement && how->drawn > 1 ? draw_again : draw_once)(how, &streams->process, order);
    } else if (how->sampler == SAMPLER_SUBSET) {
        random_permutation(&streams->process, order, (size_t)drawn);
        for (int64_t k = 0; k < drawn; k++)
            order[k] = how->indices[order[k]];
    } else if (how->shuffle) {
        random_permutation(&streams->own, order, (size_t)drawn);
        if (runs_dry(loader, asked))
            for (int64_t k = 0; k + 1 < drawn; k++) /* a second permutation, of which nobody uses anything */
                random_u32(&streams->own);
    }
}

void loader_epoch(const struct loader *loader, struct loader_streams *streams, int64_t *order) {
    draw(loader, streams, loader_batches(loader), order);
}

void loader_whole(const struct loader *loader, struct loader_streams *streams, int64_t *order) {
    draw(loader, streams, all_batches(loader) + 1, order);
}

void loader_glance(const struct loader *loader, struct loader_streams *streams, int64_t *order) {
    draw(loader, streams, 0, order);
}

void loader_batch(const struct loader *loader, int64_t k, int64_t *first, int64_t *size) {
    *first = k * loader->settings.batch_size;
    *size = loader_drawn(loader) - *first;
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
