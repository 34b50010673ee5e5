#include "train/optimizer.h"

#include <string.h>
#include "train/optimizer_kinds.h"

const struct optimizer_kind *const optimizer_kinds[] = {
    &optimizer_adam,       &optimizer_adamw,      &optimizer_sgd,
    &optimizer_free_adamw, &optimizer_free_radam, &optimizer_free_sgd,
};
const size_t optimizer_kind_count = sizeof optimizer_kinds / sizeof *optimizer_kinds;

enum { KINDS = sizeof optimizer_kinds / sizeof *optimizer_kinds };

int optimizer_find(const struct optimizer_kind **out, const struct config_node *config, struct error *error) {
    struct option_target targets[KINDS];
    size_t index;
    for (size_t k = 0; k < KINDS; k++)
        targets[k] = optimizer_kinds[k]->target;
    int code = options_target(config, "optimizer", targets, KINDS, &index, error);
    if (!code)
        *out = optimizer_kinds[index];
    return code;
}

int optimizer_read(const struct optimizer_kind **out, void **options, const struct config_node *config,
                   struct arena *arena, struct error *error) {
    const struct optimizer_kind *kind;
    int code = optimizer_find(&kind, config, error);
    if (code)
        return code;
    void *read = arena_alloc(arena, kind->options_size);
    if (!read)
        return error_set(error, ERROR_MEMORY, "out of memory while reading the optimizer's options");
    static const char *const also[] = {"param_groups", NULL};
    code = options_read(kind->options, kind->noptions, config, also, read, arena, error);
    if (!code)
        code = kind->check(read, config, error);
    if (code)
        return code;
    *out = kind;
    *options = read;
    return 0;
}

const char *optimizer_name(const struct optimizer_kind *kind) {
    const char *dot = strrchr(kind->target.target, '.');
    return dot ? dot + 1 : kind->target.target;
}
