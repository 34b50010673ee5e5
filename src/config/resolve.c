/* Interpolations: ${a.b.0}, ${.sibling}, ${..parent.key}, ${resolver:arg,arg}, nested, inside strings. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>

struct resolver {
    struct config *config;
    const struct config_context *context;
    struct error *error;
    int depth;
};

/* What an evaluation came to: a node, or word that a statistic is needed that nobody knows yet. */
struct result {
    struct config_node *node;
    int deferred;
};

static int resolve(struct resolver *r, struct config_node *node);
static int evaluate(struct resolver *r, struct config_node *at, const char *text, struct result *out);

static int wrong(struct resolver *r, const struct config_node *at, enum error_code code, const char *format,
                 const char *a, const char *b)
{
    char message[700];
    const char *near = b && *b ? b : NULL;
    snprintf(message, sizeof message, format, a);
    if (near)
        return config_error(at, r->error, code, "%s; the nearest key is '%.200s'", message, near);
    return config_error(at, r->error, code, "%s", message);
}

/* The end of the interpolation that begins at text ("${"), one past its brace; NULL if it never ends. */
static const char *closing(const char *text)
{
    int depth = 0;
    char quote = 0;
    for (const char *p = text; *p; p++) {
        if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if ((*p == '"' || *p == '\'') && depth) {
            quote = *p;
        } else if (*p == '{') {
            depth++;
        } else if (*p == '}' && --depth == 0) {
            return p + 1;
        }
    }
    return NULL;
}

static int is_interpolation(const char *text)
{
    return text[0] == '$' && text[1] == '{';
}

/* ---------------------------------------------------------------- paths */

static int step(struct resolver *r, struct config_node *at, struct config_node **node, const char *key, const char *whole)
{
    struct config_node *here = *node;
    if (here->kind == CONFIG_STRING && strstr(here->text, "${")) {
        int code = resolve(r, here);
        if (code)
            return code;
    }
    if (here->kind == CONFIG_LIST) {
        char *end;
        unsigned long k = strtoul(key, &end, 10);
        if (*key && !*end && k < here->count) {
            *node = here->items[k];
            return 0;
        }
    } else if (here->kind == CONFIG_MAP) {
        long k = tree_index(here, key);
        if (k >= 0) {
            *node = here->items[k];
            return 0;
        }
        const char **keys = calloc(here->count + 1, sizeof *keys);
        for (size_t i = 0; keys && i < here->count; i++)
            keys[i] = here->keys[i]->text;
        const char *near = keys ? text_nearest(key, keys, here->count) : NULL;
        int code = wrong(r, at, ERROR_NAME, "the interpolation ${%.300s} leads nowhere", whole, near);
        free(keys);
        return code;
    }
    return wrong(r, at, ERROR_NAME, "the interpolation ${%.300s} leads nowhere", whole, NULL);
}

static int follow(struct resolver *r, struct config_node *at, const char *path, struct result *out)
{
    struct config_node *node = r->config->root;
    const char *p = path;
    if (*p == '.') {
        node = (struct config_node *)(at->context ? at->context : at);
        for (; *p == '.'; p++) {
            node = node->parent;
            if (!node)
                return wrong(r, at, ERROR_NAME, "the interpolation ${%.300s} climbs above the config", path, NULL);
        }
    }
    char key[512];
    while (*p) {
        size_t n;
        if (*p == '[') {
            n = strcspn(++p, "]");
            if (!p[n])
                return wrong(r, at, ERROR_SYNTAX, "the interpolation ${%.300s} lacks a ]", path, NULL);
        } else {
            n = strcspn(p, ".[");
        }
        if (n >= sizeof key)
            return wrong(r, at, ERROR_NAME, "the interpolation ${%.300s} leads nowhere", path, NULL);
        memcpy(key, p, n);
        key[n] = 0;
        p += n;
        p += *p == ']';
        p += *p == '.';
        int code = step(r, at, &node, key, path);
        if (code)
            return code;
        if (node->kind == CONFIG_DEFERRED && *p)
            break;
    }
    if (node->state == 1)
        return wrong(r, at, ERROR_VALUE, "the interpolation ${%.300s} goes in a circle", path, NULL);
    int code = resolve(r, node);
    out->node = node;
    out->deferred = node->kind == CONFIG_DEFERRED;
    return code;
}

/* ---------------------------------------------------------------- resolvers and their arguments */

static int argument(struct resolver *r, struct config_node *at, const char *text, struct result *out)
{
    while (*text == ' ')
        text++;
    size_t n = strlen(text);
    while (n && text[n - 1] == ' ')
        n--;
    char *copy = arena_alloc(r->config->arena, n + 1);
    if (!copy)
        return error_set(r->error, ERROR_MEMORY, "out of memory");
    memcpy(copy, text, n);
    if (strstr(copy, "${"))
        return evaluate(r, at, copy, out);
    struct error error = {0};
    if (!*copy)
        out->node = tree_scalar(r->config, "", at);
    else if (tree_parse(r->config, at->file, copy, n, at->line, &out->node, &error))
        out->node = tree_scalar(r->config, copy, at);
    return out->node ? 0 : error_set(r->error, ERROR_MEMORY, "out of memory");
}

static int call(struct resolver *r, struct config_node *at, const char *name, const char *arguments, struct result *out)
{
    struct config_node *args[16];
    size_t nargs = 0;
    for (const char *p = arguments; *p || nargs == 0;) {
        int depth = 0;
        char quote = 0;
        const char *end = p;
        for (; *end; end++) {
            if (quote)
                quote = *end == quote ? 0 : quote;
            else if (*end == '"' || *end == '\'')
                quote = *end;
            else if (strchr("{[(", *end))
                depth++;
            else if (strchr("}])", *end))
                depth--;
            else if (*end == ',' && depth == 0)
                break;
        }
        char *text = arena_alloc(r->config->arena, (size_t)(end - p) + 1);
        if (!text || nargs == 16)
            return wrong(r, at, ERROR_SYNTAX, "too many arguments for the resolver '%.100s'", name, NULL);
        memcpy(text, p, (size_t)(end - p));
        struct result result = {0};
        int code = argument(r, at, text, &result);
        if (code)
            return code;
        if (result.deferred) {
            out->deferred = 1;
            return 0;
        }
        args[nargs++] = result.node;
        if (!*end)
            break;
        p = end + 1;
    }
    if (!strcmp(name, "training_data_stats") && !(r->context && r->context->statistic)) {
        out->deferred = 1;
        return 0;
    }
    return tree_resolver(r->config, at, name, args, nargs, r->context, &out->node, r->error);
}

/* The inside of ${...}. */
static int interpolate(struct resolver *r, struct config_node *at, const char *inside, struct result *out)
{
    size_t n = 0;
    while (inside[n] && inside[n] != ':' && inside[n] != '$' && inside[n] != '[')
        n++;
    if (inside[n] == ':') {
        char name[128];
        if (n >= sizeof name)
            return wrong(r, at, ERROR_NAME, "there is no resolver '%.100s'", inside, NULL);
        memcpy(name, inside, n);
        name[n] = 0;
        return call(r, at, name, inside + n + 1, out);
    }
    if (!strstr(inside, "${"))
        return follow(r, at, inside, out);
    struct result path = {0};
    int code = evaluate(r, at, inside, &path);
    if (code || path.deferred) {
        out->deferred = path.deferred;
        return code;
    }
    return interpolate(r, at, config_text(path.node), out);
}

static int inside_of(struct resolver *r, struct config_node *at, const char *text, const char **end, struct result *out)
{
    *end = closing(text);
    if (!*end)
        return wrong(r, at, ERROR_SYNTAX, "an interpolation that does not end: %.300s", text, NULL);
    size_t n = (size_t)(*end - text) - 3;
    char *inside = arena_alloc(r->config->arena, n + 1);
    if (!inside)
        return error_set(r->error, ERROR_MEMORY, "out of memory");
    memcpy(inside, text + 2, n);
    return interpolate(r, at, inside, out);
}

static void add_scalar(struct text *text, const struct config_node *node)
{
    if (node->kind == CONFIG_NULL)
        text_add(text, "None");
    else if (node->kind == CONFIG_BOOL)
        text_add(text, node->integer ? "True" : "False");
    else
        text_add(text, node->text);
}

static int evaluate(struct resolver *r, struct config_node *at, const char *text, struct result *out)
{
    if (++r->depth > 64) {
        r->depth--;
        return wrong(r, at, ERROR_VALUE, "interpolations nested too deeply: %.200s", text, NULL);
    }
    int code = 0;
    const char *end;
    struct text whole = {0};
    if (is_interpolation(text) && (end = closing(text)) && !*end) {
        code = inside_of(r, at, text, &end, out);
        goto out;
    }
    for (const char *p = text; *p;) {
        if (p[0] == '\\' && is_interpolation(p + 1)) {
            text_add(&whole, "${");
            p += 3;
        } else if (is_interpolation(p)) {
            struct result part = {0};
            code = inside_of(r, at, p, &end, &part);
            if (code || part.deferred) {
                out->deferred = part.deferred;
                goto out;
            }
            if (part.node->kind == CONFIG_LIST || part.node->kind == CONFIG_MAP) {
                code = wrong(r, at, ERROR_TYPE, "a list or a map inside a string: %.300s", text, NULL);
                goto out;
            }
            add_scalar(&whole, part.node);
            p = end;
        } else {
            text_add_bytes(&whole, p++, 1);
        }
    }
    out->node = tree_node(r->config, CONFIG_STRING, at);
    if (out->node) {
        out->node->quoted = 1;
        out->node->text = arena_string(r->config->arena, whole.data ? whole.data : "");
        out->node->state = 2;
    }
    if (!out->node || !out->node->text || whole.failed)
        code = error_set(r->error, ERROR_MEMORY, "out of memory");
out:
    text_free(&whole);
    r->depth--;
    return code;
}

static int resolve(struct resolver *r, struct config_node *node)
{
    if (node->state == 2 && node->kind != CONFIG_DEFERRED && node->kind != CONFIG_MAP && node->kind != CONFIG_LIST)
        return 0;
    if (node->kind == CONFIG_MAP || node->kind == CONFIG_LIST) {
        if (++r->depth > 2 * CONFIG_MAX_DEPTH) {
            r->depth--;
            return config_error(node, r->error, ERROR_VALUE, "nested too deeply");
        }
        int code = 0;
        for (size_t k = 0; !code && k < node->count; k++)
            code = resolve(r, node->items[k]);
        r->depth--;
        return code;
    }
    if ((node->kind != CONFIG_STRING && node->kind != CONFIG_DEFERRED) || !strstr(node->text, "${")) {
        node->state = 2;
        return 0;
    }
    if (node->state == 1)
        return wrong(r, node, ERROR_VALUE, "the interpolation %.300s goes in a circle", node->text, NULL);
    node->state = 1;
    struct result result = {0};
    const char *text = node->text;
    const struct config_node *context = node->context;
    int code = evaluate(r, node, text, &result);
    node->state = 0;
    if (code)
        return code;
    if (result.deferred) {
        node->kind = CONFIG_DEFERRED;
        node->text = text;
        node->context = context;
        return 0;
    }
    struct config_node *copy = tree_copy(r->config, result.node, 0);
    if (!copy)
        return config_error(node, r->error, ERROR_MEMORY, "the config grows too large through its interpolations");
    tree_become(node, copy);
    node->state = 2;
    return 0;
}

int config_resolve(struct config *config, const struct config_context *context, struct error *error)
{
    struct error scratch = {0};
    struct resolver r = {config, context, error ? error : &scratch, 0};
    return resolve(&r, config->root);
}
