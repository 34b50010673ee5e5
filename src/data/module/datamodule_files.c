/* Data modules over files: ASEDataModule, and NequIPDataModule over data sets of any kind. */
#include <string.h>
#include "data/module/datamodule_parts.h"

static const char *const path_names[ROLE_COUNT] = {"train_file_path", "val_file_path", "test_file_path",
                                                   "predict_file_path"};

struct ase_options {
    struct datamodule_common common;
    struct option_strings paths[ROLE_COUNT];
    const struct config_node *split;
    struct source_file_options file;
};

#define PATH_ROW(role, name)                                                                                           \
    {                                                                                                                  \
        name, OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct ase_options, paths[role]), NULL,              \
            "extxyz file, or a list of them: a data set each"                                                          \
    }

static const struct option ase_rows[] = {
    DATAMODULE_COMMON_OPTIONS,
    PATH_ROW(ROLE_TRAIN, "train_file_path"),
    PATH_ROW(ROLE_VAL, "val_file_path"),
    PATH_ROW(ROLE_TEST, "test_file_path"),
    PATH_ROW(ROLE_PREDICT, "predict_file_path"),
    {"split_dataset", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct ase_options, split), NULL,
     "{file_path, train, val, test, predict}, or a list of them: counts or fractions"},
    {"transforms", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct ase_options, file.transforms), NULL,
     "list of data transforms"},
    {"ase_args", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct ase_options, file.ase_args), NULL,
     "{format: extxyz or xyz}"},
    {"include_keys", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct ase_options, file.include), NULL,
     "more keys of the files to read"},
    {"exclude_keys", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct ase_options, file.exclude), NULL,
     "keys of the files to leave out"},
    {"key_mapping", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct ase_options, file.key_mapping), NULL,
     "key of the files: name of the field"}};

/* One map, or a list of maps. */
static size_t entries(const struct config_node *node) {
    return config_kind(node) == CONFIG_LIST ? config_count(node) : node && config_kind(node) != CONFIG_NULL;
}

static const struct config_node *entry_at(const struct config_node *node, size_t k) {
    return config_kind(node) == CONFIG_LIST ? config_at(node, k) : node;
}

static int add_files(struct datamodule *datamodule, const void *data, const struct config_node *config,
                     struct error *error) {
    const struct ase_options *options = data;
    struct extxyz_keys *keys;
    struct transforms *transforms;
    (void)config;
    int code = source_keys(datamodule->arena, &options->file, &keys, error);
    if (!code)
        code = transforms_new(&transforms, options->file.transforms, error);
    if (!code)
        code = datamodule_own_transforms(datamodule, transforms, error);
    for (int role = 0; role < ROLE_COUNT && !code; role++) {
        const struct config_node *place = config_get(config, path_names[role]);
        for (int k = 0; k < options->paths[role].count && !code; k++) {
            struct dataset *dataset = NULL;
            if (!options->paths[role].values[k][0])
                return config_error(place, error, ERROR_VALUE, "an empty file name");
            if (!datamodule_wants(datamodule, (enum data_role)role))
                continue;
            code = source_read(datamodule, options->paths[role].values[k], keys, transforms, &dataset, error);
            if (!code)
                code = datamodule_add(datamodule, (enum data_role)role, dataset, error);
        }
    }
    for (size_t k = 0; k < entries(options->split) && !code; k++) {
        const struct config_node *split = entry_at(options->split, k), *path = config_get(split, "file_path");
        struct dataset *dataset = NULL;
        if (config_kind(split) != CONFIG_MAP || config_kind(path) != CONFIG_STRING)
            return config_error(path ? path : split, error, ERROR_TYPE,
                                "split_dataset is a map with a file_path and the parts train, val, test, predict");
        if (!datamodule_split_wanted(datamodule, split) && !datamodule->dry)
            continue;
        code = source_read(datamodule, config_text(path), keys, transforms, &dataset, error);
        if (!code)
            code = datamodule_split(datamodule, split, "file_path", dataset, error);
    }
    return code;
}

const struct datamodule_kind datamodule_ase = {.target = {"nequip.data.datamodule.ASEDataModule", "ASEDataModule"},
                                               .help = "frames from extxyz files",
                                               .options = ase_rows,
                                               .noptions = sizeof ase_rows / sizeof *ase_rows,
                                               .options_size = sizeof(struct ase_options),
                                               .add = add_files};

struct nequip_options {
    struct datamodule_common common;
    const struct config_node *sets[ROLE_COUNT], *split;
};

#define SET_ROW(role, name)                                                                                            \
    {                                                                                                                  \
        name, OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct nequip_options, sets[role]), NULL,                   \
            "data set, or a list of them"                                                                              \
    }

static const struct option nequip_rows[] = {
    DATAMODULE_COMMON_OPTIONS,
    SET_ROW(ROLE_TRAIN, "train_dataset"),
    SET_ROW(ROLE_VAL, "val_dataset"),
    SET_ROW(ROLE_TEST, "test_dataset"),
    SET_ROW(ROLE_PREDICT, "predict_dataset"),
    {"split_dataset", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct nequip_options, split), NULL,
     "{dataset, train, val, test, predict}, or a list of them: counts or fractions"}};

static int add_sets(struct datamodule *datamodule, const void *data, const struct config_node *config,
                    struct error *error) {
    const struct nequip_options *options = data;
    int code = 0;
    (void)config;
    for (int role = 0; role < ROLE_COUNT && !code; role++) {
        for (size_t k = 0; k < entries(options->sets[role]) && !code; k++) {
            struct dataset *dataset;
            if (!datamodule_wants(datamodule, (enum data_role)role))
                continue;
            code = source_open(datamodule, entry_at(options->sets[role], k), &dataset, error);
            if (!code)
                code = datamodule_add(datamodule, (enum data_role)role, dataset, error);
        }
    }
    for (size_t k = 0; k < entries(options->split) && !code; k++) {
        const struct config_node *split = entry_at(options->split, k), *set = config_get(split, "dataset");
        struct dataset *dataset;
        if (config_kind(split) != CONFIG_MAP || config_kind(set) != CONFIG_MAP)
            return config_error(set ? set : split, error, ERROR_TYPE,
                                "split_dataset is a map with a dataset and the parts train, val, test, predict");
        if (!datamodule_split_wanted(datamodule, split) && !datamodule->dry)
            continue;
        code = source_open(datamodule, set, &dataset, error);
        if (!code)
            code = datamodule_split(datamodule, split, "dataset", dataset, error);
    }
    return code;
}

const struct datamodule_kind datamodule_nequip = {
    .target = {"nequip.data.datamodule.NequIPDataModule", "NequIPDataModule"},
    .help = "data sets of any kind",
    .options = nequip_rows,
    .noptions = sizeof nequip_rows / sizeof *nequip_rows,
    .options_size = sizeof(struct nequip_options),
    .add = add_sets};
