/* Copies of the whole state: snapshots in memory and tensors in a checkpoint. */
#include "train/state.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

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
            incoming[nincoming++] = (struct incoming){variable, saved->count, saved->data};
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
        char *name = NULL;
        if (state_is_adopted(variable))
            continue;
        if (asprintf(&name, "%s%s", prefix, variable->name) < 0)
            code = error_set(error, ERROR_MEMORY, "out of memory while storing the state");
        else
            code = safetensors_add(file, name, state_type_name(variable->type), 1, &variable->count, variable->data,
                                   error);
        free(name);
    }
    free(sorted);
    return code;
}

static const struct tensor *stored(const struct safetensors *file, const struct variable *variable) {
    char *name = NULL;
    if (asprintf(&name, "%s%s", prefix, variable->name) < 0)
        return NULL;
    const struct tensor *tensor = safetensors_find(file, name);
    free(name);
    return tensor;
}

int state_stored(const struct safetensors *file, const struct variable *variable) {
    return stored(file, variable) != NULL;
}

int state_load(struct state *state, const struct safetensors *file,
               int (*skips)(void *context, const struct variable *variable), void *context, struct error *error) {
    int code = 0;
    size_t count = state_count(state), nincoming = 0;
    struct incoming *incoming = calloc(count + 1, sizeof *incoming);
    if (!incoming)
        return error_set(error, ERROR_MEMORY, "out of memory while reading the state");
    for (size_t k = 0; k < count; k++) {
        struct variable *variable = state_at(state, k);
        if (state_is_adopted(variable) || (skips && skips(context, variable)))
            continue;
        const struct tensor *tensor = stored(file, variable);
        size_t each = state_type_size(variable->type);
        if (!tensor && variable->optional)
            incoming[nincoming++] = (struct incoming){variable, variable->count, NULL};
        else if (!tensor)
            code = error_set(error, ERROR_DATA, "the checkpoint has no \"%s%s\"", prefix, variable->name);
        else if (strcmp(tensor->dtype, state_type_name(variable->type)) != 0 || tensor->ndim != 1 ||
                 tensor->size != tensor->shape[0] * each)
            code = error_set(error, ERROR_DATA, "the checkpoint's \"%s%s\" is %s of %d dimensions, not %s of one",
                             prefix, variable->name, tensor->dtype, tensor->ndim, state_type_name(variable->type));
        else if (!variable->elastic && tensor->shape[0] != variable->count)
            code = error_set(error, ERROR_DATA, "the checkpoint's \"%s%s\" has %zu numbers, not %zu", prefix,
                             variable->name, tensor->shape[0], variable->count);
        else
            incoming[nincoming++] = (struct incoming){variable, tensor->shape[0], tensor->data};
        if (code)
            goto out;
    }
    code = take_over(state, incoming, nincoming, error);
out:
    free(incoming);
    return code;
}
