/* What stands around the layers: the sequence of modules, the sum to the total energy, forces and stress, and the
 * outermost wrapper. */
#include "model/emit/model_outputs.h"
#include "model/module/modules.h"

/* ---------------------------------------------------------------- one after the other */

static void sequence_emit(const struct module *module, struct emitter *emitter) {
    for (const struct module *child = module->first_child; child; child = child->next)
        emit_module(emitter, child);
}

static const struct module_class sequence_class = {"SequentialGraphNetwork", NULL, NULL, sequence_emit};

struct module *sequence_new(struct build *build) {
    return module_new(build, &sequence_class, 0);
}

/* ---------------------------------------------------------------- total energy */

static void energy_sum_emit(const struct module *module, struct emitter *emitter) {
    (void)module;
    emitter->outputs->atomic_energy = emitter->atomic_energy;
    emitter->outputs->total_energy = graph_scatter(emitter->graph, emitter->atomic_energy, INDEX_FRAME, DIM_FRAMES, 0);
}

static const struct module_class energy_sum_class = {"AtomwiseReduce", NULL, NULL, energy_sum_emit};

struct module *energy_sum_new(struct build *build) {
    return module_new(build, &energy_sum_class, 0);
}

/* ---------------------------------------------------------------- forces and stress */

struct force_stress {
    int derivatives;
};

/* With g_p = dE/dr_p and r_p = x_j - x_i + shift: the force on an atom is the sum of g over the pairs it is i of, less
 * that over the pairs it is j of; and dE/dstrain, strain being symmetric, is the sum of sym(r_p g_p). */
static void force_stress_emit(const struct module *module, struct emitter *emitter) {
    const struct force_stress *layer = module->data;
    struct graph *graph = emitter->graph;
    struct model_outputs *out = emitter->outputs;
    emit_module(emitter, module->first_child);
    graph_narrow(graph, (struct node * *[]){&out->total_energy, &out->atomic_energy}, 2);
    if (!layer->derivatives || !emitter->derivatives)
        return;
    struct node *g;
    if (graph_grad(graph, out->total_energy, NULL, &emitter->vector, 1, &g))
        return; /* the graph remembers the error */
    out->forces = graph_sub(graph, graph_scatter(graph, g, INDEX_PAIR_I, DIM_ATOMS, 0),
                            graph_scatter(graph, g, INDEX_PAIR_J, DIM_ATOMS, 0));
    struct couple_entry entries[18];
    int count = 0;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            entries[count++] = (struct couple_entry){a, b, 3 * a + b, 0.5};
            entries[count++] = (struct couple_entry){a, b, 3 * b + a, 0.5};
        }
    struct node *products = graph_couple(graph, emitter->vector, g, 9, entries, count);
    struct node *strain = graph_scatter(graph, products, INDEX_PAIR_FRAME, DIM_FRAMES, 0);
    struct node *inverse_volume = graph_input(graph, "inverse_volume", F64, DIM_FRAMES, 0, 1);
    /* NaN where there is no volume, but no NaN in a gradient: what is added depends on nothing */
    struct node *there = graph_unary(graph, UNARY_FINITE, inverse_volume, 0);
    struct node *nan = graph_unary(graph, UNARY_LOG, graph_offset(graph, graph_scale(graph, there, 2), -1), 0);
    out->stress = graph_mul(graph, strain, graph_unary(graph, UNARY_NAN0, inverse_volume, 0));
    out->stress = graph_sub(graph, out->stress, nan);
    out->virial = graph_neg(graph, strain);
}

static const struct module_class force_stress_class = {"ForceStressOutput", NULL, NULL, force_stress_emit};

struct module *force_stress_new(struct build *build, struct module *func, int derivatives) {
    struct module *module = module_new(build, &force_stress_class, sizeof(struct force_stress));
    int none = 0;
    if (!module || !module_buffer(build, module, "_empty", build->dtype, 1, &none) ||
        !module_add(build, module, "func", func))
        return NULL;
    ((struct force_stress *)module->data)->derivatives = derivatives;
    return module;
}

/* ---------------------------------------------------------------- the whole */

static void graph_model_emit(const struct module *module, struct emitter *emitter) {
    emit_module(emitter, module->first_child);
}

static const struct module_class graph_model_class = {"GraphModel", NULL, NULL, graph_model_emit};

struct module *graph_model_new(struct build *build, struct module *model) {
    struct module *module = module_new(build, &graph_model_class, 0);
    return module && module_add(build, module, "model", model) ? module : NULL;
}
