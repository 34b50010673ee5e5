#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "data/frame/batch.h"
#include "data/module/datamodule.h"
#include "support.h"

enum { ALL = (1 << ROLE_COUNT) - 1 };

/* YAML with % for the folder of the data. */
static struct config *config_of(const char *yaml) {
    struct config *config;
    struct error error = {0};
    struct text text = {0};
    for (const char *c = yaml; *c; c++)
        if (*c == '%')
            text_add(&text, TEST_DATA_DIR);
        else
            text_add_bytes(&text, c, 1);
    cr_assert_eq(config_parse(&config, "test.yaml", text.data, text.size, &error), 0, "%s", error.message);
    text_free(&text);
    return config;
}

static struct datamodule *open_module(const struct config *config, unsigned roles) {
    struct datamodule *module;
    struct error error = {0};
    int code = datamodule_open(&module, config_root(config), roles, &error);
    cr_assert_eq(code, 0, "%s:%d: %s", error.file, error.line, error.message);
    return module;
}

#define TRANSFORMS                                                                                                     \
    "transforms:\n"                                                                                                    \
    "- {_target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, H, O]}\n"              \
    "- {_target_: nequip.data.transforms.NeighborListTransform, r_max: 4.0}\n"

#define ETHANOL                                                                                                        \
    "_target_: nequip.data.datamodule.ASEDataModule\n"                                                                 \
    "seed: 456\n"                                                                                                      \
    "split_dataset: {file_path: %/ethanol.xyz, train: 0.7, val: 0.2, test: 0.1}\n" TRANSFORMS                          \
    "val_dataloader: {batch_size: 10}\n"

#define SHUFFLED                                                                                                       \
    "train_dataloader: {_target_: torch.utils.data.DataLoader, batch_size: 5, shuffle: true, num_workers: 0}\n"

static double statistic(struct datamodule *module, const char *name) {
    struct config_statistic out;
    struct error error = {0};
    int code = datamodule_statistic(module, name, &out, &error);
    cr_assert_eq(code, 0, "%s", error.message);
    return out.value;
}

static void close_to(double value, double expected) {
    cr_assert_leq(fabs(value - expected), 1e-12 * fabs(expected), "%.17g %.17g", value, expected);
}

/* Parts and order of the split, and statistics, as NequIP 0.19.1 has them for this file and seed. */
Test(datamodule, split_and_statistics) {
    static const long train[] = {1, 4, 17, 0, 6, 14, 10, 8}, val[] = {28, 27, 16, 23, 15, 24};
    struct config *config =
        config_of(ETHANOL SHUFFLED "stats_manager: {_target_: nequip.data.CommonDataStatisticsManager, "
                                   "dataloader_kwargs: {batch_size: 10}, type_names: [C, H, O]}\n");
    struct datamodule *module = open_module(config, ALL);
    const struct dataset *sets[3];
    int configured;
    for (int role = 0; role < 3; role++) {
        cr_assert_eq(datamodule_count(module, (enum data_role)role), 1);
        cr_assert_eq(datamodule_configured(config_root(config), (enum data_role)role, &configured, NULL), 0);
        cr_expect_eq(configured, 1);
        sets[role] = datamodule_dataset(module, (enum data_role)role, 0);
    }
    cr_assert_eq(datamodule_count(module, ROLE_PREDICT), 0);
    cr_assert_eq(datamodule_configured(config_root(config), ROLE_PREDICT, &configured, NULL), 0);
    cr_expect_eq(configured, 0);
    cr_assert(sets[0]->count == 21 && sets[1]->count == 6 && sets[2]->count == 3);
    for (int k = 0; k < 8; k++)
        cr_assert_eq(sets[0]->frames[k]->ordinal, train[k]);
    for (int k = 0; k < 6; k++)
        cr_assert_eq(sets[1]->frames[k]->ordinal, val[k]);
    cr_assert(datamodule_loader(module, ROLE_TRAIN)->batch_size == 5 && datamodule_loader(module, ROLE_TRAIN)->shuffle);
    cr_assert(datamodule_loader(module, ROLE_VAL)->batch_size == 10);
    cr_assert_eq(datamodule_seed(module), 456);
    int names;
    cr_assert_str_eq(transforms_type_names(datamodule_transforms(module), &names)[2], "O");
    cr_assert_eq(names, 3);
    cr_assert_eq(transforms_r_max(datamodule_transforms(module)), 4);
    cr_assert_eq(transforms_type(datamodule_transforms(module), "H"), 1);
    cr_assert_eq(transforms_type(datamodule_transforms(module), "Cu"), -1);

    close_to(statistic(module, "num_neighbors_mean"), 7.862433862433862);
    close_to(statistic(module, "per_atom_energy_mean"), 0.5403065622742177);
    close_to(statistic(module, "forces_rms"), 4.13083198277869);
    close_to(statistic(module, "per_type_forces_rms_H"), 3.6052058210140676);
    struct config_statistic out;
    struct error error = {0};
    cr_assert_eq(datamodule_statistic(module, "per_type_forces_rms", &out, &error), 0);
    cr_assert_eq(out.count, 3);
    cr_assert_str_eq(out.names[2], "O");
    close_to(out.values[0], 4.191575205347701);
    close_to(out.values[2], 6.360054744584545);
    cr_assert_eq(datamodule_statistic(module, "per_type_num_neighbors_mean", &out, &error), 0);
    close_to(out.values[1], 7.7936507936507935);
    cr_assert_eq(datamodule_statistic(module, "force_rms", &out, &error), ERROR_NAME);
    cr_assert(strstr(error.message, "forces_rms"), "%s", error.message);
    datamodule_free(module);
    config_free(config);
}

Test(datamodule, other_statistics) {
    struct config *config =
        config_of(ETHANOL SHUFFLED "stats_manager: {_target_: nequip.data.EnergyOnlyDataStatisticsManager, "
                                   "type_names: [C, H, O]}\n");
    struct datamodule *module = open_module(config, 1 << ROLE_TRAIN);
    cr_assert_eq(datamodule_count(module, ROLE_VAL), 0);
    close_to(statistic(module, "per_atom_energy_std"), 0.18737104756813827);
    close_to(statistic(module, "total_energy_std"), 1.6863394281132444);
    datamodule_free(module);
    config_free(config);

    /* drop_last: over the frames that the first shuffled epoch has */
    config = config_of(ETHANOL SHUFFLED "stats_manager: {_target_: nequip.data.CommonDataStatisticsManager, "
                                        "dataloader_kwargs: {drop_last: true}, type_names: [C, H, O]}\n");
    module = open_module(config, ALL);
    close_to(statistic(module, "num_neighbors_mean"), 7.866666666666666);
    close_to(statistic(module, "per_atom_energy_mean"), 0.5253919375747944);
    close_to(statistic(module, "per_type_forces_rms_O"), 5.583321804115118);
    datamodule_free(module);
    config_free(config);

    config =
        config_of(ETHANOL SHUFFLED
                  "stats_manager:\n"
                  "  _target_: nequip.data.DataStatisticsManager\n"
                  "  type_names: [C, H, O]\n"
                  "  metrics:\n"
                  "  - {field: forces, metric: {_target_: nequip.data.MeanAbsolute}}\n"
                  "  - {field: forces, metric: {_target_: nequip.data.Max, abs: true}, per_type: true, name: fmax}\n"
                  "  - {field: {_target_: nequip.data.PerAtomModifier, field: total_energy, factor: 1000.0},\n"
                  "     metric: {_target_: nequip.data.StandardDeviation, unbiased: false}}\n"
                  "  - {field: {_target_: nequip.data.NumNeighbors}, ignore_nan: true,\n"
                  "     metric: {_target_: nequip.data.StandardDeviation, squared: true}}\n"
                  "  - {field: {_target_: nequip.data.EdgeLengths}, metric: {_target_: nequip.data.Min}}\n"
                  "  - {field: {_target_: nequip.data.EdgeLengths}, metric: {_target_: nequip.data.Mean},\n"
                  "     per_type: true, name: lengths}\n"
                  "  - {field: forces, metric: {_target_: nequip.data.Count}}\n");
    module = open_module(config, ALL);
    close_to(statistic(module, "F_mean_abs"), 2.467679450211641);
    close_to(statistic(module, "fmax_H"), 19.57592823);
    close_to(statistic(module, "per_atom_E_std"), 182.85541899018918);
    close_to(statistic(module, "num_neighbors_var"), 0.11927276820893841);
    close_to(statistic(module, "edge_lengths_min"), 0.7759576237994356);
    close_to(statistic(module, "lengths_C_H"), 1.7807443954904094);
    close_to(statistic(module, "F_count"), 567);
    struct config_statistic out;
    struct error error = {0};
    cr_assert_eq(datamodule_statistic(module, "lengths", &out, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "O_O"), "%s", error.message);
    datamodule_free(module);
    config_free(config);
}

Test(datamodule, several_sets) {
    struct config *config = config_of("_target_: ASEDataModule\n"
                                      "seed: 1\n"
                                      "train_file_path: %/ethanol.xyz\n"
                                      "val_file_path: [%/molecules.xyz, %/ethanol.xyz]\n"
                                      "test_file_path: null\n"
                                      "ase_args: {format: extxyz}\n"
                                      "key_mapping: {energy: total_energy, forces: forces}\n"
                                      "split_dataset:\n"
                                      "- {file_path: %/molecules.xyz, test: 2, val: 3}\n" TRANSFORMS);
    struct datamodule *module = open_module(config, ALL);
    cr_assert_eq(datamodule_count(module, ROLE_TRAIN), 1);
    cr_assert_eq(datamodule_count(module, ROLE_VAL), 3);
    cr_assert_eq(datamodule_count(module, ROLE_TEST), 1);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 0)->count, 5);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 1)->count, 30);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 2)->count, 3);
    cr_assert_eq(datamodule_dataset(module, ROLE_TEST, 0)->count, 2);
    cr_assert_null(datamodule_dataset(module, ROLE_TEST, 1));
    cr_assert_eq(datamodule_loader(module, ROLE_TEST)->batch_size, 1);
    /* frames are ready to be joined */
    struct batch *batch = NULL;
    const struct dataset *val = datamodule_dataset(module, ROLE_VAL, 0);
    const struct batch_options options = {.types = 3};
    cr_assert_eq(batch_join(&batch, (const struct frame *const *)val->frames, 5, &options, NULL), 0);
    int undirected = batch->pairs;
    cr_assert_eq(batch->edges, 2 * undirected);
    cr_assert_eq(datamodule_agree(module, 0, NULL), 0);
    cr_assert_eq(val->frames[4]->directed, 0);
    cr_assert_eq(frame_make_directed(val->frames[1], NULL), 0);
    cr_assert_eq(datamodule_agree(module, 0, NULL), 0);
    cr_assert_eq(val->frames[4]->directed, 1, "as the other is");
    cr_assert_eq(batch_join(&batch, (const struct frame *const *)val->frames, 5, &options, NULL), 0);
    cr_assert(batch->pairs == 2 * undirected && batch->edges == batch->pairs);
    batch_free(batch);
    datamodule_free(module);
    config_free(config);
}

/* The same parts through NequIPDataModule and the kinds of data sets. */
Test(datamodule, sets_of_sets) {
    struct config *config = config_of(
        "_target_: nequip.data.datamodule.NequIPDataModule\n"
        "seed: 456\n"
        "train_dataset: {_target_: nequip.data.dataset.SubsetByRandomSlice, start: 2, length: 5, seed: 456,\n"
        "  dataset: &all {_target_: nequip.data.dataset.ASEDataset, file_path: %/ethanol.xyz}}\n"
        "val_dataset:\n"
        "- {_target_: torch.utils.data.Subset, dataset: *all, indices: [3, -1]}\n"
        "- {_target_: torch.utils.data.ConcatDataset, datasets: [*all, *all]}\n"
        "- {_target_: nequip.data.dataset.RandomSplitAndIndexDataset, dataset: *all, dataset_key: b, seed: 456,\n"
        "   split_dict: {a: 21, b: 6, c: 3}}\n"
        "test_dataset: {_target_: fettle.data.EMTDataset, seed: 3, num_frames: 4, elements: [Cu]}\n"
        "split_dataset: {dataset: *all, predict: 0.7, val: 0.3}\n");
    struct datamodule *module = open_module(config, ALL);
    static const long slice[] = {17, 0, 6, 14, 10}, part[] = {28, 27, 16, 23, 15, 24}, split[] = {1, 4, 17, 0};
    const struct dataset *set = datamodule_dataset(module, ROLE_TRAIN, 0);
    cr_assert_eq(set->count, 5);
    for (int k = 0; k < 5; k++)
        cr_assert_eq(set->frames[k]->ordinal, slice[k]);
    set = datamodule_dataset(module, ROLE_VAL, 0);
    cr_assert(set->count == 2 && set->frames[0]->ordinal == 3 && set->frames[1]->ordinal == 29);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 1)->count, 60);
    set = datamodule_dataset(module, ROLE_VAL, 2);
    for (int k = 0; k < 6; k++)
        cr_assert_eq(set->frames[k]->ordinal, part[k]);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 3)->count, 9);
    cr_assert_eq(datamodule_dataset(module, ROLE_TEST, 0)->count, 4);
    set = datamodule_dataset(module, ROLE_PREDICT, 0);
    for (int k = 0; k < 4; k++)
        cr_assert_eq(set->frames[k]->ordinal, split[k]);
    datamodule_free(module);
    config_free(config);
}

/* The frames that NequIP makes of the same arguments: own labels, and the atoms of the last one. */
Test(datamodule, emt_test_dataset) {
    static const double pos[] = {-0.02735132384195176, 0.07164226595270527, 0.04917214097392081,
                                 1.2545126581647497,   1.2614878825414968,  1.8317090381015615};
    static const double energy[] = {0.02230143740676027, 0.32030766889794293, 0.004525865722575517};
    static const double force[] = {0.26514178542097055, 0.8482763521947589, 0.020993259686843707};
    struct config *config = config_of("_target_: nequip.data.datamodule.NequIPDataModule\n"
                                      "seed: 1\n"
                                      "train_dataset: {_target_: nequip.data.dataset.EMTTestDataset, element: Cu,\n"
                                      "  num_frames: 3, supercell: [1, 1, 1]}\n");
    struct datamodule *module = open_module(config, ALL);
    const struct dataset *set = datamodule_dataset(module, ROLE_TRAIN, 0);
    cr_assert_eq(set->count, 3);
    for (int f = 0; f < 3; f++) {
        const struct frame *frame = set->frames[f];
        for (int k = 0; k < 6; k++)
            cr_expect_float_eq(frame->pos[k], pos[k], 1e-15);
        cr_expect_float_eq(frame_field(frame, "total_energy")->values[0], energy[f], 1e-12);
        cr_expect_float_eq(frame_field(frame, "forces")->values[0], force[f], 1e-12);
        cr_expect_float_eq(frame->cell[8], 3.61, 1e-15);
    }
    datamodule_free(module);
    config_free(config);
}

#define EMT                                                                                                            \
    "_target_: fettle.data.EMTDataModule\n"                                                                            \
    "seed: 7\n"                                                                                                        \
    "elements: [Cu, Au]\n"                                                                                             \
    "repeat: [2, 1, 1]\n"                                                                                              \
    "transforms:\n"                                                                                                    \
    "- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [Cu, Au]}\n"                                      \
    "- {_target_: NeighborListTransform, r_max: 4.5}\n"                                                                \
    "stats_manager: {_target_: CommonDataStatisticsManager, type_names: [Cu, Au]}\n"

Test(datamodule, emt) {
    struct config *config = config_of(EMT "num_train: 50\nnum_test: 5\n");
    struct datamodule *module = open_module(config, ALL), *less;
    cr_assert_eq(datamodule_dataset(module, ROLE_TRAIN, 0)->count, 50);
    cr_assert_eq(datamodule_dataset(module, ROLE_VAL, 0)->count, 20);
    cr_assert_eq(datamodule_dataset(module, ROLE_TEST, 0)->count, 5);
    const struct frame *frame = datamodule_dataset(module, ROLE_VAL, 0)->frames[3];
    cr_assert(frame->atoms == 8 && frame->npairs > 0 && frame_field(frame, "stress"));
    double rms = statistic(module, "forces_rms");
    cr_assert(rms > 0.5 && rms < 3, "%g", rms);
    /* the same frames where only some roles are wanted */
    less = open_module(config, 1 << ROLE_VAL);
    cr_assert_eq(datamodule_count(less, ROLE_TRAIN), 0);
    cr_assert_eq(datamodule_dataset(less, ROLE_VAL, 0)->frames[3]->pos[4], frame->pos[4]);
    datamodule_free(less);
    datamodule_free(module);
    config_free(config);
    config = config_of(EMT "num_train: 6\nmethod: md\nequilibrate: 10\ninterval: 3\n");
    module = open_module(config, ALL);
    cr_assert_eq(datamodule_dataset(module, ROLE_TRAIN, 0)->count, 6);
    datamodule_free(module);
    config_free(config);
}

struct bad_config {
    const char *yaml;
    const char *says;
    int line;  /* 0: not of the config */
    int early; /* found without reading a file */
};

static const struct bad_config bad_configs[] = {
    {"_target_: nequip.data.datamodule.ASEDataModul\nseed: 1\n", "ASEDataModule", 1, 1},
    {"_target_: nequip.data.datamodule.sGDML_CCSD_DataModule\nseed: 1\n", "extxyz", 1, 1},
    {"_target_: nequip.data.datamodule.md22_datamodule.MD22DataModule\nseed: 1\n", "extxyz", 1, 1},
    {"_target_: NequIPDataModule\nseed: 1\ntrain_dataset: {_target_: nequip.data.dataset.NPZDataset}\n", "extxyz", 3,
     1},
    {"_target_: ASEDataModule\n", "seed", 1, 1},
    {"_target_: ASEDataModule\nseed: x\n", "integer", 2, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_pat: a\n", "train_file_path", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_dataloader: {batch_size: 0}\n", "greater than 0", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_dataloader: {batchsize: 2}\n", "batch_size", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_dataloader: {_target_: torch.DataLoader}\n", "DataLoader", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nase_args: {format: vasp}\n", "extxyz", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nkey_mapping: [a]\n", "map", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntransforms: {a: b}\n", "list", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntransforms:\n- {_target_: NeighborListTransfrom, r_max: 4}\n",
     "NeighborListTransform", 4, 1},
    {"_target_: ASEDataModule\nseed: 1\nstats_manager: {_target_: CommonDataStatisticsManager}\n", "type_names", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nstats_manager: {_target_: DataStatisticsManager, metrics: [{field: forces, "
     "metric: {_target_: nequip.data.Mea}}]}\n",
     "Mean", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nsplit_dataset: {file_path: a, train: 0.5, val: 0.4}\n", "0.9", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nsplit_dataset: {file_path: a, trian: 1}\n", "trian", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nsplit_dataset: {train: 5}\n", "file_path", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\nsplit_dataset: {file_path: a, train: most}\n", "fraction", 3, 1},
    {"_target_: NequIPDataModule\nseed: 1\ntrain_dataset: {_target_: ASEDataSet}\n", "ASEDataset", 3, 1},
    {"_target_: EMTDataModule\nseed: 1\nelements: [Fe]\n", "Fe", 3, 1},
    {"_target_: EMTDataModule\nseed: 1\nelements: [Cu]\nmethod: mc\n", "rattle", 4, 1},
    {"_target_: EMTDataModule\nseed: 1\nelements: [Cu]\ncomposition: [1, 2]\n", "weight", 4, 1},
    {"_target_: ASEDataModule\nseed: 1\nval_file_path: %/nowhere.xyz\n", "nowhere", 0, 0},
    {"_target_: ASEDataModule\nseed: 1\nsplit_dataset: {file_path: %/ethanol.xyz, train: 20, val: 9}\n", "29", 3, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntrain_dataloader:\n  batch_size: 31\n"
     "  drop_last: true\n",
     "batch_size 31 is above the 30 frames", 5, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: [%/ethanol.xyz, %/alloy.xyz]\n", "ConcatDataset", 3, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntrain_dataloader:\n"
     "  persistent_workers: true\n",
     "num_workers", 5, 1},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntrain_dataloader:\n"
     "  sampler: {_target_: torch.utils.data.SubsetRandomSampler, indices: [3, 30]}\n",
     "frame 30", 5, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntrain_dataloader:\n"
     "  sampler: {_target_: torch.utils.data.WeightedRandomSampler, num_samples: 2, weights: [0, 0, 0, 0, 0, 0, 0, 0, "
     "0, "
     "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]}\n",
     "frame 30", 5, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntransforms:\n- {_target_: "
     "ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, H]}\n",
     "is O, a species the model does not know (it knows C, H)", 0, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/alloy.xyz\ntransforms:\n- {_target_: "
     "NeighborListTransform, r_max: 2000}\n",
     "r_max 2000", 0, 0},
    {"_target_: ASEDataModule\nseed: 1\ntrain_file_path: %/ethanol.xyz\ntransforms:\n- {_target_: "
     "VirialToStressTransform}\n",
     "has no virial", 0, 0}};

ParameterizedTestParameters(datamodule, errors) {
    static int cases[sizeof bad_configs / sizeof *bad_configs];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(int *k, datamodule, errors) {
    const struct bad_config *bad = &bad_configs[*k];
    struct config *config = config_of(bad->yaml);
    struct datamodule *module;
    struct error error = {0};
    int code = datamodule_check(config_root(config), &error);
    cr_assert_eq(code != 0, bad->early, "%s", error.message);
    if (!bad->early)
        code = datamodule_open(&module, config_root(config), ALL, &error);
    cr_assert_neq(code, 0, "no error: %s", bad->yaml);
    cr_assert(strstr(error.message, bad->says), "%s", error.message);
    if (bad->line) {
        cr_assert_str_eq(error.file, "test.yaml");
        cr_assert_eq(error.line, bad->line, "line %d: %s", error.line, error.message);
    }
    config_free(config);
}

/* In a radius in which hardly any atom has a neighbour: who has how many, and what NequIP 0.19.1 makes of it. */
Test(datamodule, neighbours_of_isolated_atoms) {
    static const double wanted[2][3] = {{1.0714285714285714, 0.49206349206349204, 0.8095238095238095},
                                        {0.8333333333333334, 0.5793650793650794, 0.7619047619047619}};
    static const char *const fields[] = {"nequip.data.NumNeighbors", "fettle.data.PaddedNumNeighbors"};
    for (int k = 0; k < 2; k++) {
        char yaml[2048];
        snprintf(yaml, sizeof yaml,
                 "_target_: nequip.data.datamodule.ASEDataModule\n"
                 "seed: 456\n"
                 "split_dataset: {file_path: %%/ethanol.xyz, train: 0.7, val: 0.2, test: 0.1}\n"
                 "transforms:\n"
                 "- {_target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, H, O]}\n"
                 "- {_target_: nequip.data.transforms.NeighborListTransform, r_max: 1.1}\n"
                 "val_dataloader: {batch_size: 10}\n" SHUFFLED "stats_manager:\n"
                 "  _target_: nequip.data.DataStatisticsManager\n"
                 "  type_names: [C, H, O]\n"
                 "  metrics: [{field: {_target_: %s}, metric: {_target_: nequip.data.Mean}, per_type: true}]\n",
                 fields[k]);
        struct config *config = config_of(yaml);
        struct datamodule *module = open_module(config, ALL);
        close_to(statistic(module, "num_neighbors_mean_C"), wanted[k][0]);
        close_to(statistic(module, "num_neighbors_mean_H"), wanted[k][1]);
        close_to(statistic(module, "num_neighbors_mean_O"), wanted[k][2]);
        datamodule_free(module);
        config_free(config);
    }
}

Test(datamodule, no_statistics) {
    struct config *config = config_of(ETHANOL);
    struct datamodule *module = open_module(config, ALL);
    struct config_statistic out;
    struct error error = {0};
    cr_assert_neq(datamodule_statistic(module, "forces_rms", &out, &error), 0);
    cr_assert(strstr(error.message, "stats_manager"), "%s", error.message);
    datamodule_free(module);
    config_free(config);
}
