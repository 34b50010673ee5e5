#include "model/emit/module.h"
#include "model/emit/build.h"

#include <limits.h>
#include <string.h>

struct module *module_new(struct build *build, const struct module_class *class, size_t data_size) {
    struct module *module = arena_alloc(build->arena, sizeof *module);
    void *data = data_size ? arena_alloc(build->arena, data_size) : NULL;
    if (!module || (data_size && !data)) {
        error_memory(build->error);
        return NULL;
    }
    module->class = class;
    module->name = module->path = "";
    module->data = data;
    return module;
}

struct module *module_add(struct build *build, struct module *parent, const char *name, struct module *child) {
    if (!child || !parent)
        return NULL;
    child->name = arena_string(build->arena, name);
    if (!child->name) {
        error_memory(build->error);
        return NULL;
    }
    if (parent->last_child)
        parent->last_child->next = child;
    else
        parent->first_child = child;
    parent->last_child = child;
    return child;
}

struct module *module_child(const struct module *module, const char *name) {
    struct module *child = module->first_child;
    while (child && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}

static void find(const struct module *module, const char *path, const struct module **out, int *count, int *whole) {
    size_t size = strlen(path), length = strlen(module->path);
    if (!strcmp(module->path, path)) {
        *out = module;
        *whole = 1;
    } else if (size && length > size && !strcmp(module->path + length - size, path) &&
               module->path[length - size - 1] == '.') {
        *out = *out ? *out : module;
        ++*count;
    }
    for (const struct module *child = module->first_child; child && !*whole; child = child->next)
        find(child, path, out, count, whole);
}

const struct module *module_find(const struct module *root, const char *path, int *count) {
    const struct module *found = NULL;
    int whole = 0;
    *count = 0;
    find(root, path, &found, count, &whole);
    *count = whole ? 1 : *count;
    return found;
}

/* ---------------------------------------------------------------- printing */

/* Adds lines, each but the first with `indent` spaces in front. */
static void add_indented(struct text *out, const char *lines, int indent) {
    for (const char *c = lines; *c;) {
        const char *end = strchr(c, '\n');
        size_t size = end ? (size_t)(end - c) + 1 : strlen(c);
        text_add_bytes(out, c, size);
        c += size;
        if (end)
            text_format(out, "%*s", indent, "");
    }
}

/* PyTorch's rule: a single line of extra_repr and no children stay on the line of the class. */
void module_print(const struct module *module, struct text *out) {
    if (module->class->repr) {
        module->class->repr(module, out);
        return;
    }
    struct text extra = {0};
    if (module->class->extra_repr)
        module->class->extra_repr(module, &extra);
    text_format(out, "%s(", module->class->name);
    int has_extra = extra.data && extra.size > 0;
    if (has_extra && !module->first_child && !strchr(extra.data, '\n')) {
        text_add(out, extra.data);
    } else if (has_extra || module->first_child) {
        if (has_extra) {
            text_add(out, "\n  ");
            add_indented(out, extra.data, 2);
        }
        for (const struct module *child = module->first_child; child; child = child->next) {
            struct text lines = {0};
            module_print(child, &lines);
            text_format(out, "\n  (%s): ", child->name);
            if (lines.data)
                add_indented(out, lines.data, 2);
            out->failed |= lines.failed;
            text_free(&lines);
        }
        text_add(out, "\n");
    }
    text_add(out, ")");
    out->failed |= extra.failed;
    text_free(&extra);
}

/* ---------------------------------------------------------------- state */

static struct state_entry *add_state(struct build *build, struct module *module, const char *name, enum dtype dtype,
                                     int ndim, const int *shape, int is_buffer) {
    struct state_entry *entry = arena_alloc(build->arena, sizeof *entry);
    size_t numel = 1;
    for (int k = 0; k < ndim; k++)
        numel *= (size_t)shape[k];
    if (numel > INT_MAX) {
        error_set(build->error, ERROR_VALUE, "%s would have %zu numbers: too many", name, numel);
        return NULL;
    }
    void *values = arena_alloc(build->scratch, (numel + 1) * dtype_size(dtype));
    char *copy = arena_string(build->arena, name);
    if (!entry || !values || !copy) {
        error_set(build->error, ERROR_MEMORY, "out of memory for %zu numbers of %s", numel, name);
        return NULL;
    }
    entry->parameter.dtype = dtype;
    entry->parameter.ndim = ndim;
    for (int k = 0; k < ndim; k++)
        entry->parameter.shape[k] = shape[k];
    entry->parameter.numel = numel;
    entry->parameter.is_buffer = is_buffer;
    entry->name = copy;
    entry->optional = numel == 0;
    entry->rows = 1;
    entry->cols = (int)numel;
    entry->values = values;
    if (module->last_state)
        module->last_state->next = entry;
    else
        module->first_state = entry;
    module->last_state = entry;
    return entry;
}

struct state_entry *module_parameter(struct build *build, struct module *module, const char *name, enum dtype dtype,
                                     int ndim, const int *shape) {
    return add_state(build, module, name, dtype, ndim, shape, 0);
}

struct state_entry *module_buffer(struct build *build, struct module *module, const char *name, enum dtype dtype,
                                  int ndim, const int *shape) {
    return add_state(build, module, name, dtype, ndim, shape, 1);
}

struct state_entry *module_mask(struct build *build, struct module *module, const char *name, int numel, double value) {
    struct state_entry *entry = add_state(build, module, name, build->dtype, 1, &numel, 1);
    if (!entry)
        return NULL;
    entry->optional = 1;
    for (int k = 0; k < numel; k++)
        state_set(entry, (size_t)k, value);
    return entry;
}

void state_set(struct state_entry *entry, size_t k, double value) {
    if (entry->parameter.dtype == F64)
        ((double *)entry->values)[k] = value;
    else
        ((float *)entry->values)[k] = (float)value;
}

double state_value(const struct state_entry *entry, size_t k) {
    return entry->parameter.dtype == F64 ? ((const double *)entry->values)[k] : ((const float *)entry->values)[k];
}

void state_node_shape(struct state_entry *entry, int rows, int cols) {
    entry->rows = rows;
    entry->cols = cols;
}
