/* e3nn's NormActivation: each irrep is replaced by its direction times f(norm), the norm being at least 1e-8. */
#include "model/module/modules.h"
#include "model/module/activation.h"

struct norm_activation {
    struct irreps irreps;
    const struct activation *act;
};

static const double epsilon = 1e-8;
/* A power of 2 (so that no digit changes) by which the square of the norm is enlarged: the second derivative of the
 * inverse root of epsilon^2, 1e40, is infinite in float32, and times a derivative of 0 not a number. */
static const double enlarged = 0x1p20, root_enlarged = 0x1p10;

static void norm_repr(const struct module *module, struct text *text) {
    text_add(text, "Norm(");
    irreps_print(module->data, text);
    text_add(text, ")");
}

static const struct module_class norm_class = {"Norm", NULL, norm_repr, NULL};
static const struct module_class norm_activation_class = {"NormActivation", NULL, NULL, NULL};

struct module *norm_activation_new(struct build *build, const struct irreps *irreps, const struct activation *act) {
    struct module *module = module_new(build, &norm_activation_class, sizeof(struct norm_activation));
    struct module *norm = module_new(build, &norm_class, sizeof(struct irreps));
    struct irreps_entry *norms = arena_alloc(build->arena, ((size_t)irreps->count + 1) * sizeof *norms);
    if (!module || !norm || !norms) {
        error_memory(build->error);
        return NULL;
    }
    *(struct norm_activation *)module->data = (struct norm_activation){*irreps, act};
    *(struct irreps *)norm->data = irreps_simplify(irreps, NULL, NULL, build->arena);
    for (int k = 0; k < irreps->count; k++)
        norms[k] = (struct irreps_entry){irreps->entries[k].mul, {0, 1}};
    struct irreps unmerged = {irreps->count, norms};
    struct irreps scalars = irreps_simplify(&unmerged, NULL, NULL, build->arena);
    int num = irreps_num(irreps);
    struct module *square = elementwise_product_new(build, irreps, irreps, &scalars, num);
    struct module *multiplier = elementwise_product_new(build, &scalars, irreps, irreps, num);
    if (!module_add(build, module, "norm", norm) || !module_add(build, norm, "tp", square) ||
        !module_add(build, module, "scalar_multiplier", multiplier))
        return NULL;
    return module;
}

struct node *norm_activation_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct norm_activation *layer = module->data;
    struct graph *graph = emitter->graph;
    graph_push_module(graph, module->path);
    struct node *square = graph_sum(graph, graph_mul(graph, x, x), AXIS_MID);
    /* max(square, epsilon^2), constant below */
    double floor = epsilon * epsilon * enlarged;
    square = graph_scale(graph, square, enlarged);
    square = graph_offset(graph, graph_unary(graph, UNARY_RELU, graph_offset(graph, square, -floor), 0), floor);
    struct node *norm = graph_scale(graph, graph_unary(graph, UNARY_POWER, square, 0.5), 1 / root_enlarged);
    struct node *inverse = graph_scale(graph, graph_unary(graph, UNARY_POWER, square, -0.5), root_enlarged);
    struct node *scale = graph_mul(graph, graph_unary(graph, layer->act->kind, norm, 0), inverse);
    struct node *out = graph_mul(graph, x, scale);
    graph_pop_module(graph);
    return out;
}
