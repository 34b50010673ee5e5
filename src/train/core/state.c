#include "train/core/state.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A variable and what only the core needs of it. */
struct owned_variable {
    struct variable variable; /* first: a variable's address is its entry's */
    void **owner;             /* of adopted memory; NULL for our own */
    void *shadow;             /* small ones: the values at state_begin */
    size_t shadow_count;
};

struct state {
    struct owned_variable **entries;
    size_t count, capacity;
    int open; /* between begin and commit or rollback */
};

const struct state_range state_flag = {0, 1, 0};
const struct state_range state_counter = {0, 0x1p53, 0};
const struct state_range state_finite = {-DBL_MAX, DBL_MAX, 0};
const struct state_range state_nonnegative = {0, DBL_MAX, 0};
const struct state_range state_nullable = {-DBL_MAX, DBL_MAX, 1};
const struct state_range state_ordered = {-INFINITY, INFINITY, 0};

size_t state_type_size(enum state_type type) {
    return type == STATE_U8 ? 1 : type == STATE_F32 || type == STATE_U32 ? 4 : 8;
}

const char *state_type_name(enum state_type type) {
    static const char *const names[] = {"F32", "F64", "I64", "U8", "U32"};
    return names[type];
}

/* Zeroed; not empty, so that no pointer is NULL. */
static void *buffer_new(enum state_type type, size_t count) {
    size_t each = state_type_size(type);
    if (count > (SIZE_MAX / 2) / each)
        return NULL;
    size_t size = count * each + 1;
    void *buffer = memory_new(size);
    if (buffer)
        memset(buffer, 0, size);
    return buffer;
}

static size_t variable_bytes(const struct variable *variable) {
    return variable->count * state_type_size(variable->type);
}

static void copy_bytes(void *to, const void *from, size_t size) {
    if (size > 0)
        memcpy(to, from, size);
}

static void entry_free(struct owned_variable *entry) {
    if (!entry)
        return;
    if (!entry->owner)
        memory_free(entry->variable.data);
    memory_free(entry->variable.next);
    free(entry->variable.name);
    memory_free(entry->shadow);
    free(entry);
}

struct state *state_new(void) {
    return calloc(1, sizeof(struct state));
}

void state_free(struct state *state) {
    if (!state)
        return;
    for (size_t k = 0; k < state->count; k++)
        entry_free(state->entries[k]);
    free(state->entries);
    free(state);
}

static struct owned_variable *find_entry(const struct state *state, const char *name) {
    for (size_t k = 0; k < state->count; k++)
        if (strcmp(state->entries[k]->variable.name, name) == 0)
            return state->entries[k];
    return NULL;
}

static struct variable *insert(struct state *state, const char *name, enum state_type type, size_t count, int big,
                               void **owner, struct error *error) {
    struct owned_variable *entry = NULL;
    if (find_entry(state, name)) {
        error_set(error, ERROR_NAME, "the state already has a variable \"%s\"", name);
        return NULL;
    }
    if (state->count == state->capacity) {
        size_t capacity = state->capacity ? 2 * state->capacity : 32;
        struct owned_variable **entries = realloc(state->entries, capacity * sizeof *entries);
        if (!entries)
            goto memory;
        state->entries = entries;
        state->capacity = capacity;
    }
    entry = calloc(1, sizeof *entry);
    if (!entry)
        goto memory;
    struct variable *variable = &entry->variable;
    entry->owner = owner;
    variable->type = type;
    variable->count = count;
    variable->big = big;
    variable->elastic = !big && count == 0;
    variable->name = strdup(name);
    variable->data = owner ? *owner : buffer_new(type, count);
    if (!variable->name || (!variable->data && !owner))
        goto memory;
    if (big)
        variable->next = buffer_new(type, count);
    else
        entry->shadow = buffer_new(type, count);
    if (!variable->next && !entry->shadow)
        goto memory;
    if (owner)
        copy_bytes(variable->next, variable->data, variable_bytes(variable));
    entry->shadow_count = count;
    state->entries[state->count++] = entry;
    return variable;
memory:
    entry_free(entry);
    error_set(error, ERROR_MEMORY, "out of memory for the state's variable \"%s\" (%zu numbers)", name, count);
    return NULL;
}

struct variable *state_add(struct state *state, const char *name, enum state_type type, size_t count, int big,
                           struct error *error) {
    return insert(state, name, type, count, big != 0, NULL, error);
}

struct variable *state_adopt(struct state *state, const char *name, enum state_type type, size_t count, void **data,
                             struct error *error) {
    if (count > 0 && !*data) {
        error_set(error, ERROR_STATE, "there is no memory to adopt as \"%s\"", name);
        return NULL;
    }
    /* The buffers change places, so an empty slab gets a real one, which its owner then frees like any other. */
    if (!*data && !(*data = buffer_new(type, 0))) {
        error_set(error, ERROR_MEMORY, "out of memory for the state's variable \"%s\"", name);
        return NULL;
    }
    return insert(state, name, type, count, 1, data, error);
}

int state_is_adopted(const struct variable *variable) {
    return ((const struct owned_variable *)variable)->owner != NULL;
}

struct variable *state_find(const struct state *state, const char *name) {
    struct owned_variable *entry = find_entry(state, name);
    return entry ? &entry->variable : NULL;
}

int state_resize(struct state *state, struct variable *variable, size_t count, struct error *error) {
    struct owned_variable *entry = (struct owned_variable *)variable;
    size_t each = state_type_size(variable->type);
    if (variable->big)
        return error_set(error, ERROR_STATE, "the length of \"%s\" is fixed", variable->name);
    variable->elastic = 1;
    if (count == variable->count)
        return 0;
    /* Until the batch is over both buffers keep room for the old length, so that a rollback cannot fail. */
    size_t room = state->open && entry->shadow_count > count ? entry->shadow_count : count;
    void *data = buffer_new(variable->type, room);
    void *shadow = buffer_new(variable->type, room);
    if (!data || !shadow) {
        memory_free(data);
        memory_free(shadow);
        return error_set(error, ERROR_MEMORY, "out of memory for the state's variable \"%s\" (%zu numbers)",
                         variable->name, count);
    }
    copy_bytes(data, variable->data, (count < variable->count ? count : variable->count) * each);
    if (state->open)
        copy_bytes(shadow, entry->shadow, entry->shadow_count * each);
    else
        entry->shadow_count = count;
    memory_free(variable->data);
    memory_free(entry->shadow);
    variable->data = data;
    variable->count = count;
    entry->shadow = shadow;
    return 0;
}

int state_rename(struct state *state, const char *prefix, const char *other, struct error *error) {
    size_t length = strlen(prefix), more = strlen(other);
    char **names = calloc(state->count + 1, sizeof *names);
    int failed = !names;
    for (size_t k = 0; !failed && k < state->count; k++) {
        const char *name = state->entries[k]->variable.name;
        if (strncmp(name, prefix, length))
            continue;
        if ((names[k] = malloc(more + strlen(name) - length + 1)))
            strcpy(stpcpy(names[k], other), name + length);
        failed = !names[k];
    }
    for (size_t k = 0; names && k < state->count; k++)
        if (names[k] && !failed) {
            free(state->entries[k]->variable.name);
            state->entries[k]->variable.name = names[k];
        } else {
            free(names[k]);
        }
    free(names);
    return failed ? error_memory(error) : 0;
}

void state_remove(struct state *state, const char *prefix) {
    size_t kept = 0, length = strlen(prefix);
    struct owned_variable *namesake = NULL; /* the one whose own name the prefix is */
    for (size_t k = 0; k < state->count; k++) {
        struct owned_variable *entry = state->entries[k];
        if (entry->variable.name == prefix)
            namesake = entry;
        else if (strncmp(entry->variable.name, prefix, length) == 0)
            entry_free(entry);
        else
            state->entries[kept++] = entry;
    }
    state->count = kept;
    entry_free(namesake);
}

size_t state_count(const struct state *state) {
    return state->count;
}

struct variable *state_at(const struct state *state, size_t k) {
    return &state->entries[k]->variable;
}

/* ---------------------------------------------------------------- the transaction */

void state_sync(struct state *state) {
    for (size_t k = 0; k < state->count; k++) {
        struct variable *variable = &state->entries[k]->variable;
        variable->written = 0;
        if (variable->big)
            copy_bytes(variable->next, variable->data, variable_bytes(variable));
    }
}

void state_begin(struct state *state) {
    for (size_t k = 0; k < state->count; k++) {
        struct owned_variable *entry = state->entries[k];
        entry->variable.written = 0;
        if (entry->variable.big)
            continue;
        copy_bytes(entry->shadow, entry->variable.data, variable_bytes(&entry->variable));
        entry->shadow_count = entry->variable.count;
    }
    state->open = 1;
}

void state_commit(struct state *state) {
    for (size_t k = 0; k < state->count; k++) {
        struct owned_variable *entry = state->entries[k];
        struct variable *variable = &entry->variable;
        if (variable->big && variable->written) {
            void *data = variable->data;
            variable->data = variable->next;
            variable->next = data;
            if (entry->owner)
                *entry->owner = variable->data;
        }
        variable->written = 0;
    }
    state->open = 0;
}

void state_rollback(struct state *state) {
    for (size_t k = 0; k < state->count; k++) {
        struct owned_variable *entry = state->entries[k];
        struct variable *variable = &entry->variable;
        variable->written = 0;
        if (variable->big || !state->open)
            continue;
        variable->count = entry->shadow_count;
        copy_bytes(variable->data, entry->shadow, variable_bytes(variable));
    }
    state->open = 0;
}
