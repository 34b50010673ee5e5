/* What is computed for every pair before the layers: harmonics, length over cutoff, radial basis. All in float64, cast
 * to the model's dtype at the end. */
#include "model/module/modules.h"
#include "model/module/coupling.h"
#include "e3/harmonics.h"

/* ---------------------------------------------------------------- harmonics */

struct harmonics {
    int l_max;
    const struct coupling_plan *plan;
};

static void harmonics_emit(const struct module *module, struct emitter *emitter) {
    const struct harmonics *harmonics = module->data;
    struct graph *graph = emitter->graph;
    int l_max = harmonics->l_max, total = (l_max + 1) * (l_max + 1);
    struct block all = {1, total};
    emit_pair_vectors(emitter);
    struct node *square = graph_sum(graph, graph_mul(graph, emitter->vector, emitter->vector), AXIS_MUL);
    struct node *unit = graph_mul(graph, emitter->vector, graph_unary(graph, UNARY_POWER, square, -0.5));
    struct node *y = graph_fill(graph, F64, emitter->length, 1);
    struct node *joined = NULL;
    for (int l = 0; l <= l_max; l++) {
        struct remap_entry place = {0, 0, 0, 0, 0, l * l, 2 * l + 1, 1};
        struct node *placed = graph_remap(graph, graph_cast(graph, y, emitter->dtype), &all, 1, &place, 1);
        joined = joined ? graph_add(graph, joined, placed) : placed;
        if (l == l_max)
            break;
        struct couple_entry entries[HARMONICS_MAX_ENTRIES];
        int count = harmonics_step(l, entries);
        y = graph_couple(graph, y, unit, 2 * l + 3, entries, count);
    }
    emitter->couplings = coupling_emit(harmonics->plan, emitter, joined);
}

static const struct module_class sh_class = {"SphericalHarmonics", NULL, NULL, NULL};
static const struct module_class harmonics_class = {"SphericalHarmonicEdgeAttrs", NULL, NULL, harmonics_emit};

struct module *harmonics_new(struct build *build, const struct irreps *irreps) {
    struct module *module = module_new(build, &harmonics_class, sizeof(struct harmonics));
    struct module *sh = module_new(build, &sh_class, 0);
    if (!module || !module_add(build, module, "sh", sh))
        return NULL;
    *(struct harmonics *)module->data = (struct harmonics){irreps_l_max(irreps), build->couplings};
    return module;
}

/* ---------------------------------------------------------------- length over cutoff */

struct edge_norm {
    int by_types;
    struct state_entry *reciprocal;
};

static void edge_norm_emit(const struct module *module, struct emitter *emitter) {
    const struct edge_norm *norm = module->data;
    struct graph *graph = emitter->graph;
    emit_pair_vectors(emitter);
    struct node *reciprocal = emit_state(graph, norm->reciprocal);
    if (norm->by_types)
        reciprocal = graph_gather(graph, reciprocal, INDEX_PAIR_TYPE);
    emitter->x = graph_mul(graph, emitter->length, reciprocal);
}

static const struct module_class edge_norm_class = {"EdgeLengthNormalizer", NULL, NULL, edge_norm_emit};

struct module *edge_norm_new(struct build *build, double r_max, const struct config_node *cutoffs) {
    struct module *module = module_new(build, &edge_norm_class, sizeof(struct edge_norm));
    if (!module)
        return NULL;
    struct edge_norm *norm = module->data;
    build->r_max = r_max;
    norm->by_types = cutoffs && config_kind(cutoffs) != CONFIG_NULL;
    if (!norm->by_types) {
        norm->reciprocal = module_buffer(build, module, "_rmax_recip", F64, 0, NULL);
        if (norm->reciprocal)
            state_set(norm->reciprocal, 0, 1 / r_max);
        return norm->reciprocal ? module : NULL;
    }
    int count = build->ntypes * build->ntypes, symmetric;
    double *table = arena_alloc(build->scratch, (size_t)count * sizeof *table);
    norm->reciprocal = module_buffer(build, module, "_rmax_recip", F64, 1, &count);
    if (!table || !norm->reciprocal) {
        error_memory(build->error);
        return NULL;
    }
    if (build_cutoffs(build, cutoffs, r_max, table, &symmetric))
        return NULL;
    build->directed = !symmetric;
    state_node_shape(norm->reciprocal, count, 1);
    for (int k = 0; k < count; k++)
        state_set(norm->reciprocal, (size_t)k, 1 / table[k]);
    return module;
}

/* ---------------------------------------------------------------- cutoff function */

static const struct module_class cutoff_class = {"PolynomialCutoff", NULL, NULL, NULL};

struct module *cutoff_new(struct build *build, double p) {
    struct module *module = module_new(build, &cutoff_class, sizeof(double));
    if (module)
        *(double *)module->data = p;
    return module;
}

struct node *cutoff_apply(const struct module *module, struct emitter *emitter) {
    graph_push_module(emitter->graph, module->path);
    struct node *out = graph_unary(emitter->graph, UNARY_CUTOFF, emitter->x, *(const double *)module->data);
    graph_pop_module(emitter->graph);
    return out;
}

/* ---------------------------------------------------------------- radial basis */

struct bessel {
    int count;
    struct state_entry *roots;
};

static void bessel_extra_repr(const struct module *module, struct text *text) {
    text_format(text, "num_bessels=%d", ((const struct bessel *)module->data)->count);
}

/* sinc(x w) w, times the cutoff function; w in units of pi. */
static void bessel_emit(const struct module *module, struct emitter *emitter) {
    const struct bessel *bessel = module->data;
    struct graph *graph = emitter->graph;
    struct node *roots = emit_state(graph, bessel->roots);
    struct node *sinc = graph_unary(graph, UNARY_SINC, graph_mul(graph, emitter->x, roots), 0);
    struct node *basis = graph_cast(graph, graph_mul(graph, sinc, roots), emitter->dtype);
    struct node *cutoff = graph_cast(graph, cutoff_apply(module->first_child, emitter), emitter->dtype);
    emitter->radial = graph_mul(graph, basis, cutoff);
}

static const struct module_class bessel_class = {"BesselEdgeLengthEncoding", bessel_extra_repr, NULL, bessel_emit};

struct module *bessel_new(struct build *build, int bessels, int trainable, double cutoff_p) {
    struct module *module = module_new(build, &bessel_class, sizeof(struct bessel));
    if (!module || !module_add(build, module, "cutoff", cutoff_new(build, cutoff_p)))
        return NULL;
    struct bessel *bessel = module->data;
    int shape[] = {1, bessels};
    bessel->count = bessels;
    bessel->roots = trainable ? module_parameter(build, module, "bessel_weights", F64, 2, shape)
                              : module_buffer(build, module, "bessel_weights", F64, 2, shape);
    for (int k = 0; bessel->roots && k < bessels; k++)
        state_set(bessel->roots, (size_t)k, k + 1);
    return bessel->roots ? module : NULL;
}

/* ---------------------------------------------------------------- factor */

static void factor_emit(const struct module *module, struct emitter *emitter) {
    emitter->radial = graph_scale(emitter->graph, emitter->radial, *(const double *)module->data);
}

static const struct module_class factor_class = {"ApplyFactor", NULL, NULL, factor_emit};

struct module *factor_new(struct build *build, double factor) {
    struct module *module = module_new(build, &factor_class, sizeof(double));
    if (module)
        *(double *)module->data = factor;
    return module;
}
