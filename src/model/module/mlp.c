/* NequIP's scalar MLPs: weights (in, out) without bias, scaled by alpha = gain/sqrt(in); gain 1 for the first layer,
 * sqrt(2) for the others if there is a nonlinearity. Several layers without one are a single product of matrices. */
#include "model/module/modules.h"

#include <math.h>
#include <string.h>

struct nonlinearity {
    const char *name;
    const char *printed; /* NULL: identity */
    enum unary_kind kind;
    double offset; /* added to f(x) */
};

/* log 2: softplus is the shifted softplus without its shift. */
static const struct nonlinearity nonlinearities[] = {
    {"silu", "SiLU()", UNARY_SILU, 0},
    {"mish", "Mish()", UNARY_MISH, 0},
    {"gelu", "GELU(approximate='none')", UNARY_GELU, 0},
    {"ssp", "ShiftedSoftplus()", UNARY_SSP, 0},
    {"tanh", "Tanh()", UNARY_TANH, 0},
    {"sigmoid", "Sigmoid()", UNARY_SIGMOID, 0},
    {"softplus", "Softplus(beta=1.0, threshold=20.0)", UNARY_SSP, 0.69314718055994530942},
    {"None", NULL, UNARY_SILU, 0},
    {"null", NULL, UNARY_SILU, 0},
};

enum { COUNT = sizeof nonlinearities / sizeof *nonlinearities };

static const struct nonlinearity *find(const char *name) {
    for (int k = 0; name && k < COUNT; k++)
        if (strcmp(nonlinearities[k].name, name) == 0)
            return &nonlinearities[k];
    return NULL;
}

int mlp_check_nonlinearity(const char *name, struct error *error) {
    const char *names[COUNT];
    for (int k = 0; k < COUNT; k++)
        names[k] = nonlinearities[k].name;
    if (!name || find(name))
        return 0;
    const char *nearest = text_nearest(name, names, COUNT);
    return error_set(error, ERROR_NAME,
                     "unknown nonlinearity \"%s\"%s: expected silu, mish, gelu, ssp, tanh, sigmoid, softplus or null",
                     name, DID_YOU_MEAN(nearest));
}

/* ---------------------------------------------------------------- parts */

struct mlp_layer {
    int in, out;
    double alpha;
    struct state_entry *weight;
};

static void layer_extra_repr(const struct module *module, struct text *text) {
    const struct mlp_layer *layer = module->data;
    text_format(text, "in_features=%d, out_features=%d, bias=False, alpha=%.6f", layer->in, layer->out, layer->alpha);
}

static void nonlinearity_repr(const struct module *module, struct text *text) {
    const struct nonlinearity *const *f = module->data;
    text_add(text, (*f)->printed ? (*f)->printed : "Identity()");
}

static void weights_extra_repr(const struct module *module, struct text *text) {
    int k = 0;
    for (const struct state_entry *entry = module->first_state; entry; entry = entry->next, k++)
        text_format(text, "%s  (%d): Parameter containing: [torch.%s of size %dx%d]", k ? "\n" : "", k,
                    dtype_name(entry->parameter.dtype), entry->parameter.shape[0], entry->parameter.shape[1]);
}

static const struct module_class layer_class = {"ScalarLinearLayer", layer_extra_repr, NULL, NULL};
static const struct module_class nonlinearity_class = {"Nonlinearity", NULL, nonlinearity_repr, NULL};
static const struct module_class sequential_class = {"Sequential", NULL, NULL, NULL};
static const struct module_class weights_class = {"ParameterList", weights_extra_repr, NULL, NULL};
static const struct module_class deep_linear_class = {"DeepLinearMLP", NULL, NULL, NULL};
static const struct module_class mlp_class = {"ScalarMLPFunction", NULL, NULL, NULL};

struct mlp {
    int nlayers, is_product;
    const struct nonlinearity *nonlinearity; /* NULL: none at all */
    struct mlp_layer *layers;
    struct module **modules; /* of each layer; the product itself for a product */
};

static struct state_entry *new_weight(struct build *build, struct module *owner, const char *name,
                                      struct mlp_layer *layer) {
    int shape[] = {layer->in, layer->out};
    layer->weight = module_parameter(build, owner, name, build->dtype, 2, shape);
    if (layer->weight)
        build_uniform(build, layer->weight, -sqrt(3), sqrt(3));
    return layer->weight;
}

struct module *mlp_new(struct build *build, const struct mlp_options *options) {
    struct module *module = module_new(build, &mlp_class, sizeof(struct mlp));
    if (!module)
        return NULL;
    struct mlp *mlp = module->data;
    mlp->nlayers = options->depth + 1;
    mlp->nonlinearity = find(options->nonlinearity);
    mlp->is_product = !mlp->nonlinearity && mlp->nlayers > 1;
    mlp->layers = arena_alloc(build->arena, (size_t)mlp->nlayers * sizeof *mlp->layers);
    mlp->modules = arena_alloc(build->arena, (size_t)mlp->nlayers * sizeof *mlp->modules);
    struct module *inner = module_new(build, mlp->is_product ? &deep_linear_class : &sequential_class, 0);
    struct module *weights = mlp->is_product ? module_new(build, &weights_class, 0) : NULL;
    if (!mlp->layers || !mlp->modules || !module_add(build, module, "mlp", inner) ||
        (mlp->is_product && !module_add(build, inner, "weights", weights))) {
        error_memory(build->error);
        return NULL;
    }
    for (int k = 0; k < mlp->nlayers; k++) {
        struct mlp_layer *layer = &mlp->layers[k];
        char name[32];
        layer->in = k == 0 ? options->in : options->width;
        layer->out = k == options->depth ? options->out : options->width;
        layer->alpha = (k == 0 || !mlp->nonlinearity ? 1 : sqrt(2)) / sqrt(layer->in);
        if (mlp->is_product) {
            snprintf(name, sizeof name, "%d", k);
            mlp->modules[k] = inner;
            if (!new_weight(build, weights, name, layer))
                return NULL;
            /* the first is an operand of the product, the others are weights */
            if (k == 0)
                state_node_shape(layer->weight, layer->in, layer->out);
            continue;
        }
        struct module *child = module_new(build, &layer_class, sizeof *layer);
        snprintf(name, sizeof name, "%d", mlp->nonlinearity ? 2 * k : k);
        mlp->modules[k] = child;
        if (!module_add(build, inner, name, child) || !new_weight(build, child, "weight", layer))
            return NULL;
        *(struct mlp_layer *)child->data = *layer;
        if (mlp->nonlinearity && k < options->depth) {
            struct module *f = module_new(build, &nonlinearity_class, sizeof mlp->nonlinearity);
            snprintf(name, sizeof name, "%d", 2 * k + 1);
            if (!module_add(build, inner, name, f))
                return NULL;
            *(const struct nonlinearity **)f->data = mlp->nonlinearity;
        }
    }
    return module;
}

static struct node *multiply(struct graph *graph, struct node *x, struct node *w, int out, double scale) {
    struct block block = {1, out};
    struct linear_path path = {0, 0, 0, scale};
    return graph_linear(graph, x, w, &block, 1, &path, 1);
}

struct node *mlp_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct mlp *mlp = module->data;
    struct graph *graph = emitter->graph;
    graph_push_module(graph, module->path);
    if (mlp->is_product) {
        graph_push_module(graph, mlp->modules[0]->path);
        struct node *w = emit_state(graph, mlp->layers[0].weight);
        double alpha = mlp->layers[0].alpha;
        for (int k = 1; k < mlp->nlayers; k++) {
            w = multiply(graph, w, emit_state(graph, mlp->layers[k].weight), mlp->layers[k].out, 1);
            alpha *= mlp->layers[k].alpha;
        }
        x = multiply(graph, x, w, mlp->layers[mlp->nlayers - 1].out, alpha);
        graph_pop_module(graph);
    }
    for (int k = 0; !mlp->is_product && k < mlp->nlayers; k++) {
        graph_push_module(graph, mlp->modules[k]->path);
        x = multiply(graph, x, emit_state(graph, mlp->layers[k].weight), mlp->layers[k].out, mlp->layers[k].alpha);
        graph_pop_module(graph);
        const struct nonlinearity *f = mlp->nonlinearity;
        if (k == mlp->nlayers - 1 || !f || !f->printed)
            continue;
        x = graph_unary(graph, f->kind, x, 0);
        if (f->offset != 0)
            x = graph_offset(graph, x, f->offset);
    }
    graph_pop_module(graph);
    return x;
}

/* ---------------------------------------------------------------- readout */

static void readout_emit(const struct module *module, struct emitter *emitter) {
    emitter->atomic_energy = mlp_apply(module->first_child, emitter, emitter->features);
}

static const struct module_class readout_class = {"ScalarMLP", NULL, NULL, readout_emit};

struct module *readout_new(struct build *build, const struct mlp_options *options) {
    struct module *module = module_new(build, &readout_class, 0);
    return module && module_add(build, module, "mlp_module", mlp_new(build, options)) ? module : NULL;
}
