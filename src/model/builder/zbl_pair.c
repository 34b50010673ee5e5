/* ZBLPairPotential: a model of nothing but the screened repulsion of nuclei. */
#include "model/builder/builder.h"
#include "model/module/modules.h"

#include <stddef.h>

struct zbl_pair_options {
    double r_max;
    struct option_strings species;
    const char *units;
    double cutoff_p;
    const struct config_node *cutoffs;
};

static const struct option rows[] = {
    {"r_max", OPTION_FLOAT, OPTION_REQUIRED | OPTION_POSITIVE, NULL, offsetof(struct zbl_pair_options, r_max), NULL,
     "A; cutoff radius"},
    {"chemical_species", OPTION_STRING_LIST, OPTION_REQUIRED, NULL, offsetof(struct zbl_pair_options, species), NULL,
     "element of each type"},
    {"units", OPTION_STRING, OPTION_REQUIRED, NULL, offsetof(struct zbl_pair_options, units), "metal|real",
     "eV and A, or kcal/mol and A"},
    {"polynomial_cutoff_p", OPTION_FLOAT, OPTION_POSITIVE, "6", offsetof(struct zbl_pair_options, cutoff_p), NULL,
     "exponent of the cutoff function, at least 2"},
    {"per_edge_type_cutoff", OPTION_NODE, OPTION_NULLABLE, NULL, offsetof(struct zbl_pair_options, cutoffs), NULL,
     "A; by type of the centre, then of the neighbour; at most r_max"},
};

static int zbl_check(struct build *build, const void *given, const struct config_node *args) {
    const struct zbl_pair_options *options = given;
    if (!(options->cutoff_p >= 2))
        return config_error(config_get(args, "polynomial_cutoff_p"), build->error, ERROR_VALUE,
                            "polynomial_cutoff_p is %g: expected at least 2", options->cutoff_p);
    return 0;
}

static int zbl_build(struct build *build, const void *given, const struct config_node *args, struct module **out) {
    const struct zbl_pair_options *options = given;
    const struct config_node *place = config_get(args, "chemical_species");
    struct module *sequence = sequence_new(build);
    if (module_add(build, sequence, "edge_norm", edge_norm_new(build, options->r_max, options->cutoffs)) &&
        module_add(build, sequence, "pair_potential",
                   zbl_new(build, options->species.values, options->species.count, options->units, options->cutoff_p,
                           place ? place : args)) &&
        module_add(build, sequence, "total_energy_sum", energy_sum_new(build)))
        *out = force_stress_new(build, sequence, 1);
    return *out ? 0 : error_memory(build->error);
}

const struct builder zbl_builder = {
    .name = "ZBLPairPotential",
    .target = "nequip.model.ZBLPairPotential",
    .alias = "ZBLPairPotential",
    .options = rows,
    .noptions = sizeof rows / sizeof *rows,
    .size = sizeof(struct zbl_pair_options),
    .check = zbl_check,
    .build = zbl_build,
    .help = "nothing but the screened repulsion of nuclei",
};
