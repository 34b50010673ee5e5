/* A model from its arguments: the builder that they name makes the modules, which are put together here. */
#include <stdlib.h>
#include <string.h>

#include "model/builder/builder.h"
#include "model/model_internal.h"

/* Calls visit for each entry in PyTorch's order: a module's parameters, its buffers, then its children. */
static int walk(struct module *module, int (*visit)(void *context, struct module *module, struct state_entry *entry),
                void *context) {
    for (int buffers = 0; buffers < 2; buffers++)
        for (struct state_entry *entry = module->first_state; entry; entry = entry->next)
            if (entry->parameter.is_buffer == buffers && visit(context, module, entry))
                return -1;
    for (struct module *child = module->first_child; child; child = child->next)
        if (walk(child, visit, context))
            return -1;
    return 0;
}

static int set_paths(struct arena *arena, struct module *module) {
    for (struct module *child = module->first_child; child; child = child->next) {
        child->path = arena_format(arena, "%s%s%s", module->path, *module->path ? "." : "", child->name);
        if (!child->path || set_paths(arena, child))
            return -1;
    }
    return 0;
}

static int count_entry(void *context, struct module *module, struct state_entry *entry) {
    struct model *model = context;
    model->nentries++;
    model->size[entry->parameter.dtype] += entry->parameter.numel;
    if (!entry->parameter.is_buffer)
        model->trainable[entry->parameter.dtype] += entry->parameter.numel;
    entry->parameter.name = arena_format(model->arena, "%s%s%s", module->path, *module->path ? "." : "", entry->name);
    return entry->parameter.name ? 0 : -1;
}

struct placing {
    struct model *model;
    int next;
    size_t parameters[DTYPE_COUNT], buffers[DTYPE_COUNT]; /* next free numbers */
};

static int place_entry(void *context, struct module *module, struct state_entry *entry) {
    struct placing *placing = context;
    struct model *model = placing->model;
    struct parameter *p = &entry->parameter;
    (void)module;
    size_t *next = p->is_buffer ? &placing->buffers[p->dtype] : &placing->parameters[p->dtype];
    p->offset = *next;
    *next += p->numel;
    char *values = (char *)model->slabs[p->dtype] + p->offset * dtype_size(p->dtype);
    memcpy(values, entry->values, p->numel * dtype_size(p->dtype));
    entry->values = values;
    model->entries[placing->next++] = entry;
    return 0;
}

/* Paths, names, slabs. */
static int put_together(struct model *model, struct error *error) {
    struct placing placing = {.model = model};
    if (set_paths(model->arena, model->root) || walk(model->root, count_entry, model))
        return error_memory(error);
    model->entries = arena_alloc(model->arena, ((size_t)model->nentries + 1) * sizeof(struct state_entry *));
    for (int d = 0; d < DTYPE_COUNT; d++) {
        model->slabs[d] = arena_alloc(model->arena, (model->size[d] + 1) * dtype_size((enum dtype)d));
        placing.buffers[d] = model->trainable[d];
        if (!model->slabs[d])
            return error_set(error, ERROR_MEMORY, "out of memory for %zu weights", model->size[d]);
    }
    if (!model->entries)
        return error_memory(error);
    return walk(model->root, place_entry, &placing);
}

static int copy_config(struct config **out, const struct config_node *node, struct error *error) {
    struct text text = {0};
    config_write_yaml(node, &text);
    int code =
        text.failed || !text.data ? error_memory(error) : config_parse(out, "model", text.data, text.size, error);
    text_free(&text);
    return code;
}

static int copy_categories(struct model *model, const struct build *build, struct error *error) {
    size_t count = (size_t)build->ncategories;
    const char **fields = arena_alloc(model->arena, (count + 1) * sizeof *fields);
    int *min = arena_alloc(model->arena, (count + 1) * sizeof *min);
    int *max = arena_alloc(model->arena, (count + 1) * sizeof *max);
    if (!fields || !min || !max)
        return error_memory(error);
    for (size_t k = 0; k < count; k++) {
        fields[k] = build->category_fields[k];
        min[k] = build->category_min[k];
        max[k] = build->category_max[k];
    }
    model->batch_options = (struct batch_options){.types = model->ntypes,
                                                  .ncategories = build->ncategories,
                                                  .category_fields = fields,
                                                  .category_min = min,
                                                  .category_max = max};
    return 0;
}

int model_build(struct model **out, const struct config_node *config, struct error *error) {
    struct error own = {0};
    struct build build = {.error = error ? error : &own};
    const struct builder *builder;
    *out = NULL;
    error = build.error;
    struct model *model = calloc(1, sizeof *model);
    if (!model)
        return error_memory(error);
    model->arena = build.arena = arena_new();
    build.scratch = arena_new();
    int code = 0;
    if (!build.arena || !build.scratch) {
        code = error_memory(error);
        goto out;
    }
    if (config_kind(config) != CONFIG_MAP) {
        code = config_error(config, error, ERROR_TYPE, "a model is a map with a _target_, not %s",
                            config_kind_name(config));
        goto out;
    }
    if (build_deferred(config)) {
        code = config_error(config, error, ERROR_STATE, "the model needs statistics of the training data");
        goto out;
    }
    code = builder_find(&builder, config, error);
    if (!code)
        code = builder_call(&build, builder, config, &model->root);
    if (code)
        goto out;
    model->dtype = build.finished.dtype;
    model->ntypes = build.finished.type_names.count;
    model->type_names = (const char *const *)build.finished.type_names.values;
    model->r_max = build.r_max;
    model->directed = build.directed;
    code = put_together(model, error);
    if (!code)
        code = copy_categories(model, &build, error);
    if (!code)
        code = copy_config(&model->config, build.config ? config_root(build.config) : config, error);
    if (!code && build.checkpoint)
        code = model_load_weights(model, build.checkpoint, error);
    if (!code && build.checkpoint && model_has_average(build.checkpoint))
        code = model_load_average(model, build.checkpoint, error);
out:
    if (build.arena && build.scratch)
        code = arena_result(build.scratch, arena_result(build.arena, code, error), error);
    safetensors_free(build.checkpoint);
    config_free(build.config);
    arena_free(build.scratch);
    if (code)
        model_free(model);
    else
        *out = model;
    return code;
}

int model_check(const struct config_node *config, struct error *error) {
    struct error own = {0};
    struct build build = {.error = error ? error : &own};
    const struct builder *builder;
    if (config_kind(config) != CONFIG_MAP)
        return config_error(config, error, ERROR_TYPE, "a model is a map with a _target_, not %s",
                            config_kind_name(config));
    build.arena = arena_new();
    build.scratch = arena_new();
    int code = build.arena && build.scratch ? builder_find(&builder, config, build.error) : error_memory(build.error);
    if (!code)
        code = builder_check(&build, builder, config);
    if (build.arena && build.scratch)
        code = arena_result(build.scratch, arena_result(build.arena, code, error), build.error);
    arena_free(build.arena);
    arena_free(build.scratch);
    return code;
}
