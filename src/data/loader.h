/* The order in which frames are drawn, as torch's DataLoader draws it under NequIP.  What goes on from epoch to epoch
 * is the random stream alone. */
#ifndef FETTLE_DATA_LOADER_H
#define FETTLE_DATA_LOADER_H

#include <stdint.h>
#include "base/random.h"
#include "config/node.h"

struct loader_settings {
    int64_t batch_size; /* 1 */
    int shuffle;
    int drop_last;
    int64_t num_workers;     /* only what it does to the random stream */
    int64_t prefetch_factor; /* likewise; 0: torch's default of 2 */
};

struct loader {
    int64_t count; /* frames */
    struct loader_settings settings;
    int64_t limit; /* batches taken an epoch at most (limit_train_batches); 0: all */
};

/* torch's defaults. */
void loader_settings_default(struct loader_settings *settings);
/* What a config's map of DataLoader arguments says; where it is silent, settings stay as they are. */
int loader_settings_read(struct loader_settings *settings, const struct config_node *config, struct error *error);

void loader_init(struct loader *loader, int64_t count, const struct loader_settings *settings);
/* Batches of an epoch, the limit and drop_last considered. */
int64_t loader_batches(const struct loader *loader);
/* The order of the next epoch into order[count], and the stream's step beyond it. */
void loader_epoch(const struct loader *loader, struct random_stream *stream, int64_t *order);
/* Batch k is order[*first ... *first + *size - 1]. */
void loader_batch(const struct loader *loader, int64_t k, int64_t *first, int64_t *size);

/* torch.utils.data.random_split: sizes of the parts from lengths (counts, or fractions of 1); -1 and a reason in why
 * (or NULL) where they do not add up. */
int loader_split(int64_t count, const double *lengths, const int *is_integer, int nparts, int64_t *sizes,
                 const char **why);

#endif
