#include "data/transform/transforms.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "data/transform/transform_parts.h"

const struct transform_kind *const transform_kinds[] = {
    &transform_type_mapper,    &transform_neighbour_list,    &transform_sorted_neighbour_list,
    &transform_prune,          &transform_virial_to_stress,  &transform_stress_sign_flip,
    &transform_add_nan_stress, &transform_non_periodic_cell, &transform_dataset_index};
const size_t transform_kind_count = sizeof transform_kinds / sizeof *transform_kinds;

struct transform_entry {
    const struct transform_kind *kind;
    void *options;
};

struct transforms {
    struct arena *arena;
    size_t count;
    struct transform_entry *entries;
    size_t frame_limit, limit, used; /* bytes */
    struct text text;
};

static int read_entry(struct transforms *transforms, const struct config_node *config, struct error *error) {
    size_t index;
    int code = options_kind(config, "a data transform", transform_kinds, transform_kind_count, &index, error);
    if (code)
        return code;
    struct transform_entry *entry = &transforms->entries[transforms->count];
    entry->kind = transform_kinds[index];
    entry->options = arena_alloc(transforms->arena, entry->kind->options_size ? entry->kind->options_size : 1);
    if (!entry->options)
        return error_memory(error);
    code = options_read(entry->kind->options, entry->kind->noptions, config, NULL, entry->options, transforms->arena,
                        error);
    if (!code && entry->kind->prepare)
        code = entry->kind->prepare(entry->options, config, transforms->arena, error);
    if (!code)
        transforms->count++;
    return code;
}

static int makes_list(const struct transform_kind *kind) {
    return kind == &transform_neighbour_list || kind == &transform_sorted_neighbour_list;
}

/* What must come before what. */
static int check_order(const struct transforms *transforms, const struct config_node *config, struct error *error) {
    int mapped = 0, listed = 0;
    for (size_t k = 0; k < transforms->count; k++) {
        const struct transform_kind *kind = transforms->entries[k].kind;
        const struct config_node *node = config_at(config, k);
        const struct transform_cutoffs *cutoffs = transforms->entries[k].options;
        if (kind == &transform_type_mapper && mapped++)
            return config_error(node, error, ERROR_VALUE, "a second type mapper: the atoms have their types already");
        if (kind == &transform_prune && !listed)
            return config_error(node, error, ERROR_VALUE, "a NeighborListTransform must come before this one");
        if ((kind == &transform_prune || (makes_list(kind) && cutoffs->cutoffs)) && !mapped)
            return config_error(node, error, ERROR_VALUE,
                                "a ChemicalSpeciesToAtomTypeMapper must come before cutoffs by type");
        if (kind == &transform_non_periodic_cell && listed)
            return config_error(node, error, ERROR_VALUE, "this one must come before the neighbour list");
        listed |= makes_list(kind);
    }
    return 0;
}

int transforms_new(struct transforms **out, const struct config_node *config, struct error *error) {
    *out = NULL;
    if (config && config_kind(config) != CONFIG_LIST && config_kind(config) != CONFIG_NULL)
        return config_error(config, error, ERROR_TYPE, "a list of data transforms is expected, not %s",
                            config_kind_name(config));
    struct transforms *transforms = calloc(1, sizeof *transforms);
    if (!transforms)
        return error_memory(error);
    transforms->arena = arena_new();
    transforms->entries = calloc(config_count(config) + 1, sizeof *transforms->entries);
    if (!transforms->arena || !transforms->entries) {
        transforms_free(transforms);
        return error_memory(error);
    }
    double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);
    double memory = pages > 0 && page > 0 ? pages * page : 4e9;
    transforms_set_limit(transforms, (size_t)(memory / 2));
    /* what a batch needs of memory in training is hundreds of times what its list of pairs takes */
    transforms->frame_limit = (size_t)(memory / 50);
    int code = 0;
    for (size_t k = 0; k < config_count(config) && !code; k++)
        code = read_entry(transforms, config_at(config, k), error);
    if (!code)
        code = check_order(transforms, config, error);
    if (!code && config_count(config))
        config_write_yaml(config, &transforms->text);
    if (!code && transforms->text.failed)
        code = error_memory(error);
    code = arena_result(transforms->arena, code, error);
    if (code)
        transforms_free(transforms);
    else
        *out = transforms;
    return code;
}

int transforms_check(const struct config_node *config, struct error *error) {
    struct transforms *transforms;
    int code = transforms_new(&transforms, config, error);
    if (!code)
        transforms_free(transforms);
    return code;
}

void transforms_free(struct transforms *transforms) {
    if (!transforms)
        return;
    arena_free(transforms->arena);
    free(transforms->entries);
    text_free(&transforms->text);
    free(transforms);
}

void transforms_set_limit(struct transforms *transforms, size_t bytes) {
    transforms->limit = transforms->frame_limit = bytes;
    transforms->used = 0;
}

static size_t pair_bytes(const struct frame *frame) {
    return frame->npairs > 0 ? (size_t)frame->npairs * 5 * sizeof(int) : 0;
}

int transforms_apply(struct transforms *transforms, struct frame *frame, struct error *error) {
    size_t before = pair_bytes(frame);
    int code = 0;
    for (size_t k = 0; k < transforms->count && !code; k++) {
        const struct transform_entry *entry = &transforms->entries[k];
        size_t left = transforms->used < transforms->limit ? transforms->limit - transforms->used : 1;
        code = entry->kind->apply(entry->options, frame,
                                  left < transforms->frame_limit ? left : transforms->frame_limit, error);
    }
    size_t after = pair_bytes(frame);
    transforms->used += after > before ? after - before : 0;
    return code;
}

void transforms_forget(struct transforms *transforms, const struct frame *frame) {
    size_t bytes = pair_bytes(frame);
    transforms->used -= bytes < transforms->used ? bytes : transforms->used;
}

const char *transforms_text(const struct transforms *transforms) {
    return transforms->text.data ? transforms->text.data : "";
}

static const struct transform_mapper *mapper_of(const struct transforms *transforms) {
    for (size_t k = 0; transforms && k < transforms->count; k++)
        if (transforms->entries[k].kind == &transform_type_mapper)
            return transforms->entries[k].options;
    return NULL;
}

const char *const *transforms_type_names(const struct transforms *transforms, int *count) {
    const struct transform_mapper *mapper = mapper_of(transforms);
    *count = mapper ? mapper->names.count : 0;
    return mapper ? (const char *const *)mapper->names.values : NULL;
}

double transforms_r_max(const struct transforms *transforms) {
    for (size_t k = 0; transforms && k < transforms->count; k++)
        if (makes_list(transforms->entries[k].kind))
            return ((const struct transform_cutoffs *)transforms->entries[k].options)->r_max;
    return 0;
}

int transforms_type(const struct transforms *transforms, const char *species) {
    const struct transform_mapper *mapper = mapper_of(transforms);
    int number = element_number(species);
    return mapper && number > 0 ? mapper->type_of[number] : -1;
}
