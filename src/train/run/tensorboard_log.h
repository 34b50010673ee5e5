/* What is logged, as an event file that TensorBoard reads: events.out.tfevents.TIME.HOST.PID.N in a folder. */
#ifndef FETTLE_TRAIN_TENSORBOARD_LOG_H
#define FETTLE_TRAIN_TENSORBOARD_LOG_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct tensorboard_log;

/* prefix: stands before each tag, with a hyphen behind it; "" or NULL: none.  from: -1, or the step at
 * which a run goes on, or begins anew: what other files of the folder have from it on counts no longer. */
int tensorboard_log_open(struct tensorboard_log **out, const char *folder, const char *prefix, int64_t from,
                         struct error *error);
void tensorboard_log_free(struct tensorboard_log *log);
/* epoch < 0: none, else it is a scalar as well.  Nothing of a row that cannot be written is left. */
int tensorboard_log_row(struct tensorboard_log *log, int64_t epoch, int64_t step, size_t count,
                        const char *const *names, const double *values, struct error *error);
/* The run went back: what was written of this step and of later ones counts no longer. */
int tensorboard_log_back(struct tensorboard_log *log, int64_t step, struct error *error);

#endif
