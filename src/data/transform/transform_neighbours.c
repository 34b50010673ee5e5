#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "data/transform/transform_parts.h"

#define R_MAX                                                                                                          \
    {                                                                                                                  \
        "r_max", OPTION_FLOAT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct transform_cutoffs, r_max),     \
            NULL, "cutoff radius, A"                                                                                   \
    }
#define TABLE(flags)                                                                                                   \
    {                                                                                                                  \
        "per_edge_type_cutoff", OPTION_NODE, flags, NULL, offsetof(struct transform_cutoffs, table), NULL,             \
            "type: cutoff, or type of the centre: {type of the neighbour: cutoff}; r_max where nothing is said"        \
    }
#define NAMES(flags)                                                                                                   \
    {                                                                                                                  \
        "type_names", OPTION_STRING_LIST, flags, NULL, offsetof(struct transform_cutoffs, names), NULL,                \
            "names of the model's types"                                                                               \
    }

static const struct option list_options[] = {
    R_MAX,
    TABLE(OPTION_NULLABLE),
    NAMES(OPTION_NULLABLE),
    {"backend", OPTION_STRING, 0, "matscipy", offsetof(struct transform_cutoffs, backend),
     "matscipy|ase|vesin|alchemiops", "accepted; there is one neighbour list, which gives what they all give"},
    {"backend_kwargs", OPTION_NODE, OPTION_REFUSED, NULL, 0, NULL,
     "the neighbour list takes no further arguments: it holds all within r_max"}};

static const struct option prune_options[] = {R_MAX, TABLE(OPTION_REQUIRED), NAMES(OPTION_REQUIRED)};

static int find_type(const struct transform_cutoffs *cutoffs, const struct config_node *map, size_t k,
                     struct error *error) {
    const char *name = config_key(map, k);
    for (int t = 0; t < cutoffs->names.count; t++)
        if (strcmp(cutoffs->names.values[t], name) == 0)
            return t;
    const char *near = text_nearest(name, cutoffs->names.values, (size_t)cutoffs->names.count);
    config_error(config_key_node(map, k), error, ERROR_NAME, "'%s' is not one of type_names%s", name,
                 DID_YOU_MEAN(near));
    return -1;
}

static int read_cutoff(const struct transform_cutoffs *cutoffs, const struct config_node *node, double *out,
                       struct error *error) {
    if (!config_is_number(node))
        return config_error(node, error, ERROR_TYPE, "a cutoff is expected, not %s", config_kind_name(node));
    *out = config_float(node);
    if (!(*out > 0 && *out <= cutoffs->r_max))
        return config_error(node, error, ERROR_VALUE, "a cutoff must lie between 0 and r_max (%g), not be %g",
                            cutoffs->r_max, *out);
    return 0;
}

static int read_table(struct transform_cutoffs *cutoffs, struct arena *arena, struct error *error) {
    const struct config_node *table = cutoffs->table;
    int n = cutoffs->names.count, code;
    if (config_kind(table) != CONFIG_MAP)
        return config_error(table, error, ERROR_TYPE, "a map from type to cutoff is expected, not %s",
                            config_kind_name(table));
    double *matrix = arena_alloc(arena, (size_t)n * (size_t)n * sizeof *matrix);
    if (!matrix)
        return error_memory(error);
    for (int k = 0; k < n * n; k++)
        matrix[k] = cutoffs->r_max;
    for (size_t k = 0; k < config_count(table); k++) {
        const struct config_node *row = config_at(table, k);
        int centre = find_type(cutoffs, table, k, error);
        if (centre < 0)
            return ERROR_NAME;
        if (config_kind(row) != CONFIG_MAP) {
            double cutoff = 0;
            if ((code = read_cutoff(cutoffs, row, &cutoff, error)))
                return code;
            for (int t = 0; t < n; t++)
                matrix[centre * n + t] = cutoff;
            continue;
        }
        for (size_t m = 0; m < config_count(row); m++) {
            int neighbour = find_type(cutoffs, row, m, error);
            if (neighbour < 0)
                return ERROR_NAME;
            if ((code = read_cutoff(cutoffs, config_at(row, m), &matrix[centre * n + neighbour], error)))
                return code;
        }
    }
    cutoffs->cutoffs = matrix;
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            cutoffs->symmetric &= matrix[a * n + b] == matrix[b * n + a];
    return 0;
}

static int prepare(void *data, const struct config_node *config, struct arena *arena, struct error *error) {
    struct transform_cutoffs *cutoffs = data;
    const struct config_node *r_max = config_get(config, "r_max");
    cutoffs->symmetric = 1;
    if (config_kind(r_max) == CONFIG_DEFERRED)
        return config_error(r_max, error, ERROR_TYPE, "the cutoff cannot depend on the data's statistics");
    if (!isfinite(cutoffs->r_max))
        return config_error(r_max, error, ERROR_VALUE, "r_max must be a finite number");
    if (!cutoffs->table)
        return 0;
    if (cutoffs->names.count < 1)
        return config_error(config, error, ERROR_NAME, "type_names is missing, which per_edge_type_cutoff needs");
    if (cutoffs->names.count > TYPES_MOST)
        return config_error(config, error, ERROR_VALUE, "%d types: at most %d are possible", cutoffs->names.count,
                            TYPES_MOST);
    return read_table(cutoffs, arena, error);
}

static double pair_length(const struct frame *frame, int p) {
    const int *s = &frame->pair_shift[3 * p];
    const double *xi = &frame->pos[3 * frame->pair_i[p]], *xj = &frame->pos[3 * frame->pair_j[p]], *cell = frame->cell;
    double r2 = 0;
    for (int c = 0; c < 3; c++) {
        double r = (xj[c] - xi[c]) + (s[0] * cell[c] + s[1] * cell[3 + c] + s[2] * cell[6 + c]);
        r2 += r * r;
    }
    return sqrt(r2);
}

static int prune(const struct transform_cutoffs *cutoffs, struct frame *frame, struct error *error) {
    int n = cutoffs->names.count, kept = 0;
    char label[300];
    if (frame->npairs < 0)
        return error_set(error, ERROR_STATE, "%s has no neighbour list to prune: NeighborListTransform must come first",
                         frame_label(frame, label, sizeof label));
    for (int i = 0; i < frame->atoms; i++)
        if (frame->types[i] < 0 || frame->types[i] >= n)
            return error_set(error, ERROR_STATE,
                             "%s: atom %d (%s) has no type among type_names: ChemicalSpeciesToAtomTypeMapper must come "
                             "before cutoffs by type",
                             frame_label(frame, label, sizeof label), i, frame->symbols[i]);
    if (!cutoffs->symmetric) {
        int code = frame_make_directed(frame, error);
        if (code)
            return code;
    }
    for (int p = 0; p < frame->npairs; p++) {
        double cutoff = cutoffs->cutoffs[frame->types[frame->pair_i[p]] * n + frame->types[frame->pair_j[p]]];
        /* times the reciprocal, as NequIP decides it */
        if (!(pair_length(frame, p) * (1 / cutoff) <= 1))
            continue;
        frame->pair_i[kept] = frame->pair_i[p];
        frame->pair_j[kept] = frame->pair_j[p];
        memmove(&frame->pair_shift[3 * kept], &frame->pair_shift[3 * p], 3 * sizeof *frame->pair_shift);
        kept++;
    }
    frame->npairs = kept;
    return 0;
}

static int apply_list(const void *data, struct frame *frame, size_t limit_bytes, struct error *error) {
    const struct transform_cutoffs *cutoffs = data;
    int code = frame_neighbours(frame, cutoffs->r_max, !cutoffs->symmetric, limit_bytes, error);
    return code || !cutoffs->cutoffs ? code : prune(cutoffs, frame, error);
}

static int apply_prune(const void *data, struct frame *frame, size_t limit_bytes, struct error *error) {
    (void)limit_bytes;
    return prune(data, frame, error);
}

const struct transform_kind transform_neighbour_list = {
    .target = {"nequip.data.transforms.NeighborListTransform", "NeighborListTransform"},
    .help = "finds the neighbours of each atom",
    .options = list_options,
    .noptions = sizeof list_options / sizeof *list_options,
    .options_size = sizeof(struct transform_cutoffs),
    .prepare = prepare,
    .apply = apply_list};

/* All lists are sorted here. */
const struct transform_kind transform_sorted_neighbour_list = {
    .target = {"nequip.data.transforms.SortedNeighborListTransform", "SortedNeighborListTransform"},
    .help = "finds the neighbours of each atom, sorted",
    .options = list_options,
    .noptions = sizeof list_options / sizeof *list_options,
    .options_size = sizeof(struct transform_cutoffs),
    .prepare = prepare,
    .apply = apply_list};

const struct transform_kind transform_prune = {
    .target = {"nequip.data.transforms.NeighborListPruneTransform", "NeighborListPruneTransform"},
    .help = "drops the neighbours beyond cutoffs by type",
    .options = prune_options,
    .noptions = sizeof prune_options / sizeof *prune_options,
    .options_size = sizeof(struct transform_cutoffs),
    .prepare = prepare,
    .apply = apply_prune};
