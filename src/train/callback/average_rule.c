#include "train/callback/average_rule.h"

#include <math.h>
#include <string.h>

#include "config/options.h"

struct decay_options {
    double decay;
};

static const struct option decay_rows[] = {
    {"decay", OPTION_FLOAT, 0, "0.999", offsetof(struct decay_options, decay), NULL,
     "how much of the average an update keeps, in [0, 1]"},
};

int average_rule_check_decay(double decay, const struct config_node *node, struct error *error) {
    if (decay >= 0 && decay <= 1)
        return 0;
    return config_error(node, error, ERROR_VALUE, "decay must lie in [0, 1], not %g", decay);
}

int average_rule_read(struct average_rule *out, const struct config_node *node, const char *name, int by_lerp,
                      struct error *error) {
#define PACKAGE "torch.optim.swa_utils."
    static const struct option_target single[] = {{PACKAGE "get_ema_avg_fn", NULL}, {PACKAGE "get_swa_avg_fn", NULL}},
                                      multi[] = {{PACKAGE "get_ema_multi_avg_fn", NULL},
                                                 {PACKAGE "get_swa_multi_avg_fn", NULL}};
#undef PACKAGE
    struct decay_options given = {0};
    size_t which;
    *out = (struct average_rule){0};
    if (config_kind(node) == CONFIG_NULL || config_kind(node) == CONFIG_DEFERRED)
        return 0;
    if (config_kind(node) != CONFIG_MAP)
        return config_error(node, error, ERROR_VALUE,
                            "%s: null, or a map whose _target_ is %s or %s, is expected: other Python functions cannot "
                            "be called here",
                            name, (by_lerp ? multi : single)[0].target, (by_lerp ? multi : single)[1].target);
    int code = options_target(node, "a function that averages", by_lerp ? multi : single, 2, &which, error);
    if (code || (code = options_read(decay_rows, which == 0, node, NULL, &given, NULL, error)))
        return code;
    *out = (struct average_rule){.decays = which == 0, .by_lerp = by_lerp, .decay = given.decay};
    return out->decays ? average_rule_check_decay(given.decay, config_get(node, "decay"), error) : 0;
}

/* One body for both types; no step is contracted, so that roundings are torch's. */
#define APPLY(type)                                                                                                    \
    static void apply_##type(const struct average_rule *rule, int64_t before, const type *mean, const type *now,       \
                             type *out, size_t begin, size_t end) {                                                    \
        double share = rule->decays ? 1 - rule->decay : 1 / (double)(before + 1);                                      \
        type keep = (type)rule->decay, take = (type)share, rest = 1 - take, count = (type)(before + 1);                \
        for (size_t k = begin; k < end; k++) {                                                                         \
            type step = now[k] - mean[k];                                                                              \
            out[k] = rule->by_lerp  ? take < (type)0.5 ? mean[k] + take * step : now[k] - rest * step                  \
                     : rule->decays ? keep * mean[k] + take * now[k]                                                   \
                                    : mean[k] + step / count;                                                          \
        }                                                                                                              \
    }
APPLY(float)
APPLY(double)

void average_rule_apply(const struct average_rule *rule, enum dtype dtype, int64_t before, const void *mean,
                        const void *now, void *out, size_t begin, size_t end) {
    if (!before) { /* the first is copied */
        size_t size = dtype_size(dtype);
        if (end > begin)
            memcpy((char *)out + begin * size, (const char *)now + begin * size, (end - begin) * size);
    } else if (dtype == F32) {
        apply_float(rule, before, mean, now, out, begin, end);
    } else {
        apply_double(rule, before, mean, now, out, begin, end);
    }
}
