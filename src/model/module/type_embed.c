/* NodeTypeEmbed: a row of numbers for each type, and one for each value of the categorical fields, joined. They are
 * the node attributes of every layer and the features of the first. */
#include "model/module/modules.h"

#include <math.h>

struct type_embed {
    int total, nparts;
    struct embed_part {
        int offset, features;
        struct state_entry *weight;
    } parts[MAX_ATTRIBUTES];
};

static void embedding_extra_repr(const struct module *module, struct text *text) {
    const int *shape = module->first_state->parameter.shape;
    text_format(text, "%d, %d", shape[0], shape[1]);
}

static const struct module_class embedding_class = {"Embedding", embedding_extra_repr, NULL, NULL};
static const struct module_class dict_class = {"ModuleDict", NULL, NULL, NULL};

static void type_embed_emit(const struct module *module, struct emitter *emitter) {
    const struct type_embed *embed = module->data;
    struct graph *graph = emitter->graph;
    struct block all = {1, embed->total};
    emitter->nattributes = embed->nparts;
    for (int k = 0; k < embed->nparts; k++) {
        const struct embed_part *part = &embed->parts[k];
        enum index_kind index = k == 0 ? INDEX_TYPE : (enum index_kind)((int)INDEX_CATEGORY + k - 1);
        struct remap_entry place = {0, 0, 0, 0, 0, part->offset, part->features, 1};
        struct node *table = emit_state(graph, part->weight);
        if (part->features < embed->total)
            table = graph_remap(graph, table, &all, 1, &place, 1);
        emitter->attributes[k] = (struct attribute){table, index};
        struct node *rows = graph_gather(graph, table, index);
        emitter->features = k ? graph_add(graph, emitter->features, rows) : rows;
    }
}

static const struct module_class type_embed_class = {"NodeTypeEmbed", NULL, NULL, type_embed_emit};

static struct module *embedding_new(struct build *build, int rows, int features, enum embed_init init,
                                    struct state_entry **weight) {
    int shape[] = {rows, features};
    struct module *module = module_new(build, &embedding_class, 0);
    if (!module || !(*weight = module_parameter(build, module, "weight", build->dtype, 2, shape)))
        return NULL;
    state_node_shape(*weight, rows, features);
    /* every embedding draws normal numbers first; another mode then replaces them */
    build_normal(build, *weight);
    size_t numel = (*weight)->parameter.numel;
    if (init == EMBED_UNIFORM)
        build_uniform(build, *weight, -sqrt(3), sqrt(3));
    if (init == EMBED_NEAR_ZERO)
        build_normal(build, *weight);
    for (size_t k = 0; k < numel && (init == EMBED_ZERO || init == EMBED_NEAR_ZERO); k++) {
        state_set(*weight, k, init == EMBED_ZERO ? 0 : 1e-5 * state_value(*weight, k));
    }
    return module;
}

struct module *type_embed_new(struct build *build, int features, const struct category *categories, int ncategories) {
    struct module *module = module_new(build, &type_embed_class, sizeof(struct type_embed));
    if (!module)
        return NULL;
    struct type_embed *embed = module->data;
    embed->parts[0].features = embed->total = features;
    struct module *types = embedding_new(build, build->ntypes, features, EMBED_NORMAL, &embed->parts[0].weight);
    struct module *dict = module_new(build, &dict_class, 0);
    if (!module_add(build, module, "embed_module", types) ||
        !module_add(build, module, "categorical_graph_field_embed_modules", dict))
        return NULL;
    for (int k = 0; k < ncategories; k++) {
        const struct category *category = &categories[k];
        struct embed_part *part = &embed->parts[k + 1];
        part->offset = embed->total;
        part->features = category->features;
        embed->total += category->features;
        struct module *child =
            embedding_new(build, category->max - category->min + 1, category->features, category->init, &part->weight);
        if (!module_add(build, dict, category->field, child))
            return NULL;
    }
    embed->nparts = ncategories + 1;
    return module;
}
