/* InteractionBlock: linear_1, normalisation by the number of neighbours, tensor product with radial weights summed
 * over edges, linear_2, plus the self-connection. */
#include "model/module/modules.h"

#include <math.h>

struct interaction {
    struct module *norm, *linear_1, *tp, *mlp, *linear_2, *sc; /* sc may be NULL */
    struct per_type factor;                                    /* 1/sqrt(average number of neighbours) */
};

static const struct module_class norm_class = {"AvgNumNeighborsNorm", NULL, NULL, NULL};
static const struct module_class ghost_class = {"NoOpGhostExchangeModule", NULL, NULL, NULL};
static const struct module_class interaction_class = {"InteractionBlock", NULL, NULL, NULL};

struct module *interaction_new(struct build *build, const struct irreps *in, const struct irreps *harmonics,
                               const struct irreps *out, const struct convnet_options *options) {
    struct module *module = module_new(build, &interaction_class, sizeof(struct interaction));
    if (!module)
        return NULL;
    struct interaction *block = module->data;
    const struct per_type *average = &options->avg_num_neighbors;
    block->factor.count = average->count;
    block->factor.values = arena_alloc(build->arena, ((size_t)average->count + 1) * sizeof(double));
    if (!block->factor.values) {
        error_memory(build->error);
        return NULL;
    }
    for (int k = 0; k < average->count; k++)
        block->factor.values[k] = 1 / sqrt(average->values[k]);

    /* weights are drawn in this order */
    block->norm = module_new(build, &norm_class, 0);
    if (!module_add(build, module, "avg_num_neighbors_norm", block->norm))
        return NULL;
    block->linear_1 = linear_new(build, in, in);
    if (!module_add(build, module, "linear_1", block->linear_1))
        return NULL;
    block->tp = tp_scatter_new(build, in, harmonics, out);
    if (!module_add(build, module, "tp_scatter", block->tp))
        return NULL;
    block->mlp = mlp_new(build, &(struct mlp_options){options->bessels, tp_scatter_weights(block->tp),
                                                      options->radial_depth, options->radial_width, "silu"});
    if (!module_add(build, module, "edge_mlp", block->mlp))
        return NULL;
    struct irreps middle = tp_scatter_irreps_out(block->tp);
    block->linear_2 = linear_new(build, &middle, out);
    if (!module_add(build, module, "linear_2", block->linear_2))
        return NULL;
    if (options->self_connection) {
        block->sc = self_connection_new(build, in, options->attributes, out);
        if (!module_add(build, module, "sc", block->sc))
            return NULL;
    }
    return module_add(build, module, "ghost_exchange", module_new(build, &ghost_class, 0)) ? module : NULL;
}

static struct node *normalise(const struct interaction *block, struct emitter *emitter, struct node *x) {
    struct graph *graph = emitter->graph;
    graph_push_module(graph, block->norm->path);
    if (block->factor.count == 1) {
        x = graph_scale(graph, x, block->factor.values[0]);
    } else {
        struct node *table = graph_const(graph, emitter->dtype, block->factor.count, 1, block->factor.values);
        x = graph_mul(graph, x, graph_gather(graph, table, INDEX_TYPE));
    }
    graph_pop_module(graph);
    return x;
}

struct node *interaction_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct interaction *block = module->data;
    struct graph *graph = emitter->graph;
    graph_push_module(graph, module->path);
    struct node *sc = block->sc ? self_connection_apply(block->sc, emitter, x) : NULL;
    x = linear_apply(block->linear_1, emitter, x);
    x = normalise(block, emitter, x);
    struct node *weights = mlp_apply(block->mlp, emitter, emitter->radial);
    x = tp_scatter_apply(block->tp, emitter, x, weights);
    x = linear_apply(block->linear_2, emitter, x);
    if (sc)
        x = graph_add(graph, x, sc);
    graph_pop_module(graph);
    return x;
}
