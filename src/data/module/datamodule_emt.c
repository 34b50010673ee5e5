/* Frames without files: the EMT potential labels what the generator makes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/module/datamodule_parts.h"

#define OFFSET(member) offsetof(struct source_emt_options, member)

#define EMT_ROWS(base)                                                                                                 \
    {                                                                                                                  \
        "elements", OPTION_STRING_LIST,       OPTION_REQUIRED, NULL, (base) + OFFSET(elements),                        \
        NULL,       "of Al Cu Ag Au Ni Pd Pt"},                                                                        \
        {"composition",                                                                                                \
         OPTION_FLOAT_LIST,                                                                                            \
         OPTION_NULLABLE | OPTION_NONNEGATIVE,                                                                         \
         NULL,                                                                                                         \
         (base) + OFFSET(composition),                                                                                 \
         NULL,                                                                                                         \
         "a weight for each element; equal ones by default"},                                                          \
        {"repeat",                                                                                                     \
         OPTION_INT_LIST,                                                                                              \
         OPTION_POSITIVE,                                                                                              \
         "[1, 1, 1]",                                                                                                  \
         (base) + OFFSET(repeat),                                                                                      \
         NULL,                                                                                                         \
         "of the cubic cell of four atoms, in each direction"},                                                        \
        {"lattice_constant",                                                                                           \
         OPTION_FLOAT,                                                                                                 \
         OPTION_NULLABLE | OPTION_POSITIVE,                                                                            \
         NULL,                                                                                                         \
         (base) + OFFSET(lattice_constant),                                                                            \
         NULL,                                                                                                         \
         "A; by default the mean of the elements' own"},                                                               \
        {"rattle",                                                                                                     \
         OPTION_FLOAT,                                                                                                 \
         OPTION_NONNEGATIVE,                                                                                           \
         "0.12",                                                                                                       \
         (base) + OFFSET(rattle),                                                                                      \
         NULL,                                                                                                         \
         "standard deviation of the displacements, A"},                                                                \
        {"strain",                                                                                                     \
         OPTION_FLOAT,                                                                                                 \
         OPTION_NONNEGATIVE,                                                                                           \
         "0.03",                                                                                                       \
         (base) + OFFSET(strain),                                                                                      \
         NULL,                                                                                                         \
         "standard deviation of the strain's components"},                                                             \
        {"method",                                                                                                     \
         OPTION_STRING,                                                                                                \
         0,                                                                                                            \
         "rattle",                                                                                                     \
         (base) + OFFSET(method),                                                                                      \
         "rattle|md",                                                                                                  \
         "rattle: independent frames; md: a trajectory"},                                                              \
        {"temperature", OPTION_FLOAT, OPTION_NONNEGATIVE, "600.0", (base) + OFFSET(temperature), NULL, "of md, K"},    \
        {"timestep", OPTION_FLOAT, OPTION_POSITIVE, "5.0", (base) + OFFSET(timestep), NULL, "of md, fs"},              \
        {"friction",                                                                                                   \
         OPTION_FLOAT,                                                                                                 \
         OPTION_NONNEGATIVE,                                                                                           \
         "0.01",                                                                                                       \
         (base) + OFFSET(friction),                                                                                    \
         NULL,                                                                                                         \
         "of md, 1/fs; 0: constant energy"},                                                                           \
        {"equilibrate",                                                                                                \
         OPTION_INT,                                                                                                   \
         OPTION_NONNEGATIVE,                                                                                           \
         "100",                                                                                                        \
         (base) + OFFSET(equilibrate),                                                                                 \
         NULL,                                                                                                         \
         "steps of md before the first frame"},                                                                        \
        {"interval",                                                                                                   \
         OPTION_INT,                                                                                                   \
         OPTION_POSITIVE,                                                                                              \
         "20",                                                                                                         \
         (base) + OFFSET(interval),                                                                                    \
         NULL,                                                                                                         \
         "steps of md from frame to frame"},                                                                           \
    {                                                                                                                  \
        "transforms", OPTION_NODE, OPTION_NULLABLE, NULL, (base) + OFFSET(transforms), NULL, "list of data transforms" \
    }

const struct option source_emt_rows[] = {EMT_ROWS(0)};
const size_t source_emt_row_count = sizeof source_emt_rows / sizeof *source_emt_rows;

int source_emt_check(const struct source_emt_options *options, const struct config_node *config,
                     struct generate_alloy *alloy, struct arena *arena, struct error *error) {
    int n = options->elements.count;
    double total = 0;
    if (n < 1)
        return config_error(config_get(config, "elements"), error, ERROR_VALUE, "at least one element is needed");
    int *numbers = arena_alloc(arena, (size_t)n * sizeof *numbers);
    if (!numbers)
        return error_memory(error);
    for (int k = 0; k < n; k++) {
        numbers[k] = element_number(options->elements.values[k]);
        if (!emt_supports(numbers[k]))
            return config_error(config_get(config, "elements"), error, ERROR_VALUE,
                                "EMT has no parameters for '%s' (it has Al Cu Ag Au Ni Pd Pt H C N O)",
                                options->elements.values[k]);
    }
    for (int k = 0; k < options->composition.count; k++)
        total += options->composition.values[k];
    if (options->composition.count && (options->composition.count != n || !(total > 0)))
        return config_error(config_get(config, "composition"), error, ERROR_VALUE,
                            "a weight for each of the %d elements is expected, not all zero", n);
    if (options->repeat.count != 1 && options->repeat.count != 3)
        return config_error(config_get(config, "repeat"), error, ERROR_VALUE, "one number or three are expected");
    *alloy = (struct generate_alloy){.nelements = n,
                                     .elements = numbers,
                                     .composition = options->composition.count ? options->composition.values : NULL,
                                     .lattice_constant = options->lattice_constant,
                                     .rattle = options->rattle,
                                     .strain = options->strain};
    double atoms = 4;
    for (int d = 0; d < 3; d++) {
        int64_t repeat = options->repeat.values[options->repeat.count == 3 ? d : 0];
        atoms *= (double)repeat;
        alloy->repeat[d] = repeat < 1000000 ? (int)repeat : 1000000;
    }
    if (atoms > 1e6)
        return config_error(config_get(config, "repeat"), error, ERROR_VALUE, "a frame of %.3g atoms is too large",
                            atoms);
    return 0;
}

/* Frames that no memory could hold are refused before the first is made. */
static int check_memory(const struct generate_alloy *alloy, double r_max, size_t count,
                        const struct config_node *config, struct error *error) {
    double atoms = 4.0 * alloy->repeat[0] * alloy->repeat[1] * alloy->repeat[2], lattice = alloy->lattice_constant;
    for (int k = 0; k < alloy->nelements && !(alloy->lattice_constant > 0); k++)
        lattice += emt_lattice_constant(alloy->elements[k]) / alloy->nelements;
    /* a frame with its three fields and what the allocator adds; what an atom has; half a sphere of neighbours */
    double neighbours = 2 * M_PI / 3 * pow(r_max / lattice, 3) * 4;
    double bytes = (double)count * (2000 + atoms * (64 + 20 * neighbours)), left = (double)memory_available();
    if (bytes > left)
        return config_error(config, error, ERROR_MEMORY,
                            "%zu frames of %.0f atoms would take about %.3g GB of memory, and %.3g GB are left", count,
                            atoms, 1e-9 * bytes, 1e-9 * left);
    if (bytes > 1e9)
        log_message(LOG_NOTICE, "%zu frames of %.0f atoms are made, which takes about %.3g GB of memory", count, atoms,
                    1e-9 * bytes);
    return 0;
}

int source_emt(struct datamodule *datamodule, const struct source_emt_options *options,
               const struct config_node *config, uint64_t seed, size_t count, struct dataset **out,
               struct error *error) {
    struct generate_alloy alloy;
    struct transforms *transforms = NULL;
    *out = NULL;
    int code = source_emt_check(options, config, &alloy, datamodule->arena, error);
    if (!code)
        code = transforms_new(&transforms, options->transforms, error);
    if (!code)
        code = datamodule_own_transforms(datamodule, transforms, error);
    if (code || datamodule->dry || (code = check_memory(&alloy, transforms_r_max(transforms), count, config, error)))
        return code;
    struct random_stream *stream = malloc(sizeof *stream);
    struct emt *emt = emt_new();
    struct dataset *dataset = dataset_new();
    struct frame *frame = NULL;
    if (!stream || !emt || !dataset) {
        dataset_free(dataset);
        code = error_memory(error);
        goto out;
    }
    code = datamodule_own(datamodule, dataset, error);
    if (code)
        goto out;
    random_seed(stream, seed);
    if (strcmp(options->method, "md") == 0) {
        struct generate_md md = {.temperature = options->temperature,
                                 .timestep = options->timestep,
                                 .friction = options->friction,
                                 .equilibrate = (long)options->equilibrate,
                                 .interval = (long)options->interval};
        code = generate_alloy(&frame, &alloy, stream, emt, error);
        if (!code)
            code = generate_md(dataset, frame, &md, count, stream, emt, error);
        frame_free(frame);
    } else {
        for (size_t k = 0; k < count && !code; k++) {
            code = generate_alloy(&frame, &alloy, stream, emt, error);
            if (!code)
                code = dataset_add(dataset, frame, error);
        }
    }
    for (size_t k = 0; k < dataset->count && !code && !(code = interrupt_check(error)); k++) {
        dataset->frames[k]->source = "EMT";
        dataset->frames[k]->ordinal = (long)k;
        code = transforms_apply(transforms, dataset->frames[k], error);
    }
    *out = dataset;
out:
    free(stream);
    emt_free(emt);
    return code;
}

struct emt_options {
    struct datamodule_common common;
    struct source_emt_options source;
    int64_t counts[ROLE_COUNT];
};

#define COUNT_ROW(role, name, number)                                                                                  \
    {                                                                                                                  \
        name, OPTION_INT, OPTION_NONNEGATIVE, number, offsetof(struct emt_options, counts[role]), NULL,                \
            "frames of that set; 0: none"                                                                              \
    }

static const struct option emt_rows[] = {DATAMODULE_COMMON_OPTIONS,
                                         EMT_ROWS(offsetof(struct emt_options, source)),
                                         COUNT_ROW(ROLE_TRAIN, "num_train", "100"),
                                         COUNT_ROW(ROLE_VAL, "num_val", "20"),
                                         COUNT_ROW(ROLE_TEST, "num_test", "0"),
                                         COUNT_ROW(ROLE_PREDICT, "num_predict", "0")};

/* All sets are stretches of one sequence, so that a set does not change with the ones behind it. */
static int add_emt(struct datamodule *datamodule, const void *data, const struct config_node *config,
                   struct error *error) {
    const struct emt_options *options = data;
    struct dataset *all = NULL;
    int64_t total = 0, first = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (options->counts[role] > 100000000)
            return config_error(config, error, ERROR_VALUE, "%lld frames are too many",
                                (long long)options->counts[role]);
        total += options->counts[role];
    }
    int code =
        source_emt(datamodule, &options->source, config, (uint64_t)options->common.seed, (size_t)total, &all, error);
    for (int role = 0; role < ROLE_COUNT && !code; role++) {
        struct dataset *part = NULL;
        int64_t count = options->counts[role];
        if (!count)
            continue;
        if (datamodule_wants(datamodule, (enum data_role)role)) {
            if (all) {
                int64_t *indices = malloc((size_t)count * sizeof *indices);
                if (!indices)
                    return error_memory(error);
                for (int64_t k = 0; k < count; k++)
                    indices[k] = first + k;
                code = dataset_subset(&part, all, indices, (size_t)count, error);
                free(indices);
                if (!code)
                    code = datamodule_own(datamodule, part, error);
            }
            if (!code)
                code = datamodule_add(datamodule, (enum data_role)role, part, error);
        }
        first += count;
    }
    return code;
}

const struct datamodule_kind datamodule_emt = {
    .target = {"fettle.data.EMTDataModule", "EMTDataModule"},
    .help = "rattled, strained fcc alloys or short molecular dynamics, labelled by the built-in EMT potential",
    .options = emt_rows,
    .noptions = sizeof emt_rows / sizeof *emt_rows,
    .options_size = sizeof(struct emt_options),
    .add = add_emt};
