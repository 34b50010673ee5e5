/* Batches joined ahead of their use, by a thread of their own.  A batch depends on its frames and the options alone, so
 * one that was asked for is the same as one that was not; what was asked for and is not taken next is forgotten. */
#ifndef FETTLE_DATA_FRAME_PREFETCH_H
#define FETTLE_DATA_FRAME_PREFETCH_H

#include "data/frame/batch.h"

struct prefetch;

struct prefetch *prefetch_new(void); /* NULL if out of memory; without threads it works, but not ahead */
void prefetch_free(struct prefetch *prefetch);

/* As batch_join: what was asked for last, if it is of these frames; else it is joined now.  The thread then rests. */
int prefetch_join(struct prefetch *prefetch, struct batch **out, const struct frame *const *frames, int nframes,
                  const struct batch_options *options, struct error *error);
/* Begins to join these frames, which (like the options) must stay as they are until the next call. */
void prefetch_ask(struct prefetch *prefetch, const struct frame *const *frames, int nframes,
                  const struct batch_options *options);
/* How many batches were there when they were wanted. */
long prefetch_served(const struct prefetch *prefetch);

#endif
