/* The order in which frames are drawn, as torch's DataLoader draws it under NequIP.  What goes on from epoch to epoch
 * is the random stream alone. */
#ifndef FETTLE_DATA_SET_LOADER_H
#define FETTLE_DATA_SET_LOADER_H

#include <stdint.h>
#include "base/random.h"
#include "config/options.h"

/* What draws the indices of an epoch's frames, where it is not `shuffle`. */
enum loader_sampler {
    SAMPLER_NONE,
    SAMPLER_SEQUENTIAL, /* the first `drawn` frames */
    SAMPLER_RANDOM,     /* `drawn` of the first `from` frames, with or without replacement */
    SAMPLER_SUBSET,     /* `indices`, permuted */
    SAMPLER_WEIGHTED,   /* `drawn` of the first `from` frames by their `weights`, with or without replacement */
    SAMPLER_SHARED      /* what the processes of a distributed run draw together: loader_share */
};

struct loader_settings {
    int64_t batch_size; /* 1 */
    int shuffle;
    int drop_last;
    int64_t num_workers;     /* only what it does to the random stream */
    int64_t prefetch_factor; /* likewise; 0: torch's default of 2 */
    int persistent_workers;  /* likewise */
    enum loader_sampler sampler;
    int64_t drawn, from;
    int replacement;
    const int64_t *indices; /* [drawn], in the arena that they were read with */
    int64_t *room;          /* [from] scratch, likewise */
    const double *weights;  /* [from], likewise: at least 0, not all of them 0 */
    double *shares;         /* [from] scratch, likewise */
};

struct loader {
    int64_t count; /* frames */
    struct loader_settings settings;
    int64_t limit; /* batches taken an epoch at most (limit_train_batches); 0: all */
    int again;     /* the workers of an epoch before are still there, if they persist */
    int64_t epoch; /* where the sampler is shared: orders follow from it alone */
};

/* torch's generators: the loader's own, which shuffles; and that of the process, which samplers draw from. */
struct loader_streams {
    struct random_stream own, process;
};
void loader_streams_init(struct loader_streams *streams, uint64_t seed);

/* torch's defaults. */
void loader_settings_default(struct loader_settings *settings);
/* What a config's map of DataLoader arguments says; where it is silent, settings stay as they are. */
int loader_settings_read(struct loader_settings *settings, const struct config_node *config, struct arena *arena,
                         struct error *error);
/* Each argument of torch.utils.data.DataLoader: read, ignored for a reason, or refused. */
const struct option *loader_settings_rows(size_t *count);
/* The same of a sampler. */
const struct option *loader_sampler_rows(enum loader_sampler sampler, size_t *count);
/* Whether what is sampled is among so many frames; else an error at `config`. */
int loader_settings_fit(const struct loader_settings *settings, int64_t count, const struct config_node *config,
                        struct error *error);

void loader_init(struct loader *loader, int64_t count, const struct loader_settings *settings);
/* The frames one after the other, as the trainer's overfit_batches has them; a sampler in order stays. */
void loader_in_order(struct loader *loader);
/* Batches are those of so many processes, one beside the other, as torch's DistributedSampler hands them out: a number
 * of frames that the processes do not divide is filled up from the beginning.  In training the frames are always
 * shuffled. */
void loader_share(struct loader *loader, int64_t processes, int shuffled);
/* Indices of an epoch: those of the frames, but where a sampler draws fewer or more. */
int64_t loader_drawn(const struct loader *loader);
/* Batches of an epoch, the limit and drop_last considered. */
int64_t loader_batches(const struct loader *loader);
/* The order of the next epoch into order[loader_drawn], and the streams' step beyond it. */
void loader_epoch(const struct loader *loader, struct loader_streams *streams, int64_t *order);
/* The same where the loop asks for one batch more than there are, as Python's does. */
void loader_whole(const struct loader *loader, struct loader_streams *streams, int64_t *order);
/* The streams' step where an epoch is begun of which no batch is taken; order is scratch. */
void loader_glance(const struct loader *loader, struct loader_streams *streams, int64_t *order);
/* Batch k is order[*first ... *first + *size - 1]. */
void loader_batch(const struct loader *loader, int64_t k, int64_t *first, int64_t *size);

/* torch.utils.data.random_split: sizes of the parts from lengths (counts, or fractions of 1); -1 and a reason in why
 * (or NULL) where they do not add up. */
int loader_split(int64_t count, const double *lengths, const int *is_integer, int nparts, int64_t *sizes,
                 const char **why);

#endif
