/* Inside src/data: the data module's insides, and the kinds. */
#ifndef FETTLE_DATA_DATAMODULE_PARTS_H
#define FETTLE_DATA_DATAMODULE_PARTS_H

#include "data/module/datamodule.h"
#include "data/set/generate.h"
#include "data/set/stats.h"

/* What every module takes. */
struct datamodule_common {
    int64_t seed;
    const struct config_node *loader[ROLE_COUNT];
    const struct config_node *stats;
};

#define DATAMODULE_COMMON_OPTIONS                                                                                      \
    {"seed",                                                                                                           \
     OPTION_INT,                                                                                                       \
     OPTION_REQUIRED,                                                                                                  \
     NULL,                                                                                                             \
     offsetof(struct datamodule_common, seed),                                                                         \
     NULL,                                                                                                             \
     "for splitting and shuffling"},                                                                                   \
        {"train_dataloader",                                                                                           \
         OPTION_NODE,                                                                                                  \
         OPTION_NULLABLE,                                                                                              \
         NULL,                                                                                                         \
         offsetof(struct datamodule_common, loader[ROLE_TRAIN]),                                                       \
         NULL,                                                                                                         \
         "arguments of the DataLoader"},                                                                               \
        {"val_dataloader",                                                                                             \
         OPTION_NODE,                                                                                                  \
         OPTION_NULLABLE,                                                                                              \
         NULL,                                                                                                         \
         offsetof(struct datamodule_common, loader[ROLE_VAL]),                                                         \
         NULL,                                                                                                         \
         "likewise"},                                                                                                  \
        {"test_dataloader",                                                                                            \
         OPTION_NODE,                                                                                                  \
         OPTION_NULLABLE,                                                                                              \
         NULL,                                                                                                         \
         offsetof(struct datamodule_common, loader[ROLE_TEST]),                                                        \
         NULL,                                                                                                         \
         "likewise"},                                                                                                  \
        {"predict_dataloader",                                                                                         \
         OPTION_NODE,                                                                                                  \
         OPTION_NULLABLE,                                                                                              \
         NULL,                                                                                                         \
         offsetof(struct datamodule_common, loader[ROLE_PREDICT]),                                                     \
         NULL,                                                                                                         \
         "likewise"},                                                                                                  \
    {                                                                                                                  \
        "stats_manager", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct datamodule_common, stats), NULL,          \
            "what ${training_data_stats:NAME} computes"                                                                \
    }

struct datamodule_role {
    size_t count;
    struct dataset **sets; /* NULL entries in a dry module */
};

struct datamodule {
    struct arena *arena;
    int dry;        /* nothing is read: names and types are checked, data sets are counted */
    unsigned roles; /* that are wanted */
    struct datamodule_common common;
    const struct config_node *config;
    struct datamodule_role role[ROLE_COUNT];
    struct loader_settings loader[ROLE_COUNT];
    size_t nowned;
    struct dataset **owned;
    size_t ntransforms;
    struct transforms **transforms;
    struct stats *stats;
    int computed;
};

/* Keeps a data set until the module goes (frees it on failure). */
int datamodule_own(struct datamodule *datamodule, struct dataset *dataset, struct error *error);
int datamodule_own_transforms(struct datamodule *datamodule, struct transforms *transforms, struct error *error);
/* Adds a data set (NULL in a dry module) that the module owns to a role. */
int datamodule_add(struct datamodule *datamodule, enum data_role role, struct dataset *dataset, struct error *error);
int datamodule_wants(const struct datamodule *datamodule, enum data_role role);

/* Splits a data set by the keys train, val, test, predict of a map, and adds the parts to their roles.  `other` is the
 * key that names the data set itself. */
int datamodule_split(struct datamodule *datamodule, const struct config_node *map, const char *other,
                     struct dataset *dataset, struct error *error);
/* Whether any of the roles that the map splits into is wanted. */
int datamodule_split_wanted(const struct datamodule *datamodule, const struct config_node *map);

/* What extxyz files are read with; the same for ASEDataModule and ASEDataset. */
struct source_file_options {
    const struct config_node *transforms, *ase_args, *key_mapping;
    struct option_strings include, exclude;
};
/* From options to keys, in the arena. */
int source_keys(struct arena *arena, const struct source_file_options *options, struct extxyz_keys **out,
                struct error *error);
/* Reads a file and transforms its frames. */
int source_read(struct datamodule *datamodule, const char *path, const struct extxyz_keys *keys,
                struct transforms *transforms, struct dataset **out, struct error *error);
/* A data set from a map with a _target_: ASEDataset, SubsetByRandomSlice, ...  *out is NULL in a dry module. */
int source_open(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                struct error *error);

/* Frames from EMT. */
struct source_emt_options {
    const struct config_node *transforms;
    struct option_strings elements;
    struct option_floats composition;
    struct option_ints repeat;
    double lattice_constant, rattle, strain;
    const char *method;
    double temperature, timestep, friction;
    int64_t equilibrate, interval;
};
extern const struct option source_emt_rows[];
extern const size_t source_emt_row_count;
int source_emt_check(const struct source_emt_options *options, const struct config_node *config,
                     struct generate_alloy *alloy, struct arena *arena, struct error *error);
int source_emt(struct datamodule *datamodule, const struct source_emt_options *options,
               const struct config_node *config, uint64_t seed, size_t count, struct dataset **out,
               struct error *error);

/* NequIP's EMTTestDataset. */
int source_emt_test(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                    struct error *error);

extern const struct datamodule_kind datamodule_ase, datamodule_nequip, datamodule_emt;

#endif
