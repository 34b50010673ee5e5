/* Changes that are remembered. */
#ifndef FETTLE_TRAIN_RUN_CHANGE_H
#define FETTLE_TRAIN_RUN_CHANGE_H

#include "train/run/trainer.h"

/* Changes that are remembered.  A change is made between batches; it leaves one line in the audit log, which is part of
 * the state (so checkpoints hold it, and going back in time takes lines away) and is kept as audit.log in the folder of
 * the run.  The same config, data and audit log (trainer_options.replay) give the same run, bit for bit.  The words are
 * those of a command:
 *   set NAME VALUE               a setting; null is NaN
 *   strategy NAME [KEY=VALUE...] another training module: the model goes on, and what both keep (the optimizer's
 *                                moments, an average); what is new begins as at a fresh start.  Keys are those of the
 *                                module, optimizer.* and lr_scheduler.* included; ~KEY takes one away.
 *   optimizer NAME [KEY=VALUE...]  another optimizer; the learning rate stays unless it is given
 *   freeze PATTERN, unfreeze PATTERN   parameters whose name, or any parts of it between dots, match
 *   reinit PATTERN [SEED]        these weights as they are drawn at a start; their moments zero, an average the same
 * What became of the state is told in report (may be NULL).  After an error nothing has changed. */
int trainer_change(struct trainer *trainer, int count, const char *const *words, struct text *report,
                   struct error *error);
const char *trainer_change_name(size_t k); /* "set", "strategy", ...; NULL behind the last */

#endif
