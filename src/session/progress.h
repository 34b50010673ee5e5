/* What a loop says of itself: a line that is redrawn, a line per epoch, the default folder of a run. */
#ifndef FETTLE_SESSION_PROGRESS_H
#define FETTLE_SESSION_PROGRESS_H

#include "base/text.h"
#include "train/run/trainer.h"

struct progress {
    double begin;       /* when the loop was entered, s */
    double drawn;       /* when the line was last drawn */
    int64_t first_step; /* the global step then */
    int64_t first_batch;
};

void progress_begin(struct progress *progress, const struct trainer *trainer);
/* Whether it is time to draw again: ten times a second. */
int progress_due(struct progress *progress);
/* "epoch 3/60  batch 5/20  loss 0.0123  12.1 ms/batch  0:00:14 left" */
void progress_line(const struct progress *progress, const struct trainer *trainer, struct text *out);
/* "epoch 3/60  step 60  loss 0.0123  val0 forces_mae 0.0412 ..." for the epoch that has just ended. */
void progress_epoch(const struct trainer *trainer, struct text *out);
/* "epoch 3/60, batch 5/20, step 65": where the loop stands. */
void progress_place(const struct trainer *trainer, struct text *out);

/* Makes the folder `wanted`, or outputs/DATE/TIME as it is now where that is NULL, with a number behind it where it is
 * taken: no two runs get the same.  The caller frees *out. */
int progress_default_output(char **out, const char *wanted, struct error *error);
/* Nothing was trained: what opening a run has written to a folder of its own goes away again, and the folder with it,
 * unless it holds anything else. */
void progress_discard_output(const char *output);

#endif
