/* What can be said of a config before its data are read. */
#ifndef FETTLE_TRAIN_RUN_TRAINER_CHECK_H
#define FETTLE_TRAIN_RUN_TRAINER_CHECK_H

#include "config/options.h"
#include "train/run/trainer.h"
#include "train/run/trainer_options.h"

struct optimizer_kind;

/* `run`: a name or a list of names. */
int config_runs(const struct config_node *root, struct arena *arena, const char ***runs, size_t *count,
                struct error *error);
struct schedule_options { /* what stands under lr_scheduler */
    const struct config_node *scheduler, *plateau;
    const char *monitor, *interval, *name;
    int64_t frequency;
    int strict;
};
const struct option *schedule_settings_rows(size_t *count);
/* For an optimizer of this kind (NULL: none) and so many parameter groups. */
int config_schedule(const struct config_node *config, const struct optimizer_kind *kind, int groups,
                    struct schedule_options *out, struct arena *arena, struct error *error);

#endif
