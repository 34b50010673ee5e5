/* What an extension sees of a run: a technique, a callback, an optimizer that makes its steps itself.
 *
 * Functions return parts that the run owns; they last as long as it does.  What an extension remembers from batch to
 * batch it adds to the state (trainer_state, state_add), so that it is saved, resumed and taken back without its help;
 * what goes wrong it reports as an error with a reason. */
#ifndef FETTLE_TRAIN_RUN_RUN_H
#define FETTLE_TRAIN_RUN_RUN_H

#include "train/run/cursor.h"
#include "train/run/logging.h"
#include "train/run/run_weights.h"
#include "train/run/schedule.h"
#include "train/run/trainer.h"
#include "train/run/trainer_options.h"
#include "train/run/update.h"

struct callbacks;
struct metrics;

int trainer_trains(const struct trainer *trainer);                          /* `run` has a `train` */
const struct trainer_settings *run_settings(const struct trainer *trainer); /* the section `trainer` */
struct cursor *run_cursor(const struct trainer *trainer);                   /* epoch, batch, step */
double run_limit(const struct trainer *trainer, enum length which);         /* negative: none */
int run_is_aside(const struct trainer *trainer); /* what is done now will be taken back: nothing is written */

/* Parameters, now and next, and the gradient of the batch under way. */
const struct run_weights *run_weights(const struct trainer *trainer);
/* The average of the weights that the training module keeps; NULL: none. */
struct variable *run_module_average(const struct trainer *trainer, enum dtype dtype);
/* Whether the optimizer gets a gradient of this entry of the state dict: the loss reaches it. */
int run_has_gradient(const struct trainer *trainer, int entry);

struct metrics *run_loss(const struct trainer *trainer); /* NULL: none */
/* The loss's values of the batch under way: [metrics_max_count]. */
const double *run_loss_values(const struct trainer *trainer);
/* Terms with a coefficient, of the batch under way: how many, and their numbers. */
int run_terms(const struct trainer *trainer, const int **terms);

const struct optimizer *run_optimizer(const struct trainer *trainer); /* of no kind, where nothing trains */
const struct schedule *run_schedule(const struct trainer *trainer);
const struct callbacks *run_callbacks(const struct trainer *trainer);

/* Seconds of training are counted from now on, and in checkpoints. */
void run_count_seconds(struct trainer *trainer);
double run_seconds(const struct trainer *trainer); /* up to the last batch */
double run_started(const struct trainer *trainer); /* clock_seconds, when training started or went on */

#endif
