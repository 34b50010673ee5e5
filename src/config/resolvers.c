/* What ${name:arguments} may call: OmegaConf's own, Hydra's, and NequIP's. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct call {
    struct config *config;
    struct config_node *at;
    struct config_node *const *args;
    size_t nargs;
    const struct config_context *context;
    struct error *error;
};

static struct config_node *text_node(const struct call *call, const char *text)
{
    struct config_node *node = tree_node(call->config, CONFIG_STRING, call->at);
    if (!node)
        return NULL;
    node->quoted = 1;
    node->text = arena_string(call->config->arena, text);
    return node->text ? node : NULL;
}

static int memory(const struct call *call, const struct config_node *node)
{
    return node ? 0 : error_set(call->error, ERROR_MEMORY, "out of memory");
}

static int two_integers(const struct call *call, const char *name, int64_t *a, int64_t *b)
{
    int64_t *out[] = {a, b};
    for (int k = 0; k < 2; k++) {
        const struct config_node *node = call->args[k];
        if (node->kind == CONFIG_STRING) { /* "32", quoted */
            struct config_node typed = *node;
            tree_type_scalar(&typed, node->text);
            if (typed.kind == CONFIG_INT && typed.integer >= 0) {
                *out[k] = typed.integer;
                continue;
            }
        }
        if (node->kind != CONFIG_INT || node->integer < 0)
            return config_error(call->at, call->error, ERROR_TYPE, "%s wants nonnegative integers, not %s", name,
                                config_kind_name(node));
        *out[k] = node->integer;
    }
    return 0;
}

static int number_node(const struct call *call, int64_t value, struct config_node **out)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    *out = tree_scalar(call->config, text, call->at);
    return memory(call, *out);
}

static int int_mul(const struct call *call, struct config_node **out)
{
    int64_t a = 0, b = 0, product;
    int code = two_integers(call, "int_mul", &a, &b);
    if (code)
        return code;
    if (__builtin_mul_overflow(a, b, &product))
        return config_error(call->at, call->error, ERROR_VALUE, "int_mul: %lld times %lld is too large", (long long)a,
                            (long long)b);
    return number_node(call, product, out);
}

static int int_div(const struct call *call, struct config_node **out)
{
    int64_t a = 0, b = 0;
    int code = two_integers(call, "int_div", &a, &b);
    if (code)
        return code;
    if (b == 0 || a % b)
        return config_error(call->at, call->error, ERROR_VALUE, "int_div: %lld is not divisible by %lld", (long long)a,
                            (long long)b);
    return number_node(call, a / b, out);
}

static int want_list(const struct call *call, const char *name, size_t k)
{
    if (call->args[k]->kind == CONFIG_LIST)
        return 0;
    return config_error(call->at, call->error, ERROR_TYPE, "%s wants a list, not %s", name,
                        config_kind_name(call->args[k]));
}

static int concat_lists(const struct call *call, struct config_node **out)
{
    struct config_node *list = tree_node(call->config, CONFIG_LIST, call->at);
    int code = memory(call, list);
    for (size_t a = 0; !code && a < 2; a++) {
        code = want_list(call, "concat_lists", a);
        for (size_t k = 0; !code && k < call->args[a]->count; k++) {
            struct config_node *item = tree_copy(call->config, call->args[a]->items[k], 0);
            if (!item || tree_append(call->config, list, NULL, item))
                code = memory(call, NULL);
        }
    }
    *out = list;
    return code;
}

static int list_to_dict(const struct call *call, const char *name, const struct config_node *value,
                        struct config_node **out)
{
    struct config_node *map = tree_node(call->config, CONFIG_MAP, call->at);
    int code = memory(call, map);
    if (!code)
        code = want_list(call, name, 0);
    for (size_t k = 0; !code && k < call->args[0]->count; k++) {
        const struct config_node *from = call->args[0]->items[k];
        struct config_node *key = text_node(call, config_text(from));
        struct config_node *item = tree_copy(call->config, value ? value : from, 0);
        if (!key || !item)
            code = memory(call, NULL);
        else if (tree_index(map, key->text) < 0 && tree_append(call->config, map, key, item))
            code = memory(call, NULL);
    }
    *out = map;
    return code;
}

static int list_to_identity_dict(const struct call *call, struct config_node **out)
{
    return list_to_dict(call, "list_to_identity_dict", NULL, out);
}

static int list_to_constant_dict(const struct call *call, struct config_node **out)
{
    return list_to_dict(call, "list_to_constant_dict", call->args[1], out);
}

static int oc_env(const struct call *call, struct config_node **out)
{
    const char *name = config_text(call->args[0]), *value = getenv(name);
    if (value)
        *out = text_node(call, value);
    else if (call->nargs > 1)
        *out = tree_copy(call->config, call->args[1], 0);
    else
        return config_error(call->at, call->error, ERROR_NAME, "the environment variable %.200s is not set", name);
    return memory(call, *out);
}

static int hydra(const struct call *call, struct config_node **out)
{
    const char *what = config_text(call->args[0]);
    const char *folder = call->context && call->context->output_dir ? call->context->output_dir : ".";
    if (strcmp(what, "runtime.output_dir") && strcmp(what, "run.dir"))
        return config_error(call->at, call->error, ERROR_NAME,
                            "hydra:%.200s is not known here; hydra:runtime.output_dir is", what);
    *out = text_node(call, folder);
    return memory(call, *out);
}

static int now(const struct call *call, struct config_node **out)
{
    char text[256];
    time_t time_now = time(NULL);
    struct tm parts;
    localtime_r(&time_now, &parts);
    if (!strftime(text, sizeof text, config_text(call->args[0]), &parts))
        text[0] = 0;
    *out = text_node(call, text);
    return memory(call, *out);
}

static int statistic(const struct call *call, struct config_node **out)
{
    struct config_statistic value = {0};
    struct error error = {0};
    const char *name = config_text(call->args[0]);
    int code = call->context->statistic(call->context->statistic_context, name, &value, &error);
    if (code)
        return config_error(call->at, call->error, error.code, "%s", error.message);
    char text[32];
    if (!value.count) {
        *out = tree_scalar(call->config, text_double(text, value.value), call->at);
        if (*out) { /* nan and inf are numbers here */
            (*out)->kind = CONFIG_FLOAT;
            (*out)->real = value.value;
        }
        return memory(call, *out);
    }
    struct config_node *map = tree_node(call->config, CONFIG_MAP, call->at);
    for (int k = 0; map && k < value.count; k++) {
        struct config_node *key = text_node(call, value.names[k]);
        struct config_node *item = tree_scalar(call->config, text_double(text, value.values[k]), call->at);
        if (!key || !item || tree_append(call->config, map, key, item))
            return memory(call, NULL);
        item->kind = CONFIG_FLOAT;
        item->real = value.values[k];
    }
    *out = map;
    return memory(call, map);
}

static const struct {
    const char *name;
    size_t least, most;
    int (*run)(const struct call *call, struct config_node **out);
} resolvers[] = {
    {"int_mul", 2, 2, int_mul},
    {"int_div", 2, 2, int_div},
    {"concat_lists", 2, 2, concat_lists},
    {"list_to_identity_dict", 1, 1, list_to_identity_dict},
    {"list_to_constant_dict", 2, 2, list_to_constant_dict},
    {"oc.env", 1, 2, oc_env},
    {"hydra", 1, 1, hydra},
    {"now", 1, 1, now},
    {"training_data_stats", 1, 1, statistic},
};
enum { RESOLVERS = sizeof resolvers / sizeof *resolvers };

int tree_resolver(struct config *config, struct config_node *node, const char *name, struct config_node *const *args,
                  size_t nargs, const struct config_context *context, struct config_node **out, struct error *error)
{
    struct call call = {config, node, args, nargs, context, error};
    const char *names[RESOLVERS];
    for (size_t k = 0; k < RESOLVERS; k++) {
        names[k] = resolvers[k].name;
        if (strcmp(name, resolvers[k].name))
            continue;
        if (nargs < resolvers[k].least || nargs > resolvers[k].most)
            return config_error(node, error, ERROR_USAGE, "the resolver %s takes %zu argument%s, not %zu", name,
                                resolvers[k].least, resolvers[k].least == 1 ? "" : "s", nargs);
        return resolvers[k].run(&call, out);
    }
    const char *near = text_nearest(name, names, RESOLVERS);
    return config_error(node, error, ERROR_NAME, "there is no resolver '%.100s'%s%s%s", name,
                        near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
}
