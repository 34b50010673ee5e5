/* PerTypeScaleShift: E_i = shift + scale * x_i in float64, by type or the same for all. */
#include "model/module/modules.h"

struct scale_shift {
    int ntypes;
    const char *const *type_names;
    struct state_entry *scales, *shifts; /* empty where there are none */
};

static void print_values(struct text *text, const char *name, const struct scale_shift *layer,
                         const struct state_entry *entry) {
    text_format(text, "\n  %s: [", name);
    size_t numel = entry->parameter.numel;
    for (int k = 0; k < layer->ntypes; k++) {
        text_format(text, "%s%s", k ? ", " : "", layer->type_names[k]);
        if (numel > 1)
            text_format(text, ": %.6f", state_value(entry, (size_t)k));
    }
    if (numel == 0)
        text_add(text, ": None");
    if (numel == 1)
        text_format(text, ": %.6f", state_value(entry, 0));
    text_add(text, "]");
}

static void scale_shift_repr(const struct module *module, struct text *text) {
    const struct scale_shift *layer = module->data;
    text_add(text, "PerTypeScaleShift ");
    print_values(text, "scales", layer, layer->scales);
    print_values(text, "shifts", layer, layer->shifts);
}

/* [atoms, 1], or [1, 1] that broadcasts. */
static struct node *by_type(struct graph *graph, const struct state_entry *entry) {
    struct node *values = emit_state(graph, entry);
    return entry->parameter.numel == 1 ? values : graph_gather(graph, values, INDEX_TYPE);
}

static void scale_shift_emit(const struct module *module, struct emitter *emitter) {
    const struct scale_shift *layer = module->data;
    struct graph *graph = emitter->graph;
    struct node *energy = graph_cast(graph, emitter->atomic_energy, F64);
    if (layer->scales->parameter.numel)
        energy = graph_mul(graph, energy, by_type(graph, layer->scales));
    if (layer->shifts->parameter.numel)
        energy = graph_add(graph, energy, by_type(graph, layer->shifts));
    emitter->atomic_energy = energy;
}

static const struct module_class scale_shift_class = {"PerTypeScaleShift", NULL, scale_shift_repr, scale_shift_emit};

static struct state_entry *new_values(struct build *build, struct module *module, const char *name,
                                      const struct per_type *values, int trainable) {
    int none = 0;
    if (values->count == 0)
        return module_buffer(build, module, name, build->dtype, 1, &none);
    /* trainable ones are always by type */
    int shape[] = {trainable ? build->ntypes : values->count, 1};
    struct state_entry *entry = trainable ? module_parameter(build, module, name, F64, 2, shape)
                                          : module_buffer(build, module, name, F64, 2, shape);
    for (int k = 0; entry && k < shape[0]; k++)
        state_set(entry, (size_t)k, values->values[values->count == 1 ? 0 : k]);
    if (entry)
        state_node_shape(entry, shape[0], 1);
    return entry;
}

struct module *scale_shift_new(struct build *build, const struct per_type *scales, const struct per_type *shifts,
                               int scales_trainable, int shifts_trainable) {
    struct module *module = module_new(build, &scale_shift_class, sizeof(struct scale_shift));
    if (!module)
        return NULL;
    struct scale_shift *layer = module->data;
    layer->ntypes = build->ntypes;
    layer->type_names = build->type_names;
    layer->scales = new_values(build, module, "scales", scales, scales_trainable);
    layer->shifts = new_values(build, module, "shifts", shifts, shifts_trainable);
    return layer->scales && layer->shifts ? module : NULL;
}
