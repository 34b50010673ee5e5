#include "config/tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"

/* ---------------------------------------------------------------- scalars */

static int one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return 1;
    return 0;
}

/* [-+]? digits (underscores allowed between), optionally hexadecimal */
static int read_integer(const char *text, int64_t *value)
{
    char clean[64];
    size_t n = 0;
    const char *p = text;
    if (*p == '-' || *p == '+')
        clean[n++] = *p++;
    int base = 10;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    if (!*p || *p == '_')
        return 0;
    for (; *p; p++) {
        if (*p == '_')
            continue;
        if (!(base == 16 ? strchr("0123456789abcdefABCDEF", *p) != NULL : *p >= '0' && *p <= '9') ||
            n + 1 >= sizeof clean)
            return 0;
        clean[n++] = *p;
    }
    clean[n] = 0;
    errno = 0;
    char *end;
    *value = strtoll(clean, &end, base);
    return !errno && !*end;
}

static int read_real(const char *text, double *value)
{
    char clean[128];
    size_t n = 0;
    int digits = 0, point = 0, exponent = 0;
    const char *p = text;
    if (*p == '-' || *p == '+')
        clean[n++] = *p++;
    static const char *const infinite[] = {".inf", ".Inf", ".INF", NULL}, *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    if (one_of(p, infinite)) {
        *value = *text == '-' ? -INFINITY : INFINITY;
        return 1;
    }
    if (one_of(text, nans)) {
        *value = NAN;
        return 1;
    }
    for (; *p; p++) {
        if (n + 1 >= sizeof clean)
            return 0;
        if (*p >= '0' && *p <= '9') {
            digits++;
        } else if (*p == '_' && digits) {
            continue;
        } else if (*p == '.' && !point && !exponent) {
            point = 1;
        } else if ((*p == 'e' || *p == 'E') && digits && !exponent) {
            exponent = 1;
            clean[n++] = *p;
            if (p[1] == '-' || p[1] == '+')
                clean[n++] = *++p;
            if (!(p[1] >= '0' && p[1] <= '9'))
                return 0;
            continue;
        } else {
            return 0;
        }
        clean[n++] = *p;
    }
    if (!digits || (!point && !exponent))
        return 0;
    clean[n] = 0;
    char *end;
    *value = strtod(clean, &end);
    return !*end;
}

void tree_type_scalar(struct config_node *node, const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    node->text = text;
    node->quoted = 0;
    if (one_of(text, nulls)) {
        node->kind = CONFIG_NULL;
    } else if (one_of(text, yes) || one_of(text, no)) {
        node->kind = CONFIG_BOOL;
        node->integer = one_of(text, yes);
    } else if (read_integer(text, &node->integer)) {
        node->kind = CONFIG_INT;
        node->real = (double)node->integer;
    } else if (read_real(text, &node->real)) {
        node->kind = CONFIG_FLOAT;
    } else {
        node->kind = CONFIG_STRING;
    }
}

/* ---------------------------------------------------------------- events to tree */

struct anchor {
    const char *name;
    struct config_node *node;
};

struct reader {
    struct config *config;
    yaml_parser_t parser;
    const char *file;
    int first_line;
    struct anchor *anchors;
    size_t nanchors, capacity;
    struct error *error;
};

static int fail(struct reader *r, yaml_mark_t mark, const char *what)
{
    return error_at(r->error, ERROR_SYNTAX, r->file, (int)mark.line + r->first_line, (int)mark.column + 1, "%s", what);
}

static int next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return error_set(r->error, ERROR_MEMORY, "out of memory");
    yaml_mark_t mark = p->problem_mark;
    return error_at(r->error, ERROR_SYNTAX, r->file, (int)mark.line + r->first_line, (int)mark.column + 1,
                    "not valid YAML: %s%s%s", p->problem ? p->problem : "unreadable", p->context ? " " : "",
                    p->context ? p->context : "");
}

static int remember(struct reader *r, const yaml_char_t *name, struct config_node *node)
{
    if (!name)
        return 0;
    if (r->nanchors == r->capacity) {
        size_t more = r->capacity ? 2 * r->capacity : 16;
        struct anchor *bigger = realloc(r->anchors, more * sizeof *bigger);
        if (!bigger)
            return error_set(r->error, ERROR_MEMORY, "out of memory");
        r->anchors = bigger;
        r->capacity = more;
    }
    const char *copy = arena_string(r->config->arena, (const char *)name);
    r->anchors[r->nanchors++] = (struct anchor){copy ? copy : "", node};
    return 0;
}

static int read_node(struct reader *r, yaml_event_t *event, int depth, struct config_node **out);

/* `<<: *other` or `<<: [*a, *b]`: adds what is not there. */
static int merge(struct reader *r, struct config_node *map, struct config_node *from, yaml_mark_t mark)
{
    if (from->kind == CONFIG_LIST) {
        for (size_t k = 0; k < from->count; k++)
            if (merge(r, map, from->items[k], mark))
                return r->error ? (int)r->error->code : ERROR_SYNTAX;
        return 0;
    }
    if (from->kind != CONFIG_MAP)
        return fail(r, mark, "a merge key (<<) wants a map, or a list of maps");
    for (size_t k = 0; k < from->count; k++) {
        if (tree_index(map, from->keys[k]->text) >= 0)
            continue;
        struct config_node *item = tree_copy(r->config, from->items[k], 0);
        if (!item || tree_append(r->config, map, from->keys[k], item))
            return error_set(r->error, ERROR_MEMORY, "the config grows too large through its aliases");
    }
    return 0;
}

static int read_map(struct reader *r, struct config_node *map, int depth)
{
    struct config_node *merged[16];
    yaml_mark_t merged_at[16];
    size_t nmerged = 0;
    for (;;) {
        yaml_event_t event;
        int code = next_event(r, &event);
        if (code)
            return code;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        yaml_mark_t mark = event.start_mark;
        struct config_node *key, *item;
        int plain = event.type == YAML_SCALAR_EVENT && event.data.scalar.plain_implicit;
        code = read_node(r, &event, depth + 1, &key);
        if (code)
            return code;
        if (key->kind == CONFIG_LIST || key->kind == CONFIG_MAP)
            return fail(r, mark, "a key must be a scalar");
        if ((code = next_event(r, &event)) || (code = read_node(r, &event, depth + 1, &item)))
            return code;
        if (plain && !strcmp(key->text, "<<")) {
            if (nmerged == 16)
                return fail(r, mark, "too many merge keys in one map");
            merged_at[nmerged] = mark;
            merged[nmerged++] = item;
            continue;
        }
        key->kind = CONFIG_STRING;
        long before = tree_index(map, key->text);
        if (before >= 0)
            return error_at(r->error, ERROR_SYNTAX, r->file, key->line, key->column,
                            "the key '%.200s' stands here a second time (first on line %d)", key->text,
                            map->keys[before]->line);
        if (tree_append(r->config, map, key, item))
            return error_set(r->error, ERROR_MEMORY, "out of memory");
    }
    for (size_t k = 0; k < nmerged; k++) {
        int code = merge(r, map, merged[k], merged_at[k]);
        if (code)
            return code;
    }
    return 0;
}

/* Takes the event over. */
static int read_node(struct reader *r, yaml_event_t *event, int depth, struct config_node **out)
{
    int code = 0;
    struct config_node place = {.file = r->file,
                                .line = (int)event->start_mark.line + r->first_line,
                                .column = (int)event->start_mark.column + 1};
    struct config_node *node = NULL;
    if (depth > CONFIG_MAX_DEPTH) {
        code = fail(r, event->start_mark, "nested too deeply");
        goto out;
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT: {
        size_t k = r->nanchors;
        while (k > 0 && strcmp(r->anchors[k - 1].name, (const char *)event->data.alias.anchor))
            k--;
        if (!k) {
            code = error_at(r->error, ERROR_SYNTAX, r->file, place.line, place.column,
                            "the alias *%.100s names no anchor above", (const char *)event->data.alias.anchor);
            goto out;
        }
        for (int up = 0; up == 0; up = 1) /* an anchor that is still open would hold itself */
            if (r->anchors[k - 1].node->state == 1) {
                code = fail(r, event->start_mark, "an alias inside what it names");
                goto out;
            }
        node = tree_copy(r->config, r->anchors[k - 1].node, 0);
        if (!node)
            code = error_set(r->error, ERROR_MEMORY, "the config grows too large through its aliases");
        break;
    }
    case YAML_SCALAR_EVENT: {
        const char *text = (const char *)event->data.scalar.value;
        if (strlen(text) != event->data.scalar.length) {
            code = fail(r, event->start_mark, "a zero byte in a scalar");
            goto out;
        }
        node = tree_node(r->config, CONFIG_STRING, &place);
        const char *copy = node ? arena_string(r->config->arena, text) : NULL;
        if (!copy) {
            code = error_set(r->error, ERROR_MEMORY, "out of memory, or too large a config");
            goto out;
        }
        const char *tag = (const char *)event->data.scalar.tag;
        if (event->data.scalar.plain_implicit && !(tag && !strcmp(tag, YAML_STR_TAG))) {
            tree_type_scalar(node, copy);
        } else {
            node->text = copy;
            node->quoted = 1;
        }
        code = remember(r, event->data.scalar.anchor, node);
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        node = tree_node(r->config, CONFIG_LIST, &place);
        if (!node) {
            code = error_set(r->error, ERROR_MEMORY, "out of memory, or too large a config");
            goto out;
        }
        if ((code = remember(r, event->data.sequence_start.anchor, node)))
            goto out;
        node->state = 1;
        for (;;) {
            yaml_event_t inner;
            if ((code = next_event(r, &inner)))
                goto out;
            if (inner.type == YAML_SEQUENCE_END_EVENT) {
                yaml_event_delete(&inner);
                break;
            }
            struct config_node *item;
            if ((code = read_node(r, &inner, depth + 1, &item)))
                goto out;
            if (tree_append(r->config, node, NULL, item)) {
                code = error_set(r->error, ERROR_MEMORY, "out of memory");
                goto out;
            }
        }
        node->state = 0;
        break;
    case YAML_MAPPING_START_EVENT:
        node = tree_node(r->config, CONFIG_MAP, &place);
        if (!node) {
            code = error_set(r->error, ERROR_MEMORY, "out of memory, or too large a config");
            goto out;
        }
        if ((code = remember(r, event->data.mapping_start.anchor, node)))
            goto out;
        node->state = 1;
        code = read_map(r, node, depth);
        node->state = 0;
        break;
    default:
        code = fail(r, event->start_mark, "a value was expected");
    }
out:
    yaml_event_delete(event);
    *out = node;
    return code;
}

int tree_parse(struct config *config, const char *file, const char *yaml, size_t size, int line,
               struct config_node **out, struct error *error)
{
    struct error scratch = {0};
    struct reader r = {.config = config, .file = file, .first_line = line, .error = error ? error : &scratch};
    yaml_event_t event;
    int code = 0;
    *out = NULL;
    if (!yaml_parser_initialize(&r.parser))
        return error_set(error, ERROR_MEMORY, "out of memory");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml, size);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    do { /* stream start, document start */
        if ((code = next_event(&r, &event)))
            goto out;
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) {
            *out = tree_scalar(config, "", &(struct config_node){.file = file, .line = line, .column = 1});
            goto out;
        }
        if (type == YAML_DOCUMENT_START_EVENT)
            break;
    } while (1);
    if ((code = next_event(&r, &event)) || (code = read_node(&r, &event, 0, out)))
        goto out;
    if ((code = next_event(&r, &event)))
        goto out;
    yaml_event_delete(&event); /* document end */
    if ((code = next_event(&r, &event)))
        goto out;
    if (event.type != YAML_STREAM_END_EVENT)
        code = fail(&r, event.start_mark, "a second document; a config is one");
    yaml_event_delete(&event);
out:
    yaml_parser_delete(&r.parser);
    free(r.anchors);
    return code;
}

/* ---------------------------------------------------------------- files */

int config_parse(struct config **out, const char *name, const char *yaml, size_t size, struct error *error)
{
    *out = NULL;
    struct config *config = calloc(1, sizeof *config);
    if (!config || !(config->arena = arena_new())) {
        free(config);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    int code = 0;
    config->name = arena_string(config->arena, name);
    if (size > (size_t)64 << 20)
        code = error_at(error, ERROR_SYNTAX, name, 0, 0, "too large for a config (%zu MiB)", size >> 20);
    else
        code = tree_parse(config, config->name, yaml, size, 1, &config->root, error);
    if (!code && config->root->kind == CONFIG_NULL)
        config->root = tree_node(config, CONFIG_MAP, config->root);
    if (!code && (!config->root || config->root->kind != CONFIG_MAP))
        code = error_at(error, ERROR_SYNTAX, name, 1, 1, "a config is a map of keys to values");
    if (code) {
        config_free(config);
        return code;
    }
    *out = config;
    return 0;
}

int config_read(struct config **out, const char *path, struct error *error)
{
    char *data;
    size_t size;
    *out = NULL;
    int code = file_read(path, &data, &size, error);
    if (code)
        return code;
    code = config_parse(out, path, data, size, error);
    free(data);
    return code;
}
