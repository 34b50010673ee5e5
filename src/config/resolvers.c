/* ${name:arguments}: the table of all, and what NequIP registers, by the same names and meanings. */
#include "config/resolver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"

const struct config_node *call_place(const struct call *call) {
    return call->evaluation->frame->node;
}

struct config_node *call_fail(const struct call *call, enum error_code code, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    print_to_v(message, sizeof message, format, args);
    va_end(args);
    config_error(call_place(call), call->evaluation->error, code, "%s: %s", call->name, message);
    return NULL;
}

const char *call_text(const struct call *call, size_t k) {
    if (call->args[k]->kind == CONFIG_STRING)
        return call->args[k]->text;
    call_fail(call, ERROR_TYPE, "argument %zu must be text, not %s", k + 1, config_kind_name(call->args[k]));
    return NULL;
}

struct config_node *call_node(const struct call *call, enum config_kind kind) {
    return tree_new(call->evaluation->config, kind, call_place(call), call->evaluation->error);
}

struct config_node *call_string(const struct call *call, const char *text) {
    return tree_string(call->evaluation->config, text, strlen(text), call_place(call), call->evaluation->error);
}

static struct config_node *copy(const struct call *call, const struct config_node *node) {
    return tree_copy(call->evaluation->config, node, 0, call->evaluation->error);
}

/* ---------------------------------------------------------------- numbers */

static int whole_number(const struct call *call, size_t k, int64_t *out) {
    const struct config_node *node = call->args[k];
    if (node->kind == CONFIG_INT || node->kind == CONFIG_BOOL) {
        *out = node->kind == CONFIG_BOOL ? node->boolean : node->integer;
        return 0;
    }
    const char *text = node->text;
    size_t size = strlen(text);
    if (node->kind == CONFIG_STRING && size && size < 19 && strspn(text, "0123456789") == size) {
        *out = strtoll(text, NULL, 10);
        return 0;
    }
    call_fail(call, ERROR_TYPE, "argument %zu must be a whole number, not %s \"%.60s\"", k + 1, config_kind_name(node),
              text);
    return -1;
}

static struct config_node *int_mul(const struct call *call) {
    int64_t a, b, product;
    if (whole_number(call, 0, &a) || whole_number(call, 1, &b))
        return NULL;
    if (__builtin_mul_overflow(a, b, &product))
        return call_fail(call, ERROR_VALUE, "%lld times %lld is too large", (long long)a, (long long)b);
    return tree_int(call->evaluation->config, product, call_place(call), call->evaluation->error);
}

static struct config_node *int_div(const struct call *call) {
    int64_t a, b;
    if (whole_number(call, 0, &a) || whole_number(call, 1, &b))
        return NULL;
    if (!b)
        return call_fail(call, ERROR_VALUE, "%lld divided by zero", (long long)a);
    if (b == -1 ? a == INT64_MIN : a % b != 0)
        return call_fail(call, ERROR_VALUE, "%lld cannot be divided by %lld without a rest", (long long)a,
                         (long long)b);
    return tree_int(call->evaluation->config, a / b, call_place(call), call->evaluation->error);
}

/* ---------------------------------------------------------------- lists */

static int is_list(const struct call *call, size_t k) {
    if (call->args[k]->kind == CONFIG_LIST)
        return 1;
    call_fail(call, ERROR_TYPE, "argument %zu must be a list, not %s", k + 1, config_kind_name(call->args[k]));
    return 0;
}

static struct config_node *concat_lists(const struct call *call) {
    if (!is_list(call, 0) || !is_list(call, 1))
        return NULL;
    struct config_node *list = call_node(call, CONFIG_LIST);
    for (size_t a = 0; list && a < 2; a++)
        for (size_t k = 0; k < call->args[a]->count; k++) {
            struct config_node *value = copy(call, call->args[a]->values[k]);
            if (!value || tree_append(list, value, call->evaluation->error))
                return NULL;
        }
    return list;
}

/* A map with the elements of a list as keys; their values: themselves, or one for all. */
static struct config_node *list_to_map(const struct call *call, const struct config_node *constant) {
    if (!is_list(call, 0))
        return NULL;
    const struct config_node *list = call->args[0];
    struct config_node *map = call_node(call, CONFIG_MAP);
    for (size_t k = 0; map && k < list->count; k++) {
        const struct config_node *item = list->values[k];
        if (item->kind == CONFIG_LIST || item->kind == CONFIG_MAP || item->kind == CONFIG_NULL)
            return call_fail(call, ERROR_TYPE, "element %zu of the list is %s and cannot be a key", k,
                             config_kind_name(item));
        struct text text = {0};
        write_python(item, 0, &text);
        struct config_node *key = call_string(call, text.data ? text.data : "");
        text_free(&text);
        struct config_node *value = key ? copy(call, constant ? constant : item) : NULL;
        if (!value || tree_put(map, key, value, call->evaluation->error))
            return NULL;
    }
    return map;
}

static struct config_node *list_to_identity_dict(const struct call *call) {
    return list_to_map(call, NULL);
}

static struct config_node *list_to_constant_dict(const struct call *call) {
    return list_to_map(call, call->args[1]);
}

/* ---------------------------------------------------------------- statistics */

static struct config_node *training_data_stats(const struct call *call) {
    struct interpolation *evaluation = call->evaluation;
    const struct config_context *context = evaluation->context;
    const char *name = call_text(call, 0);
    if (!name)
        return NULL;
    if (!context->statistic) {
        struct config_node *node = call_node(call, CONFIG_DEFERRED);
        if (node)
            node->text = call_place(call)->text;
        return node;
    }
    struct config_statistic statistic = {0};
    struct error error = {0};
    if (context->statistic(context->statistic_context, name, &statistic, &error))
        return call_fail(call, error.code ? error.code : ERROR_DATA, "%.400s",
                         error.code ? error.message : "the statistic cannot be had");
    if (statistic.count <= 0)
        return tree_float(evaluation->config, statistic.value, call_place(call), evaluation->error);
    struct config_node *map = call_node(call, CONFIG_MAP);
    for (int k = 0; map && k < statistic.count; k++) {
        struct config_node *key = call_string(call, statistic.names[k]);
        struct config_node *value =
            key ? tree_float(evaluation->config, statistic.values[k], call_place(call), evaluation->error) : NULL;
        if (!value || tree_put(map, key, value, evaluation->error))
            return NULL;
    }
    return map;
}

/* ---------------------------------------------------------------- what only Python has */

static struct config_node *big_dataset_stats(const struct call *call) {
    return call_fail(call, ERROR_VALUE,
                     "the statistics of public data sets lie in NequIP's package; the config must give the numbers");
}

static struct config_node *from_package(const struct call *call) {
    return call_fail(call, ERROR_VALUE,
                     "packages of NequIP are Python code and are not opened here; the config must give the value");
}

static struct config_node *python_version(const struct call *call) {
    return call_fail(call, ERROR_VALUE, "there is no Python here");
}

/* ---------------------------------------------------------------- the table */

static const struct {
    const char *name, *usage;
    size_t least, most;
    resolver *run;
} resolvers[] = {
    {"int_mul", "int_mul:A,B", 2, 2, int_mul},
    {"int_div", "int_div:A,B", 2, 2, int_div},
    {"concat_lists", "concat_lists:LIST,LIST", 2, 2, concat_lists},
    {"list_to_identity_dict", "list_to_identity_dict:LIST", 1, 1, list_to_identity_dict},
    {"list_to_constant_dict", "list_to_constant_dict:LIST,VALUE", 2, 2, list_to_constant_dict},
    {"training_data_stats", "training_data_stats:NAME", 1, 1, training_data_stats},
    {"big_dataset_stats", "big_dataset_stats:NAME,R_MAX", 2, 2, big_dataset_stats},
    {"type_names_from_package", "type_names_from_package:PATH", 1, 1, from_package},
    {"cutoff_radius_from_package", "cutoff_radius_from_package:PATH", 1, 2, from_package},
    {"oc.env", "oc.env:NAME or oc.env:NAME,DEFAULT", 1, 2, oc_env},
    {"oc.select", "oc.select:KEY or oc.select:KEY,DEFAULT", 1, 2, oc_select},
    {"oc.decode", "oc.decode:TEXT", 1, 1, oc_decode},
    {"oc.create", "oc.create:MAP_OR_LIST", 1, 1, oc_create},
    {"oc.deprecated", "oc.deprecated:KEY or oc.deprecated:KEY,MESSAGE", 1, 2, oc_deprecated},
    {"oc.dict.keys", "oc.dict.keys:KEY", 1, 1, oc_dict_keys},
    {"oc.dict.values", "oc.dict.values:KEY", 1, 1, oc_dict_values},
    {"hydra", "hydra:KEY, as in hydra:runtime.output_dir", 1, 1, hydra_value},
    {"now", "now:FORMAT", 1, 1, hydra_now},
    {"python_version", "python_version:LEVEL", 0, 1, python_version},
};
enum { RESOLVERS = sizeof resolvers / sizeof *resolvers };

const char *resolver_usage(const char *name) {
    for (size_t k = 0; k < RESOLVERS; k++)
        if (!strcmp(name, resolvers[k].name))
            return resolvers[k].usage;
    return NULL;
}

struct config_node *evaluate_resolver(struct interpolation *evaluation, const char *name, struct config_node **args,
                                      size_t count) {
    const struct call call = {.evaluation = evaluation, .name = name, .args = args, .count = count};
    const char *names[RESOLVERS];
    for (size_t k = 0; k < RESOLVERS; k++) {
        names[k] = resolvers[k].name;
        if (strcmp(name, names[k]))
            continue;
        if (count < resolvers[k].least || count > resolvers[k].most)
            return call_fail(&call, ERROR_VALUE, "%zu argument%s given: expected ${%s}", count, count == 1 ? "" : "s",
                             resolvers[k].usage);
        return resolvers[k].run(&call);
    }
    const char *nearest = text_nearest(name, names, RESOLVERS);
    config_error(evaluation->frame->node, evaluation->error, ERROR_NAME, "no resolver is called \"%.80s\"%s", name,
                 DID_YOU_MEAN(nearest));
    return NULL;
}
