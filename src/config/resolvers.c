/* ${name:arguments}: what NequIP and Hydra register, by the same names and meanings. */
#include "config/expression.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct call {
    struct evaluation *evaluation;
    const char *name;
    struct config_node **args;
    size_t count;
};

static const struct config_node *place_of(const struct call *call) {
    return call->evaluation->frame->node;
}

static struct config_node *fail(const struct call *call, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct config_node *fail(const struct call *call, enum error_code code, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    config_error(place_of(call), call->evaluation->error, code, "%s: %s", call->name, message);
    return NULL;
}

static struct config_node *new_node(const struct call *call, enum config_kind kind) {
    return tree_new(call->evaluation->config, kind, place_of(call), call->evaluation->error);
}

static struct config_node *new_string(const struct call *call, const char *text) {
    return tree_string(call->evaluation->config, text, strlen(text), place_of(call), call->evaluation->error);
}

static struct config_node *copy(const struct call *call, const struct config_node *node) {
    return tree_copy(call->evaluation->config, node, 0, call->evaluation->error);
}

/* ---------------------------------------------------------------- numbers */

static int whole_number(const struct call *call, size_t k, int64_t *out) {
    const struct config_node *node = call->args[k];
    if (node->kind == CONFIG_INT) {
        *out = node->integer;
        return 0;
    }
    const char *text = node->text;
    size_t size = strlen(text);
    if (node->kind == CONFIG_STRING && size && size < 19 && strspn(text, "0123456789") == size) {
        *out = strtoll(text, NULL, 10);
        return 0;
    }
    fail(call, ERROR_TYPE, "argument %zu must be a whole number, not %s \"%.60s\"", k + 1, config_kind_name(node),
         text);
    return -1;
}

static struct config_node *int_mul(const struct call *call) {
    int64_t a, b, product;
    if (whole_number(call, 0, &a) || whole_number(call, 1, &b))
        return NULL;
    if (__builtin_mul_overflow(a, b, &product))
        return fail(call, ERROR_VALUE, "%lld times %lld is too large", (long long)a, (long long)b);
    return tree_int(call->evaluation->config, product, place_of(call), call->evaluation->error);
}

static struct config_node *int_div(const struct call *call) {
    int64_t a, b;
    if (whole_number(call, 0, &a) || whole_number(call, 1, &b))
        return NULL;
    if (!b)
        return fail(call, ERROR_VALUE, "%lld divided by zero", (long long)a);
    if (b == -1 ? a == INT64_MIN : a % b != 0)
        return fail(call, ERROR_VALUE, "%lld cannot be divided by %lld without a rest", (long long)a, (long long)b);
    return tree_int(call->evaluation->config, a / b, place_of(call), call->evaluation->error);
}

/* ---------------------------------------------------------------- lists */

static int is_list(const struct call *call, size_t k) {
    if (call->args[k]->kind == CONFIG_LIST)
        return 1;
    fail(call, ERROR_TYPE, "argument %zu must be a list, not %s", k + 1, config_kind_name(call->args[k]));
    return 0;
}

static struct config_node *concat_lists(const struct call *call) {
    if (!is_list(call, 0) || !is_list(call, 1))
        return NULL;
    struct config_node *list = new_node(call, CONFIG_LIST);
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
    struct config_node *map = new_node(call, CONFIG_MAP);
    for (size_t k = 0; map && k < list->count; k++) {
        const struct config_node *item = list->values[k];
        if (item->kind == CONFIG_LIST || item->kind == CONFIG_MAP || item->kind == CONFIG_NULL)
            return fail(call, ERROR_TYPE, "element %zu of the list is %s and cannot be a key", k,
                        config_kind_name(item));
        struct text text = {0};
        write_python(item, 0, &text);
        struct config_node *key = new_string(call, text.data ? text.data : "");
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

/* ---------------------------------------------------------------- the world outside */

static const char *string_argument(const struct call *call, size_t k) {
    if (call->args[k]->kind == CONFIG_STRING)
        return call->args[k]->text;
    fail(call, ERROR_TYPE, "argument %zu must be text, not %s", k + 1, config_kind_name(call->args[k]));
    return NULL;
}

static struct config_node *environment(const struct call *call) {
    const char *name = string_argument(call, 0);
    if (!name)
        return NULL;
    const char *value = getenv(name);
    if (value)
        return new_string(call, value);
    if (call->count < 2)
        return fail(call, ERROR_NAME, "the environment variable %s is not set, and there is no default", name);
    if (call->args[1]->kind == CONFIG_NULL)
        return call->args[1];
    struct text text = {0};
    write_python(call->args[1], 0, &text);
    struct config_node *node = new_string(call, text.data ? text.data : "");
    text_free(&text);
    return node;
}

static struct config_node *hydra(const struct call *call) {
    const char *name = string_argument(call, 0);
    if (!name)
        return NULL;
    const char *output = call->evaluation->context->output_dir;
    if (!strcmp(name, "runtime.output_dir"))
        return new_string(call, output ? output : ".");
    if (!strcmp(name, "runtime.cwd")) {
        char *folder = getcwd(NULL, 0);
        struct config_node *node = new_string(call, folder ? folder : ".");
        free(folder);
        return node;
    }
    return fail(call, ERROR_NAME, "\"%s\" is not known: there are runtime.output_dir and runtime.cwd", name);
}

static struct config_node *now(const struct call *call) {
    const char *format = string_argument(call, 0);
    if (!format)
        return NULL;
    struct config *config = call->evaluation->config;
    if (!config->now)
        config->now = (int64_t)time(NULL); /* one moment for the whole config, however often it is resolved */
    time_t seconds = (time_t)config->now;
    struct tm local;
    char text[1024] = "";
    if (!localtime_r(&seconds, &local) || (*format && !strftime(text, sizeof text, format, &local)))
        return fail(call, ERROR_VALUE, "the format \"%.60s\" gives no text", format);
    return new_string(call, text);
}

static struct config_node *training_data_stats(const struct call *call) {
    struct evaluation *evaluation = call->evaluation;
    const struct config_context *context = evaluation->context;
    const char *name = string_argument(call, 0);
    if (!name)
        return NULL;
    if (!context->statistic) {
        struct config_node *node = new_node(call, CONFIG_DEFERRED);
        if (node)
            node->text = place_of(call)->text;
        return node;
    }
    struct config_statistic statistic = {0};
    struct error error = {0};
    if (context->statistic(context->statistic_context, name, &statistic, &error))
        return fail(call, error.code ? error.code : ERROR_DATA, "%.400s",
                    error.code ? error.message : "the statistic cannot be had");
    if (statistic.count <= 0)
        return tree_float(evaluation->config, statistic.value, place_of(call), evaluation->error);
    struct config_node *map = new_node(call, CONFIG_MAP);
    for (int k = 0; map && k < statistic.count; k++) {
        struct config_node *key = new_string(call, statistic.names[k]);
        struct config_node *value =
            key ? tree_float(evaluation->config, statistic.values[k], place_of(call), evaluation->error) : NULL;
        if (!value || tree_put(map, key, value, evaluation->error))
            return NULL;
    }
    return map;
}

/* ---------------------------------------------------------------- the table */

static const struct {
    const char *name, *usage;
    size_t least, most;
    struct config_node *(*run)(const struct call *call);
} resolvers[] = {
    {"int_mul", "int_mul:A,B", 2, 2, int_mul},
    {"int_div", "int_div:A,B", 2, 2, int_div},
    {"concat_lists", "concat_lists:LIST,LIST", 2, 2, concat_lists},
    {"list_to_identity_dict", "list_to_identity_dict:LIST", 1, 1, list_to_identity_dict},
    {"list_to_constant_dict", "list_to_constant_dict:LIST,VALUE", 2, 2, list_to_constant_dict},
    {"oc.env", "oc.env:NAME or oc.env:NAME,DEFAULT", 1, 2, environment},
    {"hydra", "hydra:runtime.output_dir", 1, 1, hydra},
    {"now", "now:FORMAT", 1, 1, now},
    {"training_data_stats", "training_data_stats:NAME", 1, 1, training_data_stats},
};
enum { RESOLVERS = sizeof resolvers / sizeof *resolvers };

struct config_node *evaluate_resolver(struct evaluation *evaluation, const char *name, struct config_node **args,
                                      size_t count) {
    const struct call call = {.evaluation = evaluation, .name = name, .args = args, .count = count};
    const char *names[RESOLVERS];
    for (size_t k = 0; k < RESOLVERS; k++) {
        names[k] = resolvers[k].name;
        if (strcmp(name, names[k]))
            continue;
        if (count < resolvers[k].least || count > resolvers[k].most)
            return fail(&call, ERROR_VALUE, "%zu argument%s given: expected ${%s}", count, count == 1 ? "" : "s",
                        resolvers[k].usage);
        return resolvers[k].run(&call);
    }
    const char *nearest = text_nearest(name, names, RESOLVERS);
    config_error(evaluation->frame->node, evaluation->error, ERROR_NAME, "no resolver is called \"%.80s\"%s%s%s", name,
                 nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    return NULL;
}
