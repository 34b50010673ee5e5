/* Weights in safetensors files. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static const char prefix[] = "model.sole_model.";
static const char average_prefix[] = "ema.ema_weight_";

static const char *without_prefix(const char *name) {
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
}

static const struct tensor *find(const struct safetensors *file, const char *name) {
    char full[512];
    if ((size_t)snprintf(full, sizeof full, "%s%s", prefix, name) >= sizeof full)
        return NULL;
    const struct tensor *tensor = safetensors_find(file, full);
    return tensor ? tensor : safetensors_find(file, name);
}

static void print_shape(char out[128], size_t ndim, const size_t *shape) {
    size_t used = (size_t)snprintf(out, 128, "[");
    for (size_t k = 0; k < ndim && used < 120; k++)
        used += (size_t)snprintf(out + used, 128 - used, "%s%zu", k ? ", " : "", shape[k]);
    if (used < 127)
        snprintf(out + used, 128 - used, "]");
}

static int check_tensor(const struct parameter *p, const struct tensor *tensor, struct error *error) {
    char have[128], want[128];
    size_t shape[4];
    int same = tensor->ndim == p->ndim;
    for (int k = 0; k < p->ndim; k++) {
        shape[k] = (size_t)p->shape[k];
        same = same && tensor->shape[k] == shape[k];
    }
    if (!same) {
        print_shape(have, (size_t)tensor->ndim, tensor->shape);
        print_shape(want, (size_t)p->ndim, shape);
        return error_set(error, ERROR_DATA, "%s has the shape %s in the file, %s in the model", tensor->name, have,
                         want);
    }
    if (strcmp(tensor->dtype, "F32") != 0 && strcmp(tensor->dtype, "F64") != 0)
        return error_set(error, ERROR_DATA, "%s is of type %s: expected F32 or F64", tensor->name, tensor->dtype);
    return 0;
}

/* Tensors in a file need not be aligned. */
static void copy_tensor(struct model *model, const struct parameter *p, const struct tensor *tensor) {
    char *out = (char *)model_slab(model, p->dtype) + p->offset * dtype_size(p->dtype);
    enum dtype from = strcmp(tensor->dtype, "F32") == 0 ? F32 : F64;
    if (from == p->dtype) {
        memcpy(out, tensor->data, p->numel * dtype_size(from));
        return;
    }
    for (size_t k = 0; k < p->numel; k++) {
        float single;
        double number;
        if (from == F32) {
            memcpy(&single, (const char *)tensor->data + 4 * k, 4);
            ((double *)out)[k] = single;
        } else {
            memcpy(&number, (const char *)tensor->data + 8 * k, 8);
            ((float *)out)[k] = (float)number;
        }
    }
}

/* A name that only a model has, but not this one. */
static int check_names(const struct model *model, const struct safetensors *file, struct error *error) {
    for (size_t k = 0; k < safetensors_count(file); k++) {
        const char *name = safetensors_at(file, k)->name, *bare = without_prefix(name);
        if (bare == name && strncmp(name, "model.func.", 11) != 0)
            continue;
        if (!model_find_parameter(model, bare))
            return error_set(error, ERROR_DATA, "the file holds %s, which the model does not have", name);
    }
    return 0;
}

int model_load_weights(struct model *model, const struct safetensors *file, struct error *error) {
    int count = model_nparameters(model), code = 0;
    for (int k = 0; k < count && !code; k++) {
        const struct parameter *p = model_parameter(model, k);
        const struct tensor *tensor = find(file, p->name);
        if (!tensor && !model_parameter_optional(model, k))
            code = error_set(error, ERROR_DATA, "the file lacks %s", p->name);
        else if (tensor && !model_parameter_optional(model, k))
            code = check_tensor(p, tensor, error);
    }
    if (!code)
        code = check_names(model, file, error);
    for (int k = 0; k < count && !code; k++) {
        const struct tensor *tensor = find(file, model_parameter(model, k)->name);
        /* masks and coupling tables follow from the architecture */
        if (tensor && !model_parameter_optional(model, k))
            copy_tensor(model, model_parameter(model, k), tensor);
    }
    return code;
}

int model_has_average(const struct safetensors *file) {
    char name[64];
    snprintf(name, sizeof name, "%s0", average_prefix);
    return safetensors_find(file, name) != NULL;
}

int model_load_average(struct model *model, const struct safetensors *file, struct error *error) {
    int count = model_nparameters(model);
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0, n = 0; k < count; k++) {
            const struct parameter *p = model_parameter(model, k);
            char name[64];
            if (p->is_buffer)
                continue;
            snprintf(name, sizeof name, "%s%d", average_prefix, n++);
            const struct tensor *tensor = safetensors_find(file, name);
            if (!tensor)
                return error_set(error, ERROR_DATA, "the file lacks %s, the average of %s", name, p->name);
            int code = pass == 0 ? check_tensor(p, tensor, error) : 0;
            if (code)
                return code;
            if (pass == 1)
                copy_tensor(model, p, tensor);
        }
    return 0;
}

int model_store_weights(const struct model *model, struct safetensors *file, struct error *error) {
    struct text text = {0};
    int code = 0;
    for (int k = 0; k < model_nparameters(model) && !code; k++) {
        const struct parameter *p = model_parameter(model, k);
        size_t shape[4];
        for (int d = 0; d < p->ndim; d++)
            shape[d] = (size_t)p->shape[d];
        text_clear(&text);
        text_format(&text, "%s%s", prefix, p->name);
        if (text.failed)
            code = error_memory(error);
        else
            code = safetensors_add(file, text.data, p->dtype == F64 ? "F64" : "F32", p->ndim, shape,
                                   (const char *)model_slab(model, p->dtype) + p->offset * dtype_size(p->dtype), error);
    }
    text_clear(&text);
    config_write_json(model_config(model), &text);
    if (!code)
        code = text.failed || !text.data ? error_memory(error)
                                         : safetensors_set_metadata(file, "model_config", text.data, error);
    text_free(&text);
    return code;
}
