/* Whose a folder is. */
#ifndef FETTLE_TRAIN_RUN_RUN_CLAIM_H
#define FETTLE_TRAIN_RUN_RUN_CLAIM_H

#include <stdint.h>
#include "base/error.h"

struct trainer;

/* Whose a folder is */
/* Takes the lock of the run's folder, before anything is read or written; ERROR_STATE where another process has it. */
int run_claim_lock(struct trainer *trainer, struct error *error);
/* Once the checkpoint is read that the run goes on from: ERROR_STATE where the folder holds results of another run. */
int run_claim(struct trainer *trainer, struct error *error);
/* The same for a folder elsewhere that a callback writes to; without effect where it is this run's already. */
int run_claim_also(struct trainer *trainer, const char *folder, struct error *error);
/* For a single file that is appended to. */
int run_claim_file(struct trainer *trainer, const char *path, struct error *error);
void run_claim_release(struct trainer *trainer);
int run_claim_has(const struct trainer *trainer, const char *folder); /* it lies in the run's folder */
/* Draws up the identity of a run that begins. */
int run_claim_identify(struct trainer *trainer, struct error *error);
/* *ours: the file is a checkpoint of this run; *batches (may be NULL): how many batches after its beginning. Fails
 * where memory runs out, or reading fails. */
int run_claim_wrote(const struct trainer *trainer, const char *path, int *ours, int64_t *batches, struct error *error);
/* Where the run takes the place of another: the files of that one go. */
int run_claim_replace(struct trainer *trainer, struct error *error);

#endif
