#include "data/module/datamodule.h"
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/log.h"
#include "data/module/datamodule_parts.h"
#include "data/set/oddities.h"

const struct datamodule_kind *const datamodule_kinds[] = {&datamodule_ase, &datamodule_nequip, &datamodule_emt};
const size_t datamodule_kind_count = sizeof datamodule_kinds / sizeof *datamodule_kinds;

static const char *const role_names[ROLE_COUNT] = {"train", "val", "test", "predict"};
static const char *const set_names[ROLE_COUNT] = {"training set", "validation set", "test set", "prediction set"};

const char *data_role_name(enum data_role role) {
    return role_names[role];
}

int datamodule_wants(const struct datamodule *datamodule, enum data_role role) {
    return (datamodule->roles >> role & 1) != 0;
}

int datamodule_own(struct datamodule *datamodule, struct dataset *dataset, struct error *error) {
    struct dataset **owned = realloc(datamodule->owned, (datamodule->nowned + 1) * sizeof *owned);
    if (!owned) {
        dataset_free(dataset);
        return error_memory(error);
    }
    datamodule->owned = owned;
    owned[datamodule->nowned++] = dataset;
    return 0;
}

int datamodule_own_transforms(struct datamodule *datamodule, struct transforms *transforms, struct error *error) {
    struct transforms **list = realloc(datamodule->transforms, (datamodule->ntransforms + 1) * sizeof *list);
    if (!list) {
        transforms_free(transforms);
        return error_memory(error);
    }
    datamodule->transforms = list;
    list[datamodule->ntransforms++] = transforms;
    return 0;
}

int datamodule_add(struct datamodule *datamodule, enum data_role role, struct dataset *dataset, struct error *error) {
    struct datamodule_role *to = &datamodule->role[role];
    struct dataset **sets = realloc(to->sets, (to->count + 1) * sizeof *sets);
    if (!sets)
        return error_memory(error);
    to->sets = sets;
    sets[to->count++] = dataset;
    return 0;
}

int datamodule_split_wanted(const struct datamodule *datamodule, const struct config_node *map) {
    for (int role = 0; role < ROLE_COUNT; role++)
        if (datamodule_wants(datamodule, (enum data_role)role) && config_get(map, role_names[role]))
            return 1;
    return 0;
}

/* Parts in the order of the keys. */
static int read_split(const struct config_node *map, const char *other, enum data_role *roles, double *lengths,
                      int *is_integer, int *nparts, struct error *error) {
    *nparts = 0;
    for (size_t k = 0; k < config_count(map); k++) {
        const char *key = config_key(map, k);
        const struct config_node *value = config_at(map, k);
        int role = 0;
        if (strcmp(key, other) == 0)
            continue;
        while (role < ROLE_COUNT && strcmp(role_names[role], key) != 0)
            role++;
        if (role == ROLE_COUNT)
            return config_error(config_key_node(map, k), error, ERROR_NAME,
                                "'%s' is not a part of a data set: they are train, val, test, predict (and '%s')", key,
                                other);
        if (!config_is_number(value))
            return config_error(value, error, ERROR_TYPE, "a number of frames or a fraction is expected, not %s",
                                config_kind_name(value));
        if (!(config_float(value) >= 0))
            return config_error(value, error, ERROR_VALUE, "must not be negative: %s", config_text(value));
        roles[*nparts] = (enum data_role)role;
        is_integer[*nparts] = config_kind(value) == CONFIG_INT;
        lengths[(*nparts)++] = config_float(value);
    }
    if (*nparts == 0)
        return config_error(map, error, ERROR_NAME, "a data set is split into nothing: train, val, test or predict");
    return 0;
}

int datamodule_split(struct datamodule *datamodule, const struct config_node *map, const char *other,
                     struct dataset *dataset, struct error *error) {
    enum data_role roles[ROLE_COUNT];
    double lengths[ROLE_COUNT];
    int is_integer[ROLE_COUNT], nparts;
    int64_t sizes[ROLE_COUNT], first = 0;
    const char *why;
    int code = read_split(map, other, roles, lengths, is_integer, &nparts, error);
    if (code)
        return code;
    /* without the frames only fractions can be wrong */
    int fractions = 0;
    double sum = 0;
    for (int k = 0; k < nparts; k++) {
        fractions |= !is_integer[k];
        sum += lengths[k];
    }
    if ((dataset || fractions) &&
        loader_split(dataset ? (int64_t)dataset->count : 1000, lengths, is_integer, nparts, sizes, &why) != 0) {
        if (fractions)
            return config_error(map, error, ERROR_VALUE, "%s: they give %.10g", why, sum);
        return config_error(map, error, ERROR_VALUE, "%s: they give %.15g, and there are %zu", why, sum,
                            dataset->count);
    }
    int64_t *order = NULL;
    if (dataset) {
        struct random_stream *stream = malloc(sizeof *stream);
        order = malloc((dataset->count + 1) * sizeof *order);
        if (!stream || !order) {
            free(stream);
            free(order);
            return error_memory(error);
        }
        random_seed(stream, (uint64_t)datamodule->common.seed);
        random_permutation(stream, order, dataset->count);
        free(stream);
    }
    for (int k = 0; k < nparts && !code; k++) {
        struct dataset *part = NULL;
        if (dataset && datamodule_wants(datamodule, roles[k])) {
            code = dataset_subset(&part, dataset, order + first, (size_t)sizes[k], error);
            if (!code)
                code = datamodule_own(datamodule, part, error);
        }
        first += dataset ? sizes[k] : 0;
        if (!code && (!dataset || part))
            code = datamodule_add(datamodule, roles[k], part, error);
    }
    free(order);
    return code;
}

/* ---------------------------------------------------------------- opening */

/* Sizes of the data sets against those of batches. */
static int check_sets(const struct datamodule *datamodule, struct error *error) {
    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct datamodule_role *sets = &datamodule->role[role];
        const struct loader_settings *loader = &datamodule->loader[role];
        const struct config_node *node = config_get(datamodule->common.loader[role], "batch_size");
        const struct config_node *sampler = config_get(datamodule->common.loader[role], "sampler");
        node = node ? node : datamodule->config;
        for (size_t k = 0; k < sets->count && datamodule_wants(datamodule, (enum data_role)role); k++) {
            size_t count = sets->sets[k]->count;
            if (!count)
                return config_error(datamodule->config, error, ERROR_DATA, "the %s is empty", set_names[role]);
            struct loader all;
            loader_init(&all, (int64_t)count, loader);
            if (!loader_batches(&all))
                return config_error(node, error, ERROR_VALUE,
                                    "batch_size %lld is above the %zu frame%s of the %s, and drop_last leaves none",
                                    (long long)loader->batch_size, count, count == 1 ? "" : "s", set_names[role]);
            int code = loader_settings_fit(loader, (int64_t)count, sampler, error);
            if (code)
                return code;
        }
    }
    return 0;
}

/* What looks like a slip in the files is told once, when they are read. */
static int tell_oddities(const struct datamodule *datamodule, struct error *error) {
    int code = 0;
    for (size_t k = 0; k < datamodule->nowned && !code; k++) {
        const struct dataset *dataset = datamodule->owned[k];
        struct text lines = {0};
        int told = !dataset->owns || !dataset->count;
        for (size_t j = 0; j < k && !told; j++)
            told = datamodule->owned[j]->owns && datamodule->owned[j]->count &&
                   !strcmp(datamodule->owned[j]->frames[0]->source, dataset->frames[0]->source);
        if (told)
            continue;
        code = oddities_find(dataset, &lines, error);
        for (char *line = lines.data, *end; !code && line && (end = strchr(line, '\n')); line = end + 1)
            log_message(LOG_WARNING, "%s: %.*s", dataset->frames[0]->source, (int)(end - line), line);
        text_free(&lines);
    }
    return code;
}

/* The second place that training data are named at: none, as far as NequIP trains. */
static int check_one_training_set(const struct datamodule *datamodule, struct error *error) {
    static const char *const keys[] = {"train_file_path", "train_dataset", "split_dataset"};
    const struct config_node *place = datamodule->config;
    size_t count = datamodule->role[ROLE_TRAIN].count;
    for (int k = 2; k >= 0; k--)
        place = config_get(datamodule->config, keys[k]) ? config_get(datamodule->config, keys[k]) : place;
    if (count < 2)
        return 0;
    return config_error(place, error, ERROR_VALUE,
                        "%zu training sets, and NequIP trains on one: join them, as NequIPDataModule with a "
                        "torch.utils.data.ConcatDataset does, or put their frames into one file",
                        count);
}

#define OF_FILES "it downloads its data: nequip.data.datamodule.ASEDataModule reads them once they are an extxyz file"
static const struct option_absent absent[] = {
    {"nequip.data.datamodule.sGDML_CCSD_DataModule", OF_FILES}, {"nequip.data.datamodule.rMD17DataModule", OF_FILES},
    {"nequip.data.datamodule.MD22DataModule", OF_FILES},        {"nequip.data.datamodule.TM23DataModule", OF_FILES},
    {"nequip.data.datamodule.NequIP3BPADataModule", OF_FILES},  {"nequip.data.datamodule.WaterDataModule", OF_FILES},
    {"nequip.data.datamodule.SAMD23DataModule", OF_FILES},      {"nequip.data.datamodule.COLLDataModule", OF_FILES},
};

static int build(struct datamodule **out, const struct config_node *config, unsigned roles, int dry,
                 struct error *error) {
    size_t index = 0;
    *out = NULL;
    int code = options_absent(config, absent, sizeof absent / sizeof *absent, error);
    if (!code)
        code = options_kind(config, "a data module", datamodule_kinds, datamodule_kind_count, &index, error);
    if (code)
        return code;
    const struct datamodule_kind *kind = datamodule_kinds[index];
    struct datamodule *datamodule = calloc(1, sizeof *datamodule);
    if (!datamodule)
        return error_memory(error);
    datamodule->arena = arena_new();
    datamodule->dry = dry;
    datamodule->roles = roles;
    datamodule->config = config;
    void *options = datamodule->arena ? arena_alloc(datamodule->arena, kind->options_size) : NULL;
    if (!options) {
        code = error_memory(error);
        goto out;
    }
    code = options_read(kind->options, kind->noptions, config, NULL, options, datamodule->arena, error);
    if ((code = arena_result(datamodule->arena, code, error)))
        goto out;
    datamodule->common = *(const struct datamodule_common *)options;
    for (int role = 0; role < ROLE_COUNT && !code; role++) {
        loader_settings_default(&datamodule->loader[role]);
        code =
            loader_settings_read(&datamodule->loader[role], datamodule->common.loader[role], datamodule->arena, error);
    }
    if (!code && datamodule->common.stats)
        code = stats_new(&datamodule->stats, datamodule->common.stats, error);
    if (!code)
        code = kind->add(datamodule, options, config, error);
    if (!code && dry)
        code = check_one_training_set(datamodule, error);
    if (!code && !dry)
        code = check_sets(datamodule, error);
    if (!code && !dry)
        code = tell_oddities(datamodule, error);
    code = arena_result(datamodule->arena, code, error);
out:
    if (code)
        datamodule_free(datamodule);
    else
        *out = datamodule;
    return code;
}

int datamodule_check(const struct config_node *config, struct error *error) {
    struct datamodule *datamodule;
    int code = build(&datamodule, config, ~0u, 1, error);
    if (!code)
        datamodule_free(datamodule);
    return code;
}

int datamodule_configured(const struct config_node *config, enum data_role role, int *count, struct error *error) {
    struct datamodule *datamodule;
    int code = build(&datamodule, config, ~0u, 1, error);
    *count = code ? 0 : (int)datamodule->role[role].count;
    if (!code)
        datamodule_free(datamodule);
    return code;
}

int datamodule_open(struct datamodule **out, const struct config_node *config, unsigned roles, struct error *error) {
    *out = NULL;
    int code = datamodule_check(config, error); /* a slip in the last line must not cost reading the first file */
    return code ? code : build(out, config, roles, 0, error);
}

void datamodule_free(struct datamodule *datamodule) {
    if (!datamodule)
        return;
    for (size_t k = 0; k < datamodule->nowned; k++)
        dataset_free(datamodule->owned[k]);
    for (size_t k = 0; k < datamodule->ntransforms; k++)
        transforms_free(datamodule->transforms[k]);
    for (int role = 0; role < ROLE_COUNT; role++)
        free(datamodule->role[role].sets);
    free(datamodule->owned);
    free(datamodule->transforms);
    stats_free(datamodule->stats);
    arena_free(datamodule->arena);
    free(datamodule);
}

uint64_t datamodule_seed(const struct datamodule *datamodule) {
    return (uint64_t)datamodule->common.seed;
}

size_t datamodule_count(const struct datamodule *datamodule, enum data_role role) {
    return datamodule->role[role].count;
}

const struct dataset *datamodule_dataset(const struct datamodule *datamodule, enum data_role role, size_t k) {
    return k < datamodule->role[role].count ? datamodule->role[role].sets[k] : NULL;
}

const struct loader_settings *datamodule_loader(const struct datamodule *datamodule, enum data_role role) {
    return &datamodule->loader[role];
}

int datamodule_streams(struct datamodule *datamodule, struct loader_streams *train, struct loader_streams *evaluation,
                       struct error *error) {
    const struct dataset *set = datamodule_dataset(datamodule, ROLE_TRAIN, 0);
    struct loader loader;
    loader_streams_init(train, datamodule_seed(datamodule));
    *evaluation = *train;
    if (!datamodule->stats || !set)
        return 0;
    int code = stats_loader(datamodule->stats, &datamodule->loader[ROLE_TRAIN], (int64_t)set->count, &loader, error);
    int64_t *order = code ? NULL : malloc(((size_t)loader_drawn(&loader) + 1) * sizeof *order);
    if (!code && !order)
        return error_memory(error);
    if (!code)
        loader_whole(&loader, evaluation, order);
    train->process = evaluation->process;
    free(order);
    return code;
}

struct transforms *datamodule_transforms(const struct datamodule *datamodule) {
    return datamodule->ntransforms ? datamodule->transforms[0] : NULL;
}

int datamodule_statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    struct datamodule *datamodule = context;
    if (!datamodule->stats)
        return config_error(datamodule->config, error, ERROR_NAME,
                            "${training_data_stats:%s} needs a stats_manager in the data section", name);
    if (!datamodule->computed) {
        const struct dataset *train = datamodule_dataset(datamodule, ROLE_TRAIN, 0);
        if (!train)
            return config_error(datamodule->config, error, ERROR_DATA,
                                "${training_data_stats:%s} needs a training set, and there is none", name);
        int code = stats_compute(datamodule->stats, train, &datamodule->loader[ROLE_TRAIN], datamodule_seed(datamodule),
                                 error);
        if (code)
            return code;
        datamodule->computed = 1;
    }
    return stats_get(datamodule->stats, name, out, error);
}

int datamodule_agree(struct datamodule *datamodule, int directed, struct error *error) {
    for (size_t k = 0; k < datamodule->nowned && !directed; k++)
        for (size_t f = 0; f < datamodule->owned[k]->count && !directed; f++)
            directed = datamodule->owned[k]->frames[f]->directed;
    for (size_t k = 0; k < datamodule->nowned && directed; k++) {
        const struct dataset *dataset = datamodule->owned[k];
        for (size_t f = 0; f < dataset->count && dataset->owns; f++) {
            int code = interrupt_check(error);
            if (!code)
                code = frame_make_directed(dataset->frames[f], error);
            if (code)
                return code;
        }
    }
    return 0;
}
