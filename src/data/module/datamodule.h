/* Data modules: data sets by role, how they are loaded, their statistics.  The registry is keyed by _target_:
 * nequip.data.datamodule.ASEDataModule, nequip.data.datamodule.NequIPDataModule, fettle.data.EMTDataModule (or the last
 * part alone). */
#ifndef FETTLE_DATA_DATAMODULE_H
#define FETTLE_DATA_DATAMODULE_H

#include <stdint.h>
#include "config/options.h"
#include "data/set/dataset.h"
#include "data/set/loader.h"
#include "data/transform/transforms.h"

enum data_role { ROLE_TRAIN, ROLE_VAL, ROLE_TEST, ROLE_PREDICT, ROLE_COUNT };

const char *data_role_name(enum data_role role); /* "train", "val", "test", "predict" */

struct datamodule;

/* Names, types and sizes, as far as they can be told without touching a file. */
int datamodule_check(const struct config_node *config, struct error *error);

/* Reads (or makes) the data sets of the roles in the mask (1 << ROLE_TRAIN | ...), and runs the transforms.  A role
 * without a data set is no error here.  The config must live as long as the module. */
int datamodule_open(struct datamodule **out, const struct config_node *config, unsigned roles, struct error *error);
void datamodule_free(struct datamodule *datamodule);

uint64_t datamodule_seed(const struct datamodule *datamodule);
/* Data sets of a role.  Training uses the first one only, as NequIP does. */
size_t datamodule_count(const struct datamodule *datamodule, enum data_role role);
const struct dataset *datamodule_dataset(const struct datamodule *datamodule, enum data_role role, size_t k);
const struct loader_settings *datamodule_loader(const struct datamodule *datamodule, enum data_role role);
/* The generators as training and evaluation find them at the start: training's own is fresh, that of the other sets has
 * drawn the statistics already, as the process's has. */
int datamodule_streams(struct datamodule *datamodule, struct loader_streams *train, struct loader_streams *evaluation,
                       struct error *error);
struct transforms *datamodule_transforms(const struct datamodule *datamodule);
/* How many data sets of a role the config asks for; needs no opened module (for the names of metrics). */
int datamodule_configured(const struct config_node *config, enum data_role role, int *count, struct error *error);

/* How a data module's config has its files read: by which keys, and with which transforms after (NULL: none).  `more`
 * are names of fields that are read as well.  All lies in the arena and in the config. */
int datamodule_reading(const struct config_node *config, const char *const *more, int nmore, struct arena *arena,
                       struct extxyz_keys **keys, const struct config_node **transforms, struct error *error);

/* A statistic of the first training set; context is a struct datamodule.  It fits struct config_context. Computed at
 * the first call. */
int datamodule_statistic(void *context, const char *name, struct config_statistic *out, struct error *error);

/* Frames that are joined have pairs of one kind: directed ones (see frame_make_directed) for a model whose cutoffs are
 * not symmetric, or where any frame's are. */
int datamodule_agree(struct datamodule *datamodule, int directed, struct error *error);

/* A registered module.  add puts the data sets into the module, or only checks and counts them when the module is dry;
 * options are as `options` describes them. */
struct datamodule_kind {
    struct option_target target;
    const char *help;
    const struct option *options;
    size_t noptions, options_size;
    int (*add)(struct datamodule *datamodule, const void *options, const struct config_node *config,
               struct error *error);
};
extern const struct datamodule_kind *const datamodule_kinds[];
extern const size_t datamodule_kind_count;

#endif
