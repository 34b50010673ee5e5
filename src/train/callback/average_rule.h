/* How an average of weights takes up new ones: the functions of torch.optim.swa_utils that a config can name. */
#ifndef FETTLE_TRAIN_AVERAGE_RULE_H
#define FETTLE_TRAIN_AVERAGE_RULE_H

#include <stddef.h>
#include <stdint.h>
#include "base/dtype.h"
#include "base/error.h"
#include "config/node.h"

struct average_rule {
    int decays;   /* the average forgets: decay is the share that an update keeps; else all count the same */
    int by_lerp;  /* rounded as the `multi` functions do */
    double decay; /* in [0, 1] */
};

/* The function that stands under `name` (avg_fn, multi_avg_fn) of a callback's config; null: all count the same. */
int average_rule_read(struct average_rule *out, const struct config_node *node, const char *name, int by_lerp,
                      struct error *error);
/* Whether a decay is in [0, 1]; an error at the node where it is not. */
int average_rule_check_decay(double decay, const struct config_node *node, struct error *error);
/* The average of `before` weights and of `now` into out[begin ... end - 1]; out may be mean. */
void average_rule_apply(const struct average_rule *rule, enum dtype dtype, int64_t before, const void *mean,
                        const void *now, void *out, size_t begin, size_t end);

#endif
