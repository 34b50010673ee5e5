/* The pair potentials that a model's `pair_potential` can name. */
#include "model/module/pair_potential.h"
#include "model/module/modules.h"

#include <stddef.h>

/* NequIP gives its own in any case. */
#define TYPE_NAMES                                                                                                     \
    { "type_names", OPTION_NODE, OPTION_NULLABLE | OPTION_IGNORED, NULL, 0, NULL, "the model's are taken" }

struct zbl_options {
    struct option_strings species;
    const char *units;
    double cutoff_p;
};

#define ROW(name, type, flags, fallback, member, choices, help)                                                        \
    { name, type, flags, fallback, offsetof(struct OPTIONS, member), choices, help }

#define FIELD                                                                                                          \
    {                                                                                                                  \
        "per_atom_energy_field", OPTION_STRING, OPTION_REFUSED, "atomic_energy", 0, NULL,                              \
            "the energy would go to a field that is not added to the total: atomic_energy is expected"                 \
    }

#define OPTIONS zbl_options
static const struct option zbl_rows[] = {
    TYPE_NAMES,
    ROW("chemical_species", OPTION_STRING_LIST, OPTION_REQUIRED, NULL, species, NULL, "element of each type"),
    ROW("units", OPTION_STRING, OPTION_REQUIRED, NULL, units, "metal|real", "eV and A, or kcal/mol and A"),
    ROW("polynomial_cutoff_p", OPTION_FLOAT, 0, "6.0", cutoff_p, NULL, "exponent of the cutoff function, at least 2"),
    FIELD,
};
#undef OPTIONS

#define OPTIONS lennard_jones_options
static const struct option lennard_jones_rows[] = {
    TYPE_NAMES,
    ROW("lj_sigma", OPTION_NODE, OPTION_REQUIRED, NULL, sigma, NULL, "A; a number, or a matrix by types"),
    ROW("lj_delta", OPTION_NODE, 0, "0", delta, NULL, "A; shift of the distance; a number, or a matrix by types"),
    ROW("lj_epsilon", OPTION_NODE, OPTION_NULLABLE, NULL, epsilon, NULL, "eV; a number, or a matrix by types"),
    ROW("lj_sigma_trainable", OPTION_BOOL, 0, "false", sigma_trainable, NULL, "whether sigma is trained"),
    ROW("lj_delta_trainable", OPTION_BOOL, 0, "false", delta_trainable, NULL, "whether delta is trained"),
    ROW("lj_epsilon_trainable", OPTION_BOOL, 0, "false", epsilon_trainable, NULL, "whether epsilon is trained"),
    ROW("lj_exponent", OPTION_FLOAT, OPTION_NULLABLE | OPTION_POSITIVE, "6.0", exponent, NULL, "6 is the usual 12-6"),
    ROW("lj_per_type", OPTION_BOOL, 0, "true", per_type, NULL, "parameters by the pair of types"),
    ROW("lj_style", OPTION_STRING, 0, "lj", style, "lj|lj_repulsive_only|repulsive", "which form"),
    ROW("polynomial_cutoff_p", OPTION_FLOAT, 0, "6.0", cutoff_p, NULL, "exponent of the cutoff function, at least 2"),
    FIELD,
};
#undef OPTIONS

static int check_cutoff(struct build *build, const struct config_node *config, double p) {
    if (!(p >= 2))
        return config_error(config, build->error, ERROR_VALUE, "polynomial_cutoff_p is %g: expected at least 2", p);
    return 0;
}

static int zbl_build(struct build *build, const struct config_node *config, int check, struct module **out) {
    struct zbl_options options;
    int code =
        options_read(zbl_rows, sizeof zbl_rows / sizeof *zbl_rows, config, NULL, &options, build->arena, build->error);
    if (code || (code = check_cutoff(build, config, options.cutoff_p)) || check)
        return code;
    *out = zbl_new(build, options.species.values, options.species.count, options.units, options.cutoff_p, config);
    return *out ? 0 : build->error->code;
}

static int lennard_jones_build(struct build *build, const struct config_node *config, int check, struct module **out) {
    struct lennard_jones_options options;
    int code = options_read(lennard_jones_rows, sizeof lennard_jones_rows / sizeof *lennard_jones_rows, config, NULL,
                            &options, build->arena, build->error);
    if (code || (code = check_cutoff(build, config, options.cutoff_p)) || check)
        return code;
    /* null stands for the default */
    if (!(options.exponent > 0))
        options.exponent = 6;
    *out = lennard_jones_new(build, &options, config);
    return *out ? 0 : build->error->code;
}

const struct pair_potential pair_potentials[] = {
    {"ZBL", "nequip.nn.pair_potential.ZBL", "zbl", zbl_rows, sizeof zbl_rows / sizeof *zbl_rows, zbl_build,
     "screened repulsion of nuclei at short range (Ziegler, Biersack, Littmark)"},
    {"LennardJones", "nequip.nn.pair_potential.LennardJones", "lennard_jones", lennard_jones_rows,
     sizeof lennard_jones_rows / sizeof *lennard_jones_rows, lennard_jones_build, "Lennard-Jones and its relatives"},
};
const size_t pair_potential_count = sizeof pair_potentials / sizeof *pair_potentials;

int pair_potential_build(struct build *build, const struct config_node *config, int check, struct module **out) {
    struct option_target targets[sizeof pair_potentials / sizeof *pair_potentials];
    size_t which;
    *out = NULL;
    for (size_t k = 0; k < pair_potential_count; k++)
        targets[k] = (struct option_target){pair_potentials[k].target, pair_potentials[k].alias};
    int code = options_target(config, "pair potential", targets, pair_potential_count, &which, build->error);
    return code ? code : pair_potentials[which].build(build, config, check, out);
}
