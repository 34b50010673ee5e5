/* ConvNetLayer: an interaction block, a nonlinearity, perhaps a residual connection. */
#include "model/module/modules.h"

struct convnet {
    struct module *nonlinearity, *conv;
    int norm_nonlinearity, resnet;
    struct irreps out;
};

/* The features before the layer, in the blocks of those behind it, which may keep scalars of one irrep apart. */
static struct node *as_behind(const struct convnet *layer, struct emitter *emitter, struct node *x) {
    size_t count = (size_t)layer->out.count;
    int *group = emit_alloc(emitter, count + 1, sizeof *group), *first = emit_alloc(emitter, count + 1, sizeof *first);
    struct block *blocks = emit_alloc(emitter, count + 1, sizeof *blocks);
    struct remap_entry *entries = emit_alloc(emitter, count + 1, sizeof *entries);
    if (!group || !first || !blocks || !entries)
        return x;
    if (irreps_simplify(&layer->out, group, first, emitter->scratch).count == layer->out.count)
        return x;
    irreps_blocks(&layer->out, blocks);
    for (size_t k = 0; k < count; k++)
        entries[k] = (struct remap_entry){group[k], -1, first[k], (int)k, -1, 0, blocks[k].mul, 1};
    return graph_remap(emitter->graph, x, blocks, layer->out.count, entries, layer->out.count);
}

static void convnet_emit(const struct module *module, struct emitter *emitter) {
    const struct convnet *layer = module->data;
    struct node *old = emitter->features;
    struct node *x = interaction_apply(layer->conv, emitter, old);
    x = layer->norm_nonlinearity ? norm_activation_apply(layer->nonlinearity, emitter, x)
                                 : gate_apply(layer->nonlinearity, emitter, x);
    emitter->features = layer->resnet ? graph_add(emitter->graph, as_behind(layer, emitter, old), x) : x;
}

static const struct module_class convnet_class = {"ConvNetLayer", NULL, NULL, convnet_emit};

/* The entries of hidden that some path reaches, l = 0 or above. */
static struct irreps reached(struct build *build, const struct irreps *in, const struct irreps *harmonics,
                             const struct irreps *hidden, int scalars) {
    struct irreps_entry *entries = arena_alloc(build->arena, ((size_t)hidden->count + 1) * sizeof *entries);
    int count = 0;
    for (int k = 0; entries && k < hidden->count; k++)
        if ((hidden->entries[k].ir.l == 0) == scalars && irreps_reach(in, harmonics, hidden->entries[k].ir))
            entries[count++] = hidden->entries[k];
    return (struct irreps){count, entries};
}

struct module *convnet_new(struct build *build, const struct irreps *in, const struct irreps *harmonics,
                           const struct irreps *hidden, const struct convnet_options *options, struct irreps *out) {
    struct module *module = module_new(build, &convnet_class, sizeof(struct convnet));
    if (!module)
        return NULL;
    struct convnet *layer = module->data;
    struct irreps scalars = reached(build, in, harmonics, hidden, 1);
    struct irreps gated = reached(build, in, harmonics, hidden, 0);
    struct irreps both = irreps_concat(&scalars, &gated, build->arena);
    both = irreps_simplify(&both, NULL, NULL, build->arena);
    if (both.count == 0) {
        error_set(build->error, ERROR_VALUE, "a layer has no features: no path reaches any of its irreps");
        return NULL;
    }
    struct irreps conv_out;
    layer->norm_nonlinearity = options->norm_nonlinearity;
    if (options->norm_nonlinearity) {
        conv_out = *out = both;
        layer->nonlinearity = norm_activation_new(build, &both, options->scalar_acts[0]);
    } else {
        struct irrep even = {0, 1}, odd = {0, -1};
        struct irrep gate = irreps_reach(in, harmonics, even) ? even : odd;
        layer->nonlinearity = gate_new(build, &scalars, &gated, gate, options->scalar_acts, options->gate_acts);
        if (!layer->nonlinearity)
            return NULL;
        conv_out = gate_irreps_in(layer->nonlinearity);
        *out = gate_irreps_out(layer->nonlinearity);
    }
    layer->resnet = options->resnet && irreps_equal(&both, in);
    layer->out = *out;
    if (!module_add(build, module, "equivariant_nonlin", layer->nonlinearity))
        return NULL;
    layer->conv = interaction_new(build, in, harmonics, &conv_out, options);
    return module_add(build, module, "conv", layer->conv) ? module : NULL;
}
