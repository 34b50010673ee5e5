#include <math.h>
#include <string.h>

#include "config/options.h"
#include "data/set/loader.h"

void loader_settings_default(struct loader_settings *settings) {
    *settings = (struct loader_settings){.batch_size = 1};
}

struct given {
    struct loader_settings settings;
    const struct config_node *sampler;
};
#define AT(member) offsetof(struct given, settings.member)
#define IGNORED(name, usual, why)                                                                                      \
    { name, OPTION_NODE, OPTION_IGNORED, usual, 0, NULL, why }
#define REFUSED(name, why)                                                                                             \
    { name, OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL, why }

/* Each argument of DataLoader, and what becomes of it. */
static const struct option options[] = {
    {"batch_size", OPTION_INT, OPTION_POSITIVE, "1", AT(batch_size), NULL, "frames a batch"},
    {"shuffle", OPTION_BOOL, OPTION_NULLABLE, "false", AT(shuffle), NULL, "draw the frames in a new order each epoch"},
    {"sampler", OPTION_NODE, 0, NULL, offsetof(struct given, sampler), NULL,
     "torch.utils.data.SequentialSampler, RandomSampler, SubsetRandomSampler or WeightedRandomSampler"},
    {"drop_last", OPTION_BOOL, 0, "false", AT(drop_last), NULL, "leave out a last batch that is not full"},
    {"num_workers", OPTION_INT, OPTION_NONNEGATIVE, "0", AT(num_workers), NULL,
     "no worker is started; the order of shuffled frames depends on it"},
    {"prefetch_factor", OPTION_INT, OPTION_NULLABLE | OPTION_POSITIVE, NULL, AT(prefetch_factor), NULL, "likewise"},
    {"persistent_workers", OPTION_BOOL, 0, "false", AT(persistent_workers), NULL, "likewise"},
    IGNORED("pin_memory", "false", "there is no other memory to copy to"),
    IGNORED("pin_memory_device", NULL, "there is no other memory to copy to"),
    IGNORED("timeout", "0", "no worker is waited for"),
    IGNORED("worker_init_fn", NULL, "no worker is started"),
    IGNORED("multiprocessing_context", NULL, "no worker is started"),
    IGNORED("in_order", "true", "batches always come in order"),
    REFUSED("batch_sampler", "batches are drawn by batch_size, shuffle or a sampler"),
    REFUSED("collate_fn", "frames are joined as NequIP joins them: leave it out"),
    REFUSED("dataset", "the data module gives it: leave it out"),
    REFUSED("generator", "the data module's seed makes it: leave it out"),
};

const struct option *loader_settings_rows(size_t *count) {
    *count = sizeof options / sizeof *options;
    return options;
}

/* ---------------------------------------------------------------- samplers */

struct sampler_options {
    const struct config_node *source, *count, *generator;
    struct option_ints indices;
    struct option_floats weights;
    int64_t drawn;
    int replacement;
};

static const struct option sequential_rows[] = {
    {"data_source", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct sampler_options, source), NULL,
     "a list, whose length counts"},
};
static const struct option random_rows[] = {
    {"data_source", OPTION_NODE, OPTION_REQUIRED, NULL, offsetof(struct sampler_options, source), NULL,
     "a list, whose length counts"},
    {"replacement", OPTION_BOOL, 0, "false", offsetof(struct sampler_options, replacement), NULL,
     "a frame may be drawn again"},
    {"num_samples", OPTION_NODE, 0, NULL, offsetof(struct sampler_options, count), NULL, "how many an epoch has"},
    REFUSED("generator", "without one it is seeded as NequIP seeds it: leave it out"),
};
static const struct option subset_rows[] = {
    {"indices", OPTION_INT_LIST, OPTION_REQUIRED | OPTION_NONNEGATIVE, NULL, offsetof(struct sampler_options, indices),
     NULL, "which frames"},
    REFUSED("generator", "without one it is seeded as NequIP seeds it: leave it out"),
};

static const struct option weighted_rows[] = {
    {"weights", OPTION_FLOAT_LIST, OPTION_REQUIRED | OPTION_NONNEGATIVE, NULL,
     offsetof(struct sampler_options, weights), NULL, "how often each frame is drawn, in proportion"},
    {"num_samples", OPTION_INT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct sampler_options, drawn), NULL,
     "how many an epoch has"},
    {"replacement", OPTION_BOOL, 0, "true", offsetof(struct sampler_options, replacement), NULL,
     "a frame may be drawn again"},
    REFUSED("generator", "without one it draws from the stream that NequIP seeds: leave it out"),
};

static const struct {
    const struct option *rows;
    size_t count;
} sampler_rows[] = {[SAMPLER_SEQUENTIAL] = {sequential_rows, sizeof sequential_rows / sizeof *sequential_rows},
                    [SAMPLER_RANDOM] = {random_rows, sizeof random_rows / sizeof *random_rows},
                    [SAMPLER_SUBSET] = {subset_rows, sizeof subset_rows / sizeof *subset_rows},
                    [SAMPLER_WEIGHTED] = {weighted_rows, sizeof weighted_rows / sizeof *weighted_rows}};

const struct option *loader_sampler_rows(enum loader_sampler sampler, size_t *count) {
    *count = sampler_rows[sampler].count;
    return sampler_rows[sampler].rows;
}

/* What torch.multinomial refuses, and what it leaves open. */
static int read_weights(struct loader_settings *out, const struct sampler_options *given,
                        const struct config_node *config, struct arena *arena, struct error *error) {
    const struct config_node *node = config_get(config, "weights");
    double sum = 0;
    int64_t likely = 0;
    for (int k = 0; k < given->weights.count; k++) {
        sum += given->weights.values[k];
        likely += given->weights.values[k] > 0;
    }
    if (given->weights.scalar)
        return config_error(node, error, ERROR_TYPE, "a list of weights is expected, one for each frame");
    if (!(sum > 0) || !isfinite(sum))
        return config_error(node, error, ERROR_VALUE, "the sum of the weights must be a number above 0");
    if (!given->replacement && given->drawn > likely)
        return config_error(config_get(config, "num_samples"), error, ERROR_VALUE,
                            "%lld frames have a weight above 0: without replacement no more than these can be drawn",
                            (long long)likely);
    out->drawn = given->drawn;
    out->from = given->weights.count;
    out->weights = given->weights.values;
    out->room = arena_alloc(arena, ((size_t)out->from + 1) * sizeof *out->room);
    out->shares = arena_alloc(arena, ((size_t)out->from + 1) * sizeof *out->shares);
    return out->room && out->shares ? 0 : error_memory(error);
}

static int read_sampler(struct loader_settings *out, const struct config_node *config, struct arena *arena,
                        struct error *error) {
#define PACKAGE "torch.utils.data."
#define MODULE "torch.utils.data.sampler."
    static const struct option_target targets[] = {
        {PACKAGE "SequentialSampler", NULL},   {PACKAGE "RandomSampler", NULL},
        {PACKAGE "SubsetRandomSampler", NULL}, {PACKAGE "WeightedRandomSampler", NULL},
        {MODULE "SequentialSampler", NULL},    {MODULE "RandomSampler", NULL},
        {MODULE "SubsetRandomSampler", NULL},  {MODULE "WeightedRandomSampler", NULL}};
#undef PACKAGE
#undef MODULE
    struct sampler_options given;
    size_t which;
    int code = options_target(config, "a sampler", targets, sizeof targets / sizeof *targets, &which, error);
    if (code)
        return code;
    out->sampler = (enum loader_sampler)(SAMPLER_SEQUENTIAL + which % 4);
    code = options_read(sampler_rows[out->sampler].rows, sampler_rows[out->sampler].count, config, NULL, &given, arena,
                        error);
    if (code)
        return code;
    out->replacement = given.replacement;
    if (out->sampler == SAMPLER_WEIGHTED)
        return read_weights(out, &given, config, arena, error);
    if (out->sampler == SAMPLER_SUBSET) {
        out->drawn = given.indices.count;
        out->indices = given.indices.values;
    } else {
        if (config_kind(given.source) != CONFIG_LIST)
            return config_error(given.source, error, ERROR_TYPE,
                                "a list as long as frames are to be drawn from is expected, not %s",
                                config_kind_name(given.source));
        out->drawn = out->from = (int64_t)config_count(given.source);
        if (config_kind(given.count) != CONFIG_NULL && config_whole(given.count, &out->drawn))
            return config_error(given.count, error, ERROR_TYPE, "an integer is expected");
        if (!(out->room = arena_alloc(arena, ((size_t)out->from + 1) * sizeof *out->room)))
            return error_memory(error);
    }
    if (out->drawn < 1 || (out->sampler != SAMPLER_SUBSET && out->from < 1))
        return config_error(config, error, ERROR_VALUE, "the sampler draws no frames");
    return 0;
}

int loader_settings_fit(const struct loader_settings *settings, int64_t count, const struct config_node *config,
                        struct error *error) {
    int64_t most = settings->from - 1;
    while (settings->sampler == SAMPLER_WEIGHTED && !settings->weights[most])
        most--;
    for (int64_t k = 0; settings->sampler == SAMPLER_SUBSET && k < settings->drawn; k++)
        most = settings->indices[k] > most ? settings->indices[k] : most;
    if (!settings->sampler || most < count)
        return 0;
    return config_error(config, error, ERROR_VALUE, "the sampler draws frame %lld, and there are %lld (from 0 on)",
                        (long long)most, (long long)count);
}

/* ---------------------------------------------------------------- all of it */

/* What torch refuses. */
static int check(const struct loader_settings *settings, const struct config_node *config, struct error *error) {
    if (settings->prefetch_factor && !settings->num_workers)
        return config_error(config_get(config, "prefetch_factor"), error, ERROR_VALUE, "it is for num_workers above 0");
    if (settings->persistent_workers && !settings->num_workers)
        return config_error(config_get(config, "persistent_workers"), error, ERROR_VALUE,
                            "they are for num_workers above 0");
    if (settings->sampler && settings->shuffle)
        return config_error(config_get(config, "sampler"), error, ERROR_VALUE,
                            "sampler and shuffle exclude each other: both say in which order frames are drawn");
    return 0;
}

int loader_settings_read(struct loader_settings *settings, const struct config_node *config, struct arena *arena,
                         struct error *error) {
    static const struct option_target targets[] = {{"torch.utils.data.DataLoader", "DataLoader"}};
    struct given given;
    size_t index;
    int code = 0;
    if (!config || config_kind(config) == CONFIG_NULL)
        return 0;
    if (config_get(config, "_target_"))
        code = options_target(config, "a data loader", targets, 1, &index, error);
    if (!code)
        code = options_read(options, sizeof options / sizeof *options, config, NULL, &given, arena, error);
    if (code)
        return code;
    if (config_get(config, "batch_size"))
        settings->batch_size = given.settings.batch_size;
    if (config_get(config, "shuffle"))
        settings->shuffle = given.settings.shuffle;
    if (config_get(config, "drop_last"))
        settings->drop_last = given.settings.drop_last;
    if (config_get(config, "num_workers"))
        settings->num_workers = given.settings.num_workers;
    if (config_get(config, "prefetch_factor"))
        settings->prefetch_factor = given.settings.prefetch_factor;
    if (config_get(config, "persistent_workers"))
        settings->persistent_workers = given.settings.persistent_workers;
    if (config_get(config, "sampler")) {
        settings->sampler = SAMPLER_NONE;
        if (config_kind(given.sampler) != CONFIG_NULL && config_kind(given.sampler) != CONFIG_DEFERRED &&
            (code = read_sampler(settings, given.sampler, arena, error)))
            return code;
    }
    return check(settings, config, error);
}
