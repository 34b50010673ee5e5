/* Copies of the whole state: snapshots in memory and tensors in a checkpoint. */
#include "train/core/state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/print.h"
#include "base/text.h"
#include "train/core/dot.h"

struct saved {
    char *name;
    enum state_type type;
    size_t count;
    int big;
    void *data;
};

struct snapshot {
    size_t count, bytes;
    struct saved *saved;
};

static size_t bytes_of(const struct variable *variable) {
    return variable->count * state_type_size(variable->type);
}

struct snapshot *state_save(const struct state *state) {
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return NULL;
    size_t count = state_count(state);
    snapshot->bytes = sizeof *snapshot + count * sizeof *snapshot->saved;
    snapshot->saved = calloc(count + 1, sizeof *snapshot->saved);
    if (!snapshot->saved)
        goto memory;
    for (size_t k = 0; k < count; k++) {
        const struct variable *variable = state_at(state, k);
        struct saved *saved = &snapshot->saved[snapshot->count++];
        size_t size = bytes_of(variable);
        saved->type = variable->type;
        saved->count = variable->count;
        saved->big = variable->big;
        saved->name = strdup(variable->name);
        saved->data = malloc(size + 1);
        if (!saved->name || !saved->data)
            goto memory;
        if (size > 0)
            memcpy(saved->data, variable->data, size);
        snapshot->bytes += size + strlen(saved->name) + 1;
    }
    return snapshot;
memory:
    snapshot_free(snapshot);
    return NULL;
}

size_t snapshot_size(const struct snapshot *snapshot) {
    return snapshot->bytes;
}

void snapshot_free(struct snapshot *snapshot) {
    if (!snapshot)
        return;
    for (size_t k = 0; k < snapshot->count; k++) {
        free(snapshot->saved[k].name);
        free(snapshot->saved[k].data);
    }
    free(snapshot->saved);
    free(snapshot);
}

static const struct saved *find_saved(const struct snapshot *snapshot, const char *name) {
    for (size_t k = 0; k < snapshot->count; k++)
        if (strcmp(snapshot->saved[k].name, name) == 0)
            return &snapshot->saved[k];
    return NULL;
}

int snapshot_renew(struct snapshot *snapshot, const struct state *state,
                   int (*chosen)(void *context, const struct variable *variable), void *context) {
    for (size_t k = 0; k < snapshot->count; k++) {
        struct saved *saved = &snapshot->saved[k];
        const struct variable *variable = state_find(state, saved->name);
        if (!variable || !chosen(context, variable))
            continue;
        void *data = realloc(saved->data, bytes_of(variable) + 1);
        if (!data)
            return -1;
        if (variable->count > 0)
            memcpy(data, variable->data, bytes_of(variable));
        saved->data = data;
        saved->count = variable->count;
    }
    return 0;
}

const void *snapshot_data(const struct snapshot *snapshot, const char *name) {
    const struct saved *saved = find_saved(snapshot, name);
    return saved ? saved->data : NULL;
}

/* A variable and what it will hold. */
struct incoming {
    struct variable *variable;
    size_t count;
    const void *data; /* NULL: zeros */
    void *own;        /* memory that goes with it; NULL: none */
};

/* Lengths first, in a transaction: if memory ends, rolling back brings everything back. */
static int take_over(struct state *state, const struct incoming *incoming, size_t count, struct error *error) {
    state_rollback(state);
    state_begin(state);
    for (size_t k = 0; k < count; k++) {
        if (incoming[k].count == incoming[k].variable->count)
            continue;
        int code = state_resize(state, incoming[k].variable, incoming[k].count, error);
        if (code) {
            state_rollback(state);
            return code;
        }
    }
    state_commit(state);
    for (size_t k = 0; k < count; k++) {
        size_t size = bytes_of(incoming[k].variable);
        if (size > 0 && incoming[k].data)
            memcpy(incoming[k].variable->data, incoming[k].data, size);
        else if (size > 0)
            memset(incoming[k].variable->data, 0, size);
    }
    state_sync(state);
    return 0;
}

int state_restore(struct state *state, const struct snapshot *snapshot, struct error *error) {
    int code = 0;
    size_t count = state_count(state), nincoming = 0;
    struct incoming *incoming = calloc(count + 1, sizeof *incoming);
    if (!incoming)
        return error_set(error, ERROR_MEMORY, "out of memory while putting the state back");
    for (size_t k = 0; k < count; k++) {
        struct variable *variable = state_at(state, k);
        const struct saved *saved = find_saved(snapshot, variable->name);
        if (!saved)
            code = error_set(error, ERROR_STATE, "the snapshot has no variable \"%s\"", variable->name);
        else if (saved->type != variable->type || saved->big != variable->big)
            code = error_set(error, ERROR_STATE, "the snapshot's variable \"%s\" is of another type (%s, not %s)",
                             variable->name, state_type_name(saved->type), state_type_name(variable->type));
        else if (saved->big && saved->count != variable->count)
            code = error_set(error, ERROR_STATE, "the snapshot's variable \"%s\" has %zu numbers, not %zu",
                             variable->name, saved->count, variable->count);
        else
            incoming[nincoming++] = (struct incoming){variable, saved->count, saved->data, NULL};
        if (code)
            goto out;
    }
    for (size_t k = 0; k < snapshot->count; k++) {
        if (!state_find(state, snapshot->saved[k].name)) {
            code = error_set(error, ERROR_STATE, "the snapshot has a variable \"%s\" that the state has not",
                             snapshot->saved[k].name);
            goto out;
        }
    }
    code = take_over(state, incoming, nincoming, error);
out:
    free(incoming);
    return code;
}

/* ---------------------------------------------------------------- hash */

uint64_t state_hash(const struct state *state) {
    /* Summed over variables, so that the order in which they were added does not matter. */
    uint64_t sum = 0;
    for (size_t k = 0; k < state_count(state); k++) {
        const struct variable *variable = state_at(state, k);
        uint64_t hash = hash_bytes(variable->type, variable->name, strlen(variable->name));
        sum += hash_bytes(hash, variable->data, bytes_of(variable));
    }
    return sum;
}

/* ---------------------------------------------------------------- checkpoints */

static const char prefix[] = "state.";

static int by_name(const void *a, const void *b) {
    return strcmp((*(const struct variable *const *)a)->name, (*(const struct variable *const *)b)->name);
}

/* The name in a file of a variable, or of one of its fields; NULL if out of memory. */
static char *file_name(const struct variable *variable, const char *field) {
    char *name = NULL;
    return asprintf(&name, "%s%s%s%s", prefix, variable->name, field ? "." : "", field ? field : "") < 0 ? NULL : name;
}

static int store(const struct variable *variable, const char *field, size_t first, size_t count,
                 struct safetensors *file, struct error *error) {
    char *name = file_name(variable, field);
    const char *data = (const char *)variable->data + first * state_type_size(variable->type);
    int code = name ? safetensors_add(file, name, state_type_name(variable->type), 1, &count, data, error)
                    : error_set(error, ERROR_MEMORY, "out of memory while storing the state");
    free(name);
    return code;
}

int state_store(const struct state *state, struct safetensors *file, struct error *error) {
    size_t count = state_count(state);
    const struct variable **sorted = malloc((count + 1) * sizeof *sorted);
    int code = sorted ? 0 : error_set(error, ERROR_MEMORY, "out of memory while storing the state");
    for (size_t k = 0; !code && k < count; k++)
        sorted[k] = state_at(state, k);
    if (!code) /* changes on the way have left them in an order of their own */
        qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t k = 0; !code && k < count; k++) {
        const struct variable *variable = sorted[k];
        if (state_is_adopted(variable))
            continue;
        if (!variable->fields)
            code = store(variable, NULL, 0, variable->count, file, error);
        for (size_t f = 0; !code && variable->fields && f < variable->count; f++)
            if (variable->fields[f].name)
                code = store(variable, variable->fields[f].name, f, 1, file, error);
    }
    free(sorted);
    return code;
}

static int is_name(const char *name, const struct variable *variable, const char *field) {
    size_t before = sizeof prefix - 1, length = strlen(variable->name);
    if (strncmp(name, prefix, before) || strncmp(name + before, variable->name, length))
        return 0;
    name += before + length;
    return field ? *name == '.' && !strcmp(name + 1, field) : !*name;
}

/* Needs no memory: a variable that is there is never taken for one that is not. */
static const struct tensor *stored(const struct safetensors *file, const struct variable *variable, const char *field) {
    for (size_t k = 0; k < safetensors_count(file); k++)
        if (is_name(safetensors_at(file, k)->name, variable, field))
            return safetensors_at(file, k);
    return NULL;
}

int state_stored(const struct safetensors *file, const struct variable *variable) {
    const char *first = NULL;
    for (size_t f = 0; variable->fields && !first && f < variable->count; f++)
        first = variable->fields[f].name;
    return stored(file, variable, first) != NULL;
}

int state_refuse(const struct variable *variable, struct error *error, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    print_to_v(what, sizeof what, format, args);
    va_end(args);
    return error_set(error, ERROR_DATA, "the checkpoint's \"%s%s\" %s", prefix, variable->name, what);
}

/* Number k of a tensor, which need not be aligned. */
static double number_at(enum state_type type, const void *data, size_t k) {
    const char *at = (const char *)data + k * state_type_size(type);
    float single;
    double real;
    int64_t whole;
    uint32_t word;
    switch (type) {
    case STATE_F32:
        memcpy(&single, at, sizeof single);
        return single;
    case STATE_F64:
        memcpy(&real, at, sizeof real);
        return real;
    case STATE_I64:
        memcpy(&whole, at, sizeof whole);
        return (double)whole;
    case STATE_U8:
        return *(const unsigned char *)at;
    case STATE_U32:
        memcpy(&word, at, sizeof word);
        return word;
    }
    return 0;
}

static int check_range(const struct variable *variable, const char *field, const struct state_range *range,
                       const struct tensor *tensor, struct error *error) {
    char least[32], most[32], here[32];
    for (size_t k = 0; range && k < tensor->shape[0]; k++) {
        double value = number_at(variable->type, tensor->data, k);
        if (isnan(value) ? range->null : value >= range->least && value <= range->most)
            continue;
        return error_set(
            error, ERROR_DATA, "the checkpoint's \"%s%s%s%s\" has %s for number %zu: from %s to %s%s is expected",
            prefix, variable->name, field ? "." : "", field ? field : "", text_double(here, value), k,
            text_double(least, range->least), text_double(most, range->most), range->null ? ", or NaN," : "");
    }
    return 0;
}

/* The tensor of a variable, or of its field, if it is as it should be; else NULL and the error. */
static const struct tensor *fitting(const struct safetensors *file, const struct variable *variable,
                                    const struct state_field *field, struct error *error) {
    const char *name = field ? field->name : NULL, *dot = field ? "." : "";
    const struct tensor *tensor = stored(file, variable, name);
    size_t each = state_type_size(variable->type), count = field ? 1 : variable->count;
    if (!tensor)
        error_set(error, ERROR_DATA, "the checkpoint has no \"%s%s%s%s\"", prefix, variable->name, dot,
                  name ? name : "");
    else if (strcmp(tensor->dtype, state_type_name(variable->type)) != 0 || tensor->ndim != 1 ||
             tensor->size != tensor->shape[0] * each)
        error_set(error, ERROR_DATA, "the checkpoint's \"%s%s%s%s\" is %s of %d dimensions, not %s of one", prefix,
                  variable->name, dot, name ? name : "", tensor->dtype, tensor->ndim, state_type_name(variable->type));
    else if (!variable->elastic && tensor->shape[0] != count)
        error_set(error, ERROR_DATA, "the checkpoint's \"%s%s%s%s\" has %zu numbers, not %zu", prefix, variable->name,
                  dot, name ? name : "", tensor->shape[0], count);
    else if (!check_range(variable, name, field ? field->range : variable->range, tensor, error))
        return tensor;
    return NULL;
}

/* A variable of fields, gathered into memory of its own; those that files do not have are as they were. */
static int gather(struct incoming *out, const struct safetensors *file, struct error *error) {
    const struct variable *variable = out->variable;
    size_t each = state_type_size(variable->type);
    if (!(out->own = malloc(bytes_of(variable) + 1)))
        return error_set(error, ERROR_MEMORY, "out of memory while reading the state");
    memcpy(out->own, variable->data, bytes_of(variable));
    out->data = out->own;
    out->count = variable->count;
    for (size_t f = 0; f < variable->count; f++) {
        if (!variable->fields[f].name)
            continue;
        const struct tensor *tensor = fitting(file, variable, &variable->fields[f], error);
        if (!tensor)
            return ERROR_DATA;
        memcpy((char *)out->own + f * each, tensor->data, each);
    }
    return 0;
}

int state_load(struct state *state, const struct safetensors *file,
               int (*skips)(void *context, const struct variable *variable), void *context, struct error *error) {
    int code = 0;
    size_t count = state_count(state), nincoming = 0;
    struct incoming *incoming = calloc(count + 1, sizeof *incoming);
    if (!incoming)
        return error_set(error, ERROR_MEMORY, "out of memory while reading the state");
    for (size_t k = 0; !code && k < count; k++) {
        struct variable *variable = state_at(state, k);
        if (state_is_adopted(variable) || (skips && skips(context, variable)))
            continue;
        struct incoming *next = &incoming[nincoming++];
        *next = (struct incoming){variable, variable->count, NULL, NULL};
        if (variable->optional && !state_stored(file, variable))
            continue;
        if (variable->fields) {
            code = gather(next, file, error);
            continue;
        }
        const struct tensor *tensor = fitting(file, variable, NULL, error);
        if (tensor)
            *next = (struct incoming){variable, tensor->shape[0], tensor->data, NULL};
        else
            code = ERROR_DATA;
    }
    if (!code)
        code = take_over(state, incoming, nincoming, error);
    for (size_t k = 0; k < nincoming; k++)
        free(incoming[k].own);
    free(incoming);
    return code;
}
