/* e3nn's Linear, without bias: per pair of entries of equal irrep a weight (mul_in, mul_out), in-entry outer, scaled by
 * 1/sqrt of all channels that reach the out-entry. */
#include "model/module/modules.h"

#include <math.h>

struct linear {
    struct irreps in, out;
    struct state_entry *weight; /* NULL where nothing is connected */
    int numel, npaths;
    struct linear_path *paths;
    struct block *blocks; /* of the result */
};

static void linear_repr(const struct module *module, struct text *text) {
    const struct linear *linear = module->data;
    text_add(text, "Linear(");
    irreps_print(&linear->in, text);
    text_add(text, " -> ");
    irreps_print(&linear->out, text);
    text_format(text, " | %d weights)", linear->numel);
}

static const struct module_class linear_class = {"Linear", NULL, linear_repr, NULL};

int connected_weight(struct build *build, struct module *module, int numel, struct state_entry **weight) {
    int none = 0;
    *weight = NULL;
    if (!numel)
        return module_buffer(build, module, "weight", build->dtype, 1, &none) ? 0 : -1;
    *weight = module_parameter(build, module, "weight", build->dtype, 1, &numel);
    if (!*weight)
        return -1;
    build_normal(build, *weight);
    return 0;
}

int reached_mask(struct build *build, struct module *module, const struct irreps *out, const struct irreps *in) {
    struct state_entry *mask = module_mask(build, module, "output_mask", irreps_dim(out), 0);
    if (!mask)
        return -1;
    size_t k = 0;
    for (int o = 0; o < out->count; o++) {
        const struct irreps_entry *entry = &out->entries[o];
        for (int n = 0; n < entry->mul * irrep_dim(entry->ir); n++)
            state_set(mask, k++, irreps_has(in, entry->ir));
    }
    return 0;
}

/* (mul_in, mul_out) of each path. */
static int name_matrices(struct build *build, const struct linear *linear) {
    if (!linear->weight)
        return 0;
    struct parameter_matrix *matrices = arena_alloc(build->arena, (size_t)linear->npaths * sizeof *matrices);
    if (!matrices)
        return error_memory(build->error);
    for (int k = 0; k < linear->npaths; k++) {
        const struct linear_path *path = &linear->paths[k];
        matrices[k] = (struct parameter_matrix){(size_t)path->w_offset, linear->in.entries[path->in].mul,
                                                linear->out.entries[path->out].mul};
    }
    linear->weight->parameter.matrices = matrices;
    linear->weight->parameter.nmatrices = linear->npaths;
    return 0;
}

struct module *linear_new(struct build *build, const struct irreps *in, const struct irreps *out) {
    struct module *module = module_new(build, &linear_class, sizeof(struct linear));
    if (!module)
        return NULL;
    struct linear *linear = module->data;
    linear->in = *in;
    linear->out = *out;
    linear->blocks = arena_alloc(build->arena, ((size_t)out->count + 1) * sizeof *linear->blocks);
    linear->paths = arena_alloc(build->arena, ((size_t)in->count * (size_t)out->count + 1) * sizeof *linear->paths);
    if (!linear->blocks || !linear->paths) {
        error_memory(build->error);
        return NULL;
    }
    irreps_blocks(out, linear->blocks);
    for (int i = 0; i < in->count; i++)
        for (int o = 0; o < out->count; o++) {
            const struct irreps_entry *a = &in->entries[i], *b = &out->entries[o];
            if (!irrep_equal(a->ir, b->ir))
                continue;
            int reaching = 0;
            for (int k = 0; k < in->count; k++)
                reaching += irrep_equal(in->entries[k].ir, b->ir) ? in->entries[k].mul : 0;
            linear->paths[linear->npaths++] = (struct linear_path){i, o, linear->numel, 1 / sqrt(reaching)};
            if (__builtin_add_overflow((int64_t)a->mul * b->mul, linear->numel, &linear->numel)) {
                error_set(build->error, ERROR_VALUE, "a linear layer of %d by %d channels is too large", a->mul,
                          b->mul);
                return NULL;
            }
        }
    int none = 0;
    if (connected_weight(build, module, linear->numel, &linear->weight))
        return NULL;
    if (!module_buffer(build, module, "bias", build->dtype, 1, &none) || name_matrices(build, linear))
        return NULL;
    return reached_mask(build, module, out, in) ? NULL : module;
}

struct node *linear_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct linear *linear = module->data;
    graph_push_module(emitter->graph, module->path);
    struct node *out;
    if (linear->weight) {
        out = graph_linear(emitter->graph, x, emit_state(emitter->graph, linear->weight), linear->blocks,
                           linear->out.count, linear->paths, linear->npaths);
    } else { /* nothing is connected: zeros */
        out = graph_remap(emitter->graph, x, linear->blocks, linear->out.count, NULL, 0);
    }
    graph_pop_module(emitter->graph);
    return out;
}
