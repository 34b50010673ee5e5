#include "train/optimizer/optimizer.h"

#include <string.h>
#include "train/core/dot.h"
#include "train/optimizer/optimizer_kinds.h"

const struct optimizer_kind *const optimizer_kinds[] = {
    &optimizer_adam,     &optimizer_adamw,     &optimizer_sgd,   &optimizer_free_adamw, &optimizer_free_radam,
    &optimizer_free_sgd, &optimizer_radam,     &optimizer_nadam, &optimizer_adamax,     &optimizer_adagrad,
    &optimizer_adadelta, &optimizer_rmsprop,   &optimizer_rprop, &optimizer_asgd,       &optimizer_adafactor,
    &optimizer_muon,     &optimizer_muon_adam, &optimizer_lbfgs,
};
const size_t optimizer_kind_count = sizeof optimizer_kinds / sizeof *optimizer_kinds;

enum { KINDS = sizeof optimizer_kinds / sizeof *optimizer_kinds };

int optimizer_find(const struct optimizer_kind **out, const struct config_node *config, struct error *error) {
    const struct config_node *target = config_get(config, "_target_");
    size_t index;
    if (!strcmp(config_text(target), "torch.optim.SparseAdam"))
        return config_error(target, error, ERROR_VALUE,
                            "torch.optim.SparseAdam takes sparse gradients only, and a model's are dense: "
                            "torch.optim.Adam is the one for these");
    int code = options_kind(config, "optimizer", optimizer_kinds, optimizer_kind_count, &index, error);
    if (!code)
        *out = optimizer_kinds[index];
    return code;
}

int optimizer_read(const struct optimizer_kind **out, void **options, const struct config_node *config,
                   struct arena *arena, struct error *error) {
    const struct optimizer_kind *kind = NULL;
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

int optimizer_has_option(const char *name, const char *option) {
    for (size_t k = 0; k < KINDS; k++)
        for (size_t j = 0; j < optimizer_kinds[k]->noptions; j++)
            if ((!strcmp(name, optimizer_kinds[k]->target.target) || !strcmp(name, optimizer_kinds[k]->target.alias)) &&
                !strcmp(option, optimizer_kinds[k]->options[j].name))
                return 1;
    return 0;
}

double optimizer_lr(const void *options) {
    return *(const double *)options;
}

const double *optimizer_decay(const struct optimizer_kind *kind, const void *options) {
    if (kind->read_groups)
        return (const double *)((const char *)options + kind->group_decay);
    for (size_t k = 0; k < kind->noptions; k++)
        if (!strcmp(kind->options[k].name, "weight_decay") && kind->options[k].type == OPTION_FLOAT)
            return (const double *)((const char *)options + kind->options[k].offset);
    return NULL;
}

const double *optimizer_momentum(const struct optimizer_kind *kind, void *options) {
    if (kind->read_groups)
        return (const double *)((const char *)options + kind->group_momentum);
    return kind->momentum ? kind->momentum(options) : NULL;
}

int optimizer_check_averages(const void *options, const struct config_node *config, struct error *error) {
    const struct option_floats *betas = &((const struct optimizer_averages *)options)->betas;
    if (betas->count != 2)
        return config_error(optimizer_place(config, "betas"), error, ERROR_VALUE, "betas are two numbers, here are %d",
                            betas->count);
    for (int k = 0; k < 2; k++)
        if (!(betas->values[k] >= 0 && betas->values[k] < 1))
            return config_error(optimizer_place(config, "betas"), error, ERROR_VALUE,
                                "betas must be at least 0 and below 1, here is %g", betas->values[k]);
    return 0;
}

double *optimizer_beta1(void *options) {
    return &((struct optimizer_averages *)options)->betas.values[0];
}

int optimizer_one_slot(const void *options) {
    (void)options;
    return 1;
}

int optimizer_two_slots(const void *options) {
    (void)options;
    return 2;
}

int optimizer_no_check(const void *options, const struct config_node *config, struct error *error) {
    (void)options;
    (void)config;
    (void)error;
    return 0;
}

const char *optimizer_name(const struct optimizer_kind *kind) {
    return text_behind(kind->target.target, '.');
}
