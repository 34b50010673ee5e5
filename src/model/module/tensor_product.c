/* Tensor products with the harmonics of edges, and products that only print and store. */
#include "model/module/modules.h"
#include "model/module/coupling.h"
#include "e3/wigner.h"

#include <math.h>
#include <string.h>

struct product {
    const char *class_name;
    struct irreps a, b, out; /* as they print: simplified */
    int paths, weights;
};

static void product_repr(const struct module *module, struct text *text) {
    const struct product *product = module->data;
    text_format(text, "%s(", product->class_name);
    irreps_print(&product->a, text);
    text_add(text, " x ");
    irreps_print(&product->b, text);
    text_add(text, " -> ");
    irreps_print(&product->out, text);
    text_format(text, " | %d paths | %d weights)", product->paths, product->weights);
}

static const struct module_class product_class = {"TensorProduct", NULL, product_repr, NULL};
static const struct module_class compiled_class = {"GraphModule", NULL, NULL, NULL};

static struct module *product_new(struct build *build, const char *class_name, const struct irreps *a,
                                  const struct irreps *b, const struct irreps *out, int paths, int weights) {
    struct module *module = module_new(build, &product_class, sizeof(struct product));
    if (!module)
        return NULL;
    *(struct product *)module->data = (struct product){class_name,
                                                       irreps_simplify(a, NULL, NULL, build->arena),
                                                       irreps_simplify(b, NULL, NULL, build->arena),
                                                       irreps_simplify(out, NULL, NULL, build->arena),
                                                       paths,
                                                       weights};
    int none = 0;
    if (!module_buffer(build, module, "weight", build->dtype, 1, &none) ||
        !module_mask(build, module, "output_mask", irreps_dim(out), 1))
        return NULL;
    return module;
}

struct module *elementwise_product_new(struct build *build, const struct irreps *a, const struct irreps *b,
                                       const struct irreps *out, int paths) {
    return product_new(build, "ElementwiseTensorProduct", a, b, out, paths, 0);
}

/* ---------------------------------------------------------------- with harmonics, summed over edges */

struct tp_scatter {
    struct irreps out;
    int weights, npaths; /* numbers per pair that the paths take */
    int given;           /* numbers per pair that the radial network gives: more, where a harmonic is repeated */
    struct tp_path *paths;
    struct block *blocks;
    struct remap_entry *folds; /* NULL, or how those become these */
    int nfolds;
};

static const struct module_class tp_scatter_class = {"TensorProductScatter", NULL, NULL, NULL};

struct product_slot {
    int in, harmonic;
    struct irrep out;
};

/* Each copy of a harmonic has weights of its own, (channel, copy).  Copies are equal, so that the sum of their weights
 * does, normalised by the number of copies. */
static int fold_copies(struct build *build, struct tp_scatter *tp, const struct irreps *features,
                       const struct irreps *harmonics, const struct product_slot *slots) {
    tp->folds = arena_alloc(build->arena, ((size_t)tp->given + 1) * sizeof *tp->folds);
    if (!tp->folds)
        return error_memory(build->error);
    for (int k = 0, from = 0; k < tp->npaths; k++) {
        int mul = features->entries[slots[k].in].mul, copies = harmonics->entries[slots[k].harmonic].mul;
        for (int place = 0; place < mul * copies; place++)
            tp->folds[tp->nfolds++] = (struct remap_entry){
                0, 0, from + place, 0, 0, tp->paths[k].w_offset + place / copies, 1, 1 / sqrt(copies)};
        from += mul * copies;
    }
    return 0;
}

/* The coupling tables that e3nn keeps in the state dict: one for each triple without an l of 0. */
static int add_coupling_table(struct build *build, struct module *compiled, int l1, int l2, int l3) {
    char name[48];
    int shape[] = {2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1};
    snprintf(name, sizeof name, "_w3j_%d_%d_%d", l1, l2, l3);
    for (struct state_entry *entry = compiled->first_state; entry; entry = entry->next)
        if (strcmp(entry->name, name) == 0)
            return 0;
    struct state_entry *table = module_buffer(build, compiled, name, build->dtype, 3, shape);
    double *values =
        arena_alloc(build->scratch, (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2] * sizeof *values);
    if (!table || !values)
        return error_memory(build->error);
    table->optional = 1;
    wigner_3j(l1, l2, l3, values);
    for (size_t k = 0; k < table->parameter.numel; k++)
        state_set(table, k, values[k]);
    return 0;
}

struct module *tp_scatter_new(struct build *build, const struct irreps *features, const struct irreps *harmonics,
                              const struct irreps *wanted) {
    struct module *module = module_new(build, &tp_scatter_class, sizeof(struct tp_scatter));
    if (!module)
        return NULL;
    struct tp_scatter *tp = module->data;
    struct irrep products[2 * IRREP_MAX_L + 1];
    size_t capacity = 1;
    for (int i = 0; i < features->count; i++)
        for (int j = 0; j < harmonics->count; j++)
            capacity += (size_t)irrep_product(features->entries[i].ir, harmonics->entries[j].ir, products);
    struct product_slot *slots = arena_alloc(build->scratch, capacity * sizeof *slots);
    struct irreps_entry *middle = arena_alloc(build->scratch, capacity * sizeof *middle);
    int *position = arena_alloc(build->scratch, capacity * sizeof *position);
    int *group = arena_alloc(build->scratch, capacity * sizeof *group);
    int *first = arena_alloc(build->scratch, capacity * sizeof *first);
    tp->paths = arena_alloc(build->arena, capacity * sizeof *tp->paths);
    tp->blocks = arena_alloc(build->arena, capacity * sizeof *tp->blocks);
    if (!slots || !middle || !position || !group || !first || !tp->paths || !tp->blocks) {
        error_memory(build->error);
        return NULL;
    }
    int count = 0;
    for (int i = 0; i < features->count; i++)
        for (int j = 0; j < harmonics->count; j++) {
            int n = irrep_product(features->entries[i].ir, harmonics->entries[j].ir, products);
            for (int k = 0; k < n; k++)
                if (irreps_has(wanted, products[k])) {
                    slots[count] = (struct product_slot){i, j, products[k]};
                    middle[count++] = (struct irreps_entry){features->entries[i].mul, products[k]};
                }
        }
    struct irreps unsorted = {count, middle};
    struct irreps sorted = irreps_sort(&unsorted, position, build->arena);
    tp->out = irreps_simplify(&sorted, group, first, build->arena);
    irreps_blocks(&tp->out, tp->blocks);

    struct module *product = product_new(build, "TensorProduct", features, harmonics, &tp->out, 0, 0);
    struct module *compiled = module_new(build, &compiled_class, 0);
    if (!module_add(build, module, "tp", product) || !module_add(build, product, "_compiled_main_left_right", compiled))
        return NULL;
    for (int k = 0; k < count; k++) {
        int l1 = features->entries[slots[k].in].ir.l, l2 = harmonics->entries[slots[k].harmonic].ir.l;
        int l3 = slots[k].out.l, place = position[k];
        int m_offset = coupling_plan_add(build->couplings, build, l1, l2, l3);
        if (m_offset < 0 || (l1 && l2 && l3 && add_coupling_table(build, compiled, l1, l2, l3)))
            return NULL;
        tp->paths[tp->npaths++] =
            (struct tp_path){slots[k].in, group[place], first[place], m_offset, tp->weights, l2 % 2, l2 == 0};
        tp->weights += features->entries[slots[k].in].mul;
        tp->given += features->entries[slots[k].in].mul * harmonics->entries[slots[k].harmonic].mul;
    }
    if (tp->given > tp->weights && fold_copies(build, tp, features, harmonics, slots))
        return NULL;
    struct product *printed = product->data;
    printed->paths = printed->weights = tp->given;
    return module;
}

int tp_scatter_weights(const struct module *module) {
    return ((const struct tp_scatter *)module->data)->given;
}

struct irreps tp_scatter_irreps_out(const struct module *module) {
    return ((const struct tp_scatter *)module->data)->out;
}

struct node *tp_scatter_apply(const struct module *module, struct emitter *emitter, struct node *x,
                              struct node *weights) {
    const struct tp_scatter *tp = module->data;
    graph_push_module(emitter->graph, module->path);
    if (tp->folds) {
        struct block row = {1, tp->weights};
        weights = graph_remap(emitter->graph, weights, &row, 1, tp->folds, tp->nfolds);
    }
    struct node *out = graph_tensor_product(emitter->graph, x, emitter->couplings, weights, tp->blocks, tp->out.count,
                                            tp->paths, tp->npaths);
    graph_pop_module(emitter->graph);
    return out;
}
