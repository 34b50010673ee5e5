/* The self-connection: e3nn's fully connected tensor product of features with scalar attributes. Weights are
 * (mul_in, attributes, mul_out) per pair of entries of equal irrep; the coupling with a scalar is 1 after e3nn's
 * normalisation, so that a path is scaled by 1/sqrt(sum of mul_in * attributes over the paths into its out-entry).
 * The attributes are rows of tables by type or category, and the form is linear in them: each table folds into one
 * matrix per row. */
#include "model/module/modules.h"

#include <math.h>

struct self_connection {
    struct irreps in, out;
    int attributes, numel, npaths, folded;
    struct state_entry *weight;
    struct fold_path *folds;
    struct linear_path *paths;
    struct block *blocks;
};

static void self_connection_repr(const struct module *module, struct text *text) {
    const struct self_connection *sc = module->data;
    text_add(text, "FullyConnectedTensorProduct(");
    irreps_print(&sc->in, text);
    text_format(text, " x %dx0e -> ", sc->attributes);
    irreps_print(&sc->out, text);
    text_format(text, " | %d paths | %d weights)", sc->numel, sc->numel);
}

static const struct module_class self_connection_class = {"FullyConnectedTensorProduct", NULL, self_connection_repr,
                                                          NULL};

struct module *self_connection_new(struct build *build, const struct irreps *features, int attributes,
                                   const struct irreps *out) {
    struct module *module = module_new(build, &self_connection_class, sizeof(struct self_connection));
    if (!module)
        return NULL;
    struct self_connection *sc = module->data;
    size_t capacity = (size_t)features->count * (size_t)out->count + 1;
    sc->in = irreps_simplify(features, NULL, NULL, build->arena);
    sc->out = irreps_simplify(out, NULL, NULL, build->arena);
    sc->attributes = attributes;
    sc->folds = arena_alloc(build->arena, capacity * sizeof *sc->folds);
    sc->paths = arena_alloc(build->arena, capacity * sizeof *sc->paths);
    sc->blocks = arena_alloc(build->arena, ((size_t)out->count + 1) * sizeof *sc->blocks);
    if (!sc->folds || !sc->paths || !sc->blocks) {
        error_memory(build->error);
        return NULL;
    }
    irreps_blocks(out, sc->blocks);
    for (int i = 0; i < features->count; i++)
        for (int o = 0; o < out->count; o++) {
            const struct irreps_entry *a = &features->entries[i], *b = &out->entries[o];
            if (!irrep_equal(a->ir, b->ir))
                continue;
            int reaching = 0;
            for (int k = 0; k < features->count; k++)
                reaching += irrep_equal(features->entries[k].ir, b->ir) ? features->entries[k].mul * attributes : 0;
            sc->folds[sc->npaths] = (struct fold_path){.mul_in = a->mul,
                                                       .mul_out = b->mul,
                                                       .attrs = attributes,
                                                       .a_offset = 0,
                                                       .w_offset = sc->numel,
                                                       .out_offset = sc->folded,
                                                       .scale = 1 / sqrt(reaching)};
            sc->paths[sc->npaths++] = (struct linear_path){i, o, sc->folded, 1};
            if (__builtin_add_overflow((int64_t)a->mul * attributes * b->mul, sc->numel, &sc->numel) ||
                __builtin_add_overflow((int64_t)a->mul * b->mul, sc->folded, &sc->folded)) {
                error_set(build->error, ERROR_VALUE, "a self-connection of %d by %d by %d channels is too large",
                          a->mul, attributes, b->mul);
                return NULL;
            }
        }
    if (connected_weight(build, module, sc->numel, &sc->weight))
        return NULL;
    return reached_mask(build, module, out, features) ? NULL : module;
}

/* NULL where no path exists. */
struct node *self_connection_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct self_connection *sc = module->data;
    struct graph *graph = emitter->graph;
    struct node *out = NULL;
    if (!sc->weight)
        return NULL;
    graph_push_module(graph, module->path);
    struct node *weight = emit_state(graph, sc->weight);
    for (int k = 0; k < emitter->nattributes; k++) {
        const struct attribute *attribute = &emitter->attributes[k];
        struct node *folded = graph_fold(graph, attribute->table, weight, sc->folded, sc->folds, sc->npaths);
        struct node *part =
            graph_typed_linear(graph, x, folded, attribute->index, sc->blocks, sc->out.count, sc->paths, sc->npaths);
        out = out ? graph_add(graph, out, part) : part;
    }
    graph_pop_module(graph);
    return out;
}
