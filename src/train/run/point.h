/* Points to go back to. */
#ifndef FETTLE_TRAIN_RUN_POINT_H
#define FETTLE_TRAIN_RUN_POINT_H

#include "train/run/trainer.h"

/* Points to go back to.  A point is a copy of all that belongs to the state, taken between batches. */
struct trainer_point;
int trainer_point_new(struct trainer_point **out, struct trainer *trainer, struct error *error);
void trainer_point_free(struct trainer_point *point);
int64_t trainer_point_batch(const struct trainer_point *point); /* batches that were accepted before it */
size_t trainer_point_size(const struct trainer_point *point);   /* bytes */
int64_t trainer_accepted(const struct trainer *trainer);        /* batches so far, of all epochs */
/* To the state after `batch` batches (not before the point), by training on from the point, with the changes that were
 * made on the way: the same bits as then.  metrics.csv and audit.log are cut back; what is cut off the former is kept
 * in metrics.csv.cut.  A batch under way is given up.  On an error the run is where it was. */
int trainer_point_return(struct trainer *trainer, const struct trainer_point *point, int64_t batch,
                         struct error *error);

/* Values logged last before the point was taken, by name. */
size_t trainer_point_metrics(const struct trainer_point *point);
const char *trainer_point_metric_name(const struct trainer_point *point, size_t k);
int trainer_point_metric(const struct trainer_point *point, const char *name, double *value); /* 1 if it is there */

int point_go_to(struct trainer *trainer, const struct trainer_point *point, struct error *error); /* files apart */
const void *point_weights(const struct trainer_point *point, enum dtype dtype);                   /* the slab */

#endif
