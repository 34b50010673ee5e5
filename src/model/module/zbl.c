/* The Ziegler-Biersack-Littmark screened repulsion of nuclei, as in LAMMPS' pair_style zbl: per directed edge
 * q/2 Z_i Z_j / r phi(u), u = (Z_i^0.23 + Z_j^0.23) r / 0.46850 A, times the polynomial cutoff. */
#include "model/module/modules.h"
#include "data/frame/frame.h"

#include <math.h>
#include <string.h>

struct zbl {
    int ntypes;
    struct state_entry *numbers, *factor;
    struct module *cutoff;
    double *z; /* [types] as the numbers were built: the exponents of a pair of types come from them */
};

static const double coefficients[] = {0.02817, 0.28022, 0.50986, 0.18175};
static const double exponents[] = {-0.20162, -0.40290, -0.94229, -3.19980};
static const double screening_power = 0.23, screening_length = 0.46850;

static void zbl_emit(const struct module *module, struct emitter *emitter) {
    const struct zbl *zbl = module->data;
    struct graph *graph = emitter->graph;
    int n = zbl->ntypes;
    double *tables = emit_alloc(emitter, 2 * (size_t)n * (size_t)n, sizeof *tables);
    if (!tables) {
        emit_pair_energy(emitter, emitter->length);
        return;
    }
    double *product = tables, *decay = tables + n * n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double a = pow(zbl->z[i], screening_power), b = pow(zbl->z[j], screening_power);
            /* the numbers are of the model's dtype, and so are their powers */
            if (emitter->dtype == F32) {
                a = powf((float)zbl->z[i], (float)screening_power);
                b = powf((float)zbl->z[j], (float)screening_power);
            }
            product[i * n + j] = zbl->z[i] * zbl->z[j];
            decay[i * n + j] = (emitter->dtype == F32 ? (double)((float)a + (float)b) : a + b) / screening_length;
        }
    struct node *z = graph_gather(graph, graph_const(graph, F64, n * n, 1, product), INDEX_PAIR_TYPE);
    struct node *u = graph_gather(graph, graph_const(graph, F64, n * n, 1, decay), INDEX_PAIR_TYPE);
    u = graph_mul(graph, u, emitter->length);
    struct node *phi = NULL;
    for (int k = 0; k < 4; k++) {
        struct node *term = graph_unary(graph, UNARY_EXP, graph_scale(graph, u, exponents[k]), 0);
        term = graph_scale(graph, term, coefficients[k]);
        phi = phi ? graph_add(graph, phi, term) : term;
    }
    struct node *energy = graph_mul(graph, z, graph_unary(graph, UNARY_POWER, emitter->length, -1));
    energy = graph_mul(graph, graph_mul(graph, energy, phi), emit_state(graph, zbl->factor));
    struct node *cutoff = graph_cast(graph, cutoff_apply(zbl->cutoff, emitter), emitter->dtype);
    emit_pair_energy(emitter, graph_mul(graph, energy, graph_cast(graph, cutoff, F64)));
}

static const struct module_class zbl_class = {"ZBL", NULL, NULL, zbl_emit};
static const struct module_class formula_class = {"_ZBL", NULL, NULL, NULL};

struct module *zbl_new(struct build *build, const char *const *species, int count, const char *units, double cutoff_p,
                       const struct config_node *place) {
    struct module *module = module_new(build, &zbl_class, sizeof(struct zbl));
    if (!module)
        return NULL;
    struct zbl *zbl = module->data;
    int metal = strcmp(units, "metal") == 0;
    if (!metal && strcmp(units, "real") != 0) {
        config_error(place, build->error, ERROR_VALUE, "unknown units \"%s\": expected metal or real", units);
        return NULL;
    }
    if (count != build->ntypes) {
        config_error(place, build->error, ERROR_VALUE, "%d chemical_species for %d types: expected one for each", count,
                     build->ntypes);
        return NULL;
    }
    zbl->ntypes = count;
    zbl->z = arena_alloc(build->arena, ((size_t)count + 1) * sizeof *zbl->z);
    zbl->numbers = module_buffer(build, module, "atomic_numbers", build->dtype, 1, &count);
    zbl->factor = module_buffer(build, module, "_qqr2exesquare", F64, 0, NULL);
    if (!zbl->z || !zbl->numbers || !zbl->factor) {
        error_memory(build->error);
        return NULL;
    }
    for (int k = 0; k < count; k++) {
        int number = element_number(species[k]);
        if (number < 1) {
            config_error(place, build->error, ERROR_VALUE, "\"%s\" is no chemical element", species[k]);
            return NULL;
        }
        zbl->z[k] = number;
        state_set(zbl->numbers, (size_t)k, number);
    }
    /* eV A or kcal/mol A; half goes to each of the two directed edges */
    state_set(zbl->factor, 0, 0.5 * (metal ? 14.399645 : 332.06371));
    zbl->cutoff = cutoff_new(build, cutoff_p);
    if (!module_add(build, module, "cutoff", zbl->cutoff) ||
        !module_add(build, module, "_zbl", module_new(build, &formula_class, 0)))
        return NULL;
    return module;
}
