#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "model/emit/emitter.h"
#include "model/model_internal.h"

void model_free(struct model *model) {
    if (!model)
        return;
    config_free(model->config);
    arena_free(model->arena);
    free(model);
}

/* ---------------------------------------------------------------- what it is */

enum dtype model_dtype(const struct model *model) {
    return model->dtype;
}

double model_r_max(const struct model *model) {
    return model->r_max;
}

int model_ntypes(const struct model *model) {
    return model->ntypes;
}

const char *const *model_type_names(const struct model *model) {
    return model->type_names;
}

int model_directed(const struct model *model) {
    return model->directed;
}

const struct batch_options *model_batch_options(const struct model *model) {
    return &model->batch_options;
}

const struct config_node *model_config(const struct model *model) {
    return config_root(model->config);
}

const struct module *model_root(const struct model *model) {
    return model->root;
}

void model_print(const struct model *model, struct text *out) {
    module_print(model->root, out);
}

/* ---------------------------------------------------------------- state */

int model_nparameters(const struct model *model) {
    return model->nentries;
}

size_t model_size(const struct model *model) {
    size_t count = 0;
    for (int k = 0; k < model_nparameters(model); k++)
        if (!model_parameter(model, k)->is_buffer)
            count += model_parameter(model, k)->numel;
    return count;
}

struct parameter *model_parameter(const struct model *model, int k) {
    return &model->entries[k]->parameter;
}

struct parameter *model_find_parameter(const struct model *model, const char *name) {
    for (int k = 0; k < model->nentries; k++)
        if (strcmp(model->entries[k]->parameter.name, name) == 0)
            return &model->entries[k]->parameter;
    return NULL;
}

int model_parameter_optional(const struct model *model, int k) {
    return model->entries[k]->optional;
}

void *model_slab(const struct model *model, enum dtype dtype) {
    return model->slabs[dtype];
}

size_t model_slab_size(const struct model *model, enum dtype dtype) {
    return model->size[dtype];
}

size_t model_trainable_size(const struct model *model, enum dtype dtype) {
    return model->trainable[dtype];
}

/* ---------------------------------------------------------------- emission */

int model_emit(const struct model *model, struct graph *graph, int derivatives, struct model_outputs *out,
               struct error *error) {
    struct error own = {0};
    *out = (struct model_outputs){0};
    struct emitter emitter = {.graph = graph,
                              .error = &own,
                              .scratch = arena_new(),
                              .dtype = model->dtype,
                              .derivatives = derivatives,
                              .outputs = out};
    if (!emitter.scratch)
        return error_memory(error);
    emit_module(&emitter, model->root);
    arena_free(emitter.scratch);
    graph_error(graph, &own);
    return own.code ? error_set(error, own.code, "%s", own.message) : 0;
}

struct node *model_parameter_node(const struct model *model, struct graph *graph, int k) {
    return emit_state(graph, model->entries[k]);
}
