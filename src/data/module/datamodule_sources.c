/* Data sets by their _target_: files, generated frames, and subsets of other data sets. */
#include <stdlib.h>
#include <string.h>
#include "data/module/datamodule_parts.h"
#include "data/set/cache.h"

struct ase_args {
    const char *format;
    int whole_name;
};

static const struct option ase_args_rows[] = {
    {"format", OPTION_STRING, OPTION_NULLABLE, "extxyz", offsetof(struct ase_args, format), "extxyz|xyz|null",
     "extxyz, or xyz without keys"},
    {"do_not_split_by_at_sign", OPTION_BOOL, 0, "false", offsetof(struct ase_args, whole_name), NULL,
     "an @ in a file's name chooses no frames"}};

int source_keys(struct arena *arena, const struct source_file_options *options, struct extxyz_keys **out,
                struct error *error) {
    struct extxyz_keys *keys = arena_alloc(arena, sizeof *keys);
    struct ase_args args = {NULL, 0};
    size_t count = config_count(options->key_mapping);
    *out = NULL;
    if (options->key_mapping && config_kind(options->key_mapping) != CONFIG_MAP)
        return config_error(options->key_mapping, error, ERROR_TYPE,
                            "a map from keys of the files to names of fields is expected, not %s",
                            config_kind_name(options->key_mapping));
    int code = options_read(ase_args_rows, 2, options->ase_args, NULL, &args, arena, error);
    if (code)
        return code;
    const char **from = arena_alloc(arena, (count + 1) * sizeof *from);
    const char **to = arena_alloc(arena, (count + 1) * sizeof *to);
    if (!keys || !from || !to)
        return error_memory(error);
    for (size_t k = 0; k < count; k++) {
        const struct config_node *value = config_at(options->key_mapping, k);
        from[k] = arena_string(arena, config_key(options->key_mapping, k));
        to[k] = arena_string(arena, config_text(value));
        if (!from[k] || !to[k])
            return error_memory(error);
        if (!to[k][0])
            return config_error(value, error, ERROR_TYPE, "the name of a field is expected, not %s",
                                config_kind_name(value));
    }
    *keys = (struct extxyz_keys){.nmapping = (int)count,
                                 .mapping_from = from,
                                 .mapping_to = to,
                                 .ninclude = options->include.count,
                                 .include = (const char *const *)options->include.values,
                                 .nexclude = options->exclude.count,
                                 .exclude = (const char *const *)options->exclude.values,
                                 .plain = args.format && strcmp(args.format, "xyz") == 0,
                                 .whole_name = args.whole_name};
    *out = keys;
    return 0;
}

int source_read(struct datamodule *datamodule, const char *path, const struct extxyz_keys *keys,
                struct transforms *transforms, struct dataset **out, struct error *error) {
    *out = NULL;
    if (datamodule->dry)
        return 0;
    struct dataset *dataset = dataset_new();
    if (!dataset)
        return error_memory(error);
    int code = datamodule_own(datamodule, dataset, error);
    if (!code)
        code = cache_read(dataset, path, keys, transforms, error);
    if (!code)
        *out = dataset;
    return code;
}

/* ---------------------------------------------------------------- kinds */

struct file_set {
    const char *path;
    struct source_file_options file;
};

static const struct option file_rows[] = {
    {"file_path", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct file_set, path), NULL, "extxyz file"},
    {"transforms", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct file_set, file.transforms), NULL,
     "list of data transforms"},
    {"ase_args", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct file_set, file.ase_args), NULL,
     "{format: extxyz or xyz}"},
    {"include_keys", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct file_set, file.include), NULL,
     "more keys of the file to read"},
    {"exclude_keys", OPTION_STRING_LIST, OPTION_NULLABLE, NULL, offsetof(struct file_set, file.exclude), NULL,
     "keys of the file to leave out"},
    {"key_mapping", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct file_set, file.key_mapping), NULL,
     "key of the file: name of the field"}};

/* The first map that names files of frames: the module's own, or one of a data set in it. */
static const struct config_node *find_files(const struct config_node *node) {
    static const char *const names[] = {"key_mapping", "include_keys", "exclude_keys", "ase_args", "file_path"};
    for (size_t k = 0; config_kind(node) == CONFIG_MAP && k < sizeof names / sizeof *names; k++)
        if (config_get(node, names[k]) && (k < 4 || config_get(node, "_target_")))
            return node;
    for (size_t k = 0; k < config_count(node); k++) {
        const struct config_node *found = find_files(config_at(node, k));
        if (found)
            return found;
    }
    return NULL;
}

int datamodule_reading(const struct config_node *config, const char *const *more, int nmore, struct arena *arena,
                       struct extxyz_keys **keys, const struct config_node **transforms, struct error *error) {
    enum { ROWS = sizeof file_rows / sizeof *file_rows };
    struct file_set options = {0};
    const struct config_node *files = find_files(config);
    const char **others = arena_alloc(arena, (config_count(files) + 1) * sizeof *others);
    size_t nothers = 0;
    int code = 0;
    if (!others)
        return error_memory(error);
    for (size_t k = 0; k < config_count(files); k++) {
        size_t row = 1; /* all but the path */
        while (row < ROWS && strcmp(file_rows[row].name, config_key(files, k)))
            row++;
        if (row == ROWS)
            others[nothers++] = config_key(files, k);
    }
    others[nothers] = NULL;
    *transforms = config_get(config, "transforms") ? config_get(config, "transforms") : config_get(files, "transforms");
    if (files)
        code = options_read(file_rows + 1, ROWS - 1, files, others, &options, arena, error);
    if (code || (code = source_keys(arena, &options.file, keys, error)))
        return code;
    int count = (*keys)->ninclude;
    const char **include = arena_alloc(arena, ((size_t)(count + nmore) + 1) * sizeof *include);
    if (!include)
        return error_memory(error);
    for (int k = 0; k < count; k++)
        include[k] = (*keys)->include[k];
    for (int k = 0; k < nmore; k++) {
        int there = 0;
        for (int m = 0; m < (*keys)->nmapping; m++)
            there |= !strcmp((*keys)->mapping_to[m], more[k]);
        for (int i = 0; i < count; i++)
            there |= !strcmp(include[i], more[k]);
        if (!there)
            include[count++] = more[k];
    }
    (*keys)->include = include;
    (*keys)->ninclude = count;
    return 0;
}

static int open_file(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                     struct error *error) {
    struct file_set options;
    struct extxyz_keys *keys;
    struct transforms *transforms;
    int code =
        options_read(file_rows, sizeof file_rows / sizeof *file_rows, config, NULL, &options, datamodule->arena, error);
    if (!code)
        code = source_keys(datamodule->arena, &options.file, &keys, error);
    if (!code)
        code = transforms_new(&transforms, options.file.transforms, error);
    if (!code)
        code = datamodule_own_transforms(datamodule, transforms, error);
    return code ? code : source_read(datamodule, options.path, keys, transforms, out, error);
}

struct subset_options {
    const struct config_node *dataset, *datasets, *split;
    int64_t start, length, seed;
    const char *key;
    struct option_ints indices;
};

#define SUBSET_ROW(name, type, member, help)                                                                           \
    { name, type, OPTION_REQUIRED, NULL, offsetof(struct subset_options, member), NULL, help }

static const struct option slice_rows[] = {SUBSET_ROW("dataset", OPTION_NODE, dataset, "the data set to draw from"),
                                           SUBSET_ROW("start", OPTION_INT, start, "first of the permuted frames"),
                                           SUBSET_ROW("length", OPTION_INT, length, "how many"),
                                           SUBSET_ROW("seed", OPTION_INT, seed, "of the permutation")};
static const struct option split_rows[] = {SUBSET_ROW("dataset", OPTION_NODE, dataset, "the data set to split"),
                                           SUBSET_ROW("split_dict", OPTION_NODE, split, "name: count or fraction"),
                                           SUBSET_ROW("dataset_key", OPTION_STRING, key, "the part to take"),
                                           SUBSET_ROW("seed", OPTION_INT, seed, "of the permutation")};
static const struct option subset_rows[] = {SUBSET_ROW("dataset", OPTION_NODE, dataset, "the data set to take from"),
                                            SUBSET_ROW("indices", OPTION_INT_LIST, indices, "frames, from 0")};
static const struct option concat_rows[] = {SUBSET_ROW("datasets", OPTION_NODE, datasets, "list of data sets")};

/* A subset that the module owns. */
static int take(struct datamodule *datamodule, const struct dataset *from, const int64_t *indices, size_t count,
                struct dataset **out, struct error *error) {
    int code = dataset_subset(out, from, indices, count, error);
    return code ? code : datamodule_own(datamodule, *out, error);
}

static int64_t *permutation(size_t count, uint64_t seed) {
    struct random_stream *stream = malloc(sizeof *stream);
    int64_t *order = malloc((count + 1) * sizeof *order);
    if (!stream || !order) {
        free(stream);
        free(order);
        return NULL;
    }
    random_seed(stream, seed);
    random_permutation(stream, order, count);
    free(stream);
    return order;
}

static int open_slice(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                      struct error *error) {
    struct subset_options options;
    struct dataset *from;
    int code = options_read(slice_rows, 4, config, NULL, &options, datamodule->arena, error);
    if (!code)
        code = source_open(datamodule, options.dataset, &from, error);
    if (code || datamodule->dry)
        return code;
    int64_t count = (int64_t)from->count, start = options.start, length = options.length;
    if (length < 0 || length > count || start < 0)
        return config_error(config, error, ERROR_VALUE, "%lld frames from %lld on, of a data set of %lld",
                            (long long)length, (long long)start, (long long)count);
    start = start < count ? start : count;
    length = length < count - start ? length : count - start;
    int64_t *order = permutation(from->count, (uint64_t)options.seed);
    if (!order)
        return error_memory(error);
    code = take(datamodule, from, order + start, (size_t)length, out, error);
    free(order);
    return code;
}

static int open_split(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                      struct error *error) {
    struct subset_options options;
    struct dataset *from;
    int64_t first = 0;
    int wanted = -1;
    const char *why;
    int code = options_read(split_rows, 4, config, NULL, &options, datamodule->arena, error);
    if (code)
        return code;
    size_t count = config_count(options.split);
    if (config_kind(options.split) != CONFIG_MAP || count < 1)
        return config_error(options.split, error, ERROR_TYPE, "a map from names to counts or fractions is expected");
    double *lengths = arena_alloc(datamodule->arena, count * sizeof *lengths);
    int *is_integer = arena_alloc(datamodule->arena, count * sizeof *is_integer);
    int64_t *sizes = arena_alloc(datamodule->arena, count * sizeof *sizes);
    if (!lengths || !is_integer || !sizes)
        return error_memory(error);
    for (size_t k = 0; k < count; k++) {
        const struct config_node *value = config_at(options.split, k);
        if (!config_is_number(value))
            return config_error(value, error, ERROR_TYPE, "a number of frames or a fraction is expected, not %s",
                                config_kind_name(value));
        lengths[k] = config_float(value);
        is_integer[k] = config_kind(value) == CONFIG_INT;
        if (strcmp(config_key(options.split, k), options.key) == 0)
            wanted = (int)k;
    }
    if (wanted < 0)
        return config_error(config_get(config, "dataset_key"), error, ERROR_NAME, "'%s' is not a part of split_dict",
                            options.key);
    code = source_open(datamodule, options.dataset, &from, error);
    if (code || datamodule->dry)
        return code;
    if (loader_split((int64_t)from->count, lengths, is_integer, (int)count, sizes, &why) != 0)
        return config_error(options.split, error, ERROR_VALUE, "%s; there are %zu frames", why, from->count);
    for (int k = 0; k < wanted; k++)
        first += sizes[k];
    int64_t *order = permutation(from->count, (uint64_t)options.seed);
    if (!order)
        return error_memory(error);
    code = take(datamodule, from, order + first, (size_t)sizes[wanted], out, error);
    free(order);
    return code;
}

static int open_subset(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                       struct error *error) {
    struct subset_options options;
    struct dataset *from;
    int code = options_read(subset_rows, 2, config, NULL, &options, datamodule->arena, error);
    if (!code)
        code = source_open(datamodule, options.dataset, &from, error);
    if (code || datamodule->dry)
        return code;
    for (int k = 0; k < options.indices.count; k++)
        if (options.indices.values[k] < 0) /* from the end, as Python counts */
            options.indices.values[k] += (int64_t)from->count;
    code = take(datamodule, from, options.indices.values, (size_t)options.indices.count, out, error);
    if (code && error)
        error_prefix(error, "%s: ", config_path(config));
    return code;
}

static int open_concat(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                       struct error *error) {
    struct subset_options options;
    int code = options_read(concat_rows, 1, config, NULL, &options, datamodule->arena, error);
    if (code)
        return code;
    if (config_kind(options.datasets) != CONFIG_LIST || config_count(options.datasets) < 1)
        return config_error(options.datasets, error, ERROR_TYPE, "a list of data sets is expected");
    struct dataset *joined = dataset_new();
    if (!joined)
        return error_memory(error);
    joined->owns = 0;
    code = datamodule_own(datamodule, joined, error);
    for (size_t k = 0; k < config_count(options.datasets) && !code; k++) {
        struct dataset *part;
        code = source_open(datamodule, config_at(options.datasets, k), &part, error);
        for (size_t f = 0; !code && !datamodule->dry && f < part->count; f++) {
            struct frame **frames = joined->frames;
            if (joined->count == joined->capacity) {
                size_t capacity = joined->capacity ? 2 * joined->capacity : 64;
                frames = realloc(frames, capacity * sizeof *frames);
                if (!frames)
                    return error_memory(error);
                joined->frames = frames;
                joined->capacity = capacity;
            }
            frames[joined->count++] = part->frames[f];
        }
    }
    if (!code && !datamodule->dry)
        *out = joined;
    return code;
}

struct emt_set {
    struct source_emt_options source;
    int64_t count, seed;
};

static int open_emt(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                    struct error *error) {
    static const struct option own_rows[] = {
        {"num_frames", OPTION_INT, OPTION_POSITIVE, "100", offsetof(struct emt_set, count), NULL, "how many frames"},
        {"seed", OPTION_INT, OPTION_REQUIRED, NULL, offsetof(struct emt_set, seed), NULL, "of the generator"}};
    struct option rows[32];
    struct emt_set options;
    size_t count = source_emt_row_count;
    memcpy(rows, source_emt_rows, count * sizeof *rows);
    memcpy(rows + count, own_rows, sizeof own_rows);
    int code = options_read(rows, count + 2, config, NULL, &options, datamodule->arena, error);
    if (code)
        return code;
    return source_emt(datamodule, &options.source, config, (uint64_t)options.seed, (size_t)options.count, out, error);
}

#define OTHER_FORMAT                                                                                                   \
    "files of this kind are not read here: write the frames into an extxyz file (ase.io.write), which "                \
    "nequip.data.dataset.ASEDataset reads"

int source_open(struct datamodule *datamodule, const struct config_node *config, struct dataset **out,
                struct error *error) {
    static const struct option_target targets[] = {
        {"nequip.data.dataset.ASEDataset", "ASEDataset"},
        {"nequip.data.dataset.SubsetByRandomSlice", "SubsetByRandomSlice"},
        {"nequip.data.dataset.RandomSplitAndIndexDataset", "RandomSplitAndIndexDataset"},
        {"torch.utils.data.Subset", "Subset"},
        {"torch.utils.data.ConcatDataset", "ConcatDataset"},
        {"nequip.data.dataset.EMTTestDataset", "EMTTestDataset"},
        {"fettle.data.EMTDataset", "EMTDataset"}};
    static const struct option_absent absent[] = {
        {"nequip.data.dataset.NPZDataset", OTHER_FORMAT},
        {"nequip.data.dataset.HDF5Dataset", OTHER_FORMAT},
        {"nequip.data.dataset.NequIPLMDBDataset", OTHER_FORMAT},
        {"nequip.data.dataset.LMDBTestDataset", OTHER_FORMAT},
    };
    static int (*const open[])(struct datamodule *, const struct config_node *, struct dataset **, struct error *) = {
        open_file, open_slice, open_split, open_subset, open_concat, source_emt_test, open_emt};
    size_t index;
    *out = NULL;
    int code = options_absent(config, absent, sizeof absent / sizeof *absent, error);
    if (!code)
        code = options_target(config, "a data set", targets, sizeof targets / sizeof *targets, &index, error);
    return code ? code : open[index](datamodule, config, out, error);
}
