/* From libyaml's events to a tree: aliases become copies, merge keys are merged. */
#include "config/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "base/log.h"

struct anchor {
    char *name;
    struct config_node *node; /* NULL while it is being read */
};

struct yaml_reader {
    yaml_parser_t parser;
    struct config *config;
    const char *file, *input;
    size_t size;
    struct anchor *anchors;
    size_t nanchors, capacity;
    int whole; /* a config, not a value */
    struct error *error;
};

static struct config_node *read_node(struct yaml_reader *reader, yaml_event_t *event, int depth);

static int fail_at(struct yaml_reader *reader, yaml_mark_t mark, enum error_code code, const char *message,
                   const char *detail) {
    return error_at(reader->error, code, reader->file, (int)mark.line + 1, (int)mark.column + 1, "%s%s", message,
                    detail);
}

/* A character on the line of a problem, or on the one before it, that looks like another. */
static void find_lookalike(const struct yaml_reader *reader, size_t line, char *out, size_t room) {
    size_t at = 0, before = 0;
    char what[128];
    *out = 0;
    for (size_t k = 0; k < line && at < reader->size; k++) {
        const char *end = memchr(reader->input + at, '\n', reader->size - at);
        before = at;
        at = end ? (size_t)(end - reader->input) + 1 : reader->size;
    }
    for (int k = 0; k < 2 && !*out; k++) {
        size_t start = k ? before : at;
        const char *end = memchr(reader->input + start, '\n', reader->size - start);
        size_t size = end ? (size_t)(end - reader->input) - start : reader->size - start;
        int column = (k && !line) ? 0 : lookalike_find(reader->input + start, size, 1, what, sizeof what);
        if (column)
            snprintf(out, room, "; line %zu, column %d, has %s", line + 1 - (size_t)k, column, what);
    }
}

static int next_event(struct yaml_reader *reader, yaml_event_t *event) {
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return error_memory(reader->error);
    const char *problem = parser->problem ? parser->problem : "cannot be read as YAML";
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) { /* bad bytes: only their offset is known */
        memset(&mark, 0, sizeof mark);
        for (size_t k = 0; k < parser->problem_offset && k < reader->size; k++) {
            mark.column = reader->input[k] == '\n' ? 0 : mark.column + 1;
            mark.line += reader->input[k] == '\n';
        }
    }
    const char *hint = "";
    if (mark.index < reader->size && reader->input[mark.index] == '\t' && parser->error == YAML_SCANNER_ERROR)
        hint = " (a tab: YAML indents with spaces)";
    char looks[192];
    find_lookalike(reader, mark.line, looks, sizeof looks);
    return error_at(reader->error, ERROR_SYNTAX, reader->file, (int)mark.line + 1, (int)mark.column + 1,
                    "not valid YAML: %s%s%s%s%s", parser->context ? parser->context : "", parser->context ? ": " : "",
                    problem, hint, looks);
}

/* ---------------------------------------------------------------- anchors */

static int anchor_open(struct yaml_reader *reader, const yaml_char_t *name, size_t *index) {
    *index = reader->nanchors;
    if (!name)
        return 0;
    if (reader->nanchors == reader->capacity) {
        size_t capacity = reader->capacity ? 2 * reader->capacity : 16;
        struct anchor *anchors = realloc(reader->anchors, capacity * sizeof *anchors);
        if (!anchors)
            return error_memory(reader->error);
        reader->anchors = anchors;
        reader->capacity = capacity;
    }
    char *copy = strdup((const char *)name);
    if (!copy)
        return error_memory(reader->error);
    reader->anchors[reader->nanchors++] = (struct anchor){copy, NULL};
    return 0;
}

static struct config_node *read_alias(struct yaml_reader *reader, const yaml_event_t *event, int depth) {
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t k = reader->nanchors; k-- > 0;) {
        if (strcmp(reader->anchors[k].name, name))
            continue;
        if (!reader->anchors[k].node) {
            fail_at(reader, event->start_mark, ERROR_SYNTAX, "the alias stands inside its own anchor: *", name);
            return NULL;
        }
        return tree_copy(reader->config, reader->anchors[k].node, depth, reader->error);
    }
    const char **names = malloc((reader->nanchors + 1) * sizeof *names);
    for (size_t k = 0; names && k < reader->nanchors; k++)
        names[k] = reader->anchors[k].name;
    const char *nearest = names ? text_nearest(name, names, reader->nanchors) : NULL;
    error_at(reader->error, ERROR_NAME, reader->file, (int)event->start_mark.line + 1,
             (int)event->start_mark.column + 1, "no anchor &%s above the alias *%s%s%s", name, name,
             nearest ? "; the nearest is &" : "", nearest ? nearest : "");
    free(names);
    return NULL;
}

/* ---------------------------------------------------------------- values */

static struct config_node *node_at(struct yaml_reader *reader, enum config_kind kind, yaml_mark_t mark) {
    const struct config_node place = {.file = reader->file, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
    return tree_new(reader->config, kind, &place, reader->error);
}

static int apply_tag(struct config_node *node, const char *tag) {
    static const char prefix[] = "tag:yaml.org,2002:";
    if (!strcmp(tag, "!"))
        return 1;
    if (strncmp(tag, prefix, sizeof prefix - 1))
        return 0;
    tag += sizeof prefix - 1;
    if (!strcmp(tag, "str"))
        return 1;
    scalar_type(node);
    if (!strcmp(tag, "float") && node->kind == CONFIG_INT)
        node->kind = CONFIG_FLOAT;
    return (!strcmp(tag, "float") && node->kind == CONFIG_FLOAT) || (!strcmp(tag, "int") && node->kind == CONFIG_INT) ||
           (!strcmp(tag, "bool") && node->kind == CONFIG_BOOL) || (!strcmp(tag, "null") && node->kind == CONFIG_NULL);
}

static struct config_node *read_scalar(struct yaml_reader *reader, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value, *tag = (const char *)event->data.scalar.tag;
    size_t size = event->data.scalar.length;
    if (memchr(value, 0, size)) {
        fail_at(reader, event->start_mark, ERROR_VALUE, "a string with a NUL character", "");
        return NULL;
    }
    struct config_node *node = node_at(reader, CONFIG_STRING, event->start_mark);
    if (!node)
        return NULL;
    node->text = arena_copy(reader->config->arena, value, size + 1);
    if (!node->text) {
        error_memory(reader->error);
        return NULL;
    }
    if (tag && !apply_tag(node, tag)) {
        error_at(reader->error, ERROR_TYPE, reader->file, node->line, node->column,
                 "the tag %.80s does not fit here: known are !!str, !!int, !!float, !!bool, !!null", tag);
        return NULL;
    }
    char looks[128];
    if (!tag && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        scalar_type(node);
        if (reader->whole && node->kind == CONFIG_STRING && lookalike_misleads(node->text, looks, sizeof looks))
            log_message(LOG_WARNING, "%s:%d:%d: \"%.60s\" is text, and has %s", reader->file, node->line, node->column,
                        node->text, looks);
    }
    return node;
}

static int check_collection_tag(struct yaml_reader *reader, const yaml_event_t *event, const yaml_char_t *tag,
                                const char *allowed) {
    if (!tag || !strcmp((const char *)tag, allowed) || !strcmp((const char *)tag, "!"))
        return 0;
    return fail_at(reader, event->start_mark, ERROR_TYPE, "an unknown tag: ", (const char *)tag);
}

static struct config_node *read_list(struct yaml_reader *reader, yaml_event_t *start, int depth) {
    if (check_collection_tag(reader, start, start->data.sequence_start.tag, YAML_SEQ_TAG))
        return NULL;
    struct config_node *list = node_at(reader, CONFIG_LIST, start->start_mark);
    while (list) {
        yaml_event_t event;
        if (next_event(reader, &event))
            return NULL;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        struct config_node *value = read_node(reader, &event, depth + 1);
        if (!value || tree_append(list, value, reader->error))
            return NULL;
    }
    return list;
}

/* Entries of `from` that `into` does not have yet, or all of them where they take precedence. */
static int merge_map(struct yaml_reader *reader, struct config_node *into, const struct config_node *from) {
    for (size_t k = 0; k < from->count; k++)
        if (tree_put(into, from->keys[k], from->values[k], reader->error))
            return 1;
    return 0;
}

static int merge_value(struct yaml_reader *reader, struct config_node *into, const struct config_node *value) {
    if (value->kind == CONFIG_MAP)
        return merge_map(reader, into, value);
    int good = value->kind == CONFIG_LIST;
    for (size_t k = 0; good && k < value->count; k++)
        good = value->values[k]->kind == CONFIG_MAP;
    if (!good)
        return error_at(reader->error, ERROR_TYPE, reader->file, value->line, value->column,
                        "<< takes a map or a list of maps, not %s", config_kind_name(value));
    /* the first of the list counts most, so it is put last */
    for (size_t k = value->count; k-- > 0;)
        if (merge_map(reader, into, value->values[k]))
            return 1;
    return 0;
}

static struct config_node *read_key(struct yaml_reader *reader, yaml_event_t *event, int depth, int *merge) {
    *merge = event->type == YAML_SCALAR_EVENT && !event->data.scalar.tag &&
             event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
             !strcmp((const char *)event->data.scalar.value, "<<");
    yaml_mark_t mark = event->start_mark;
    struct config_node *key = read_node(reader, event, depth);
    if (!key)
        return NULL;
    if (key->kind == CONFIG_LIST || key->kind == CONFIG_MAP || key->kind == CONFIG_NULL) {
        fail_at(reader, mark, ERROR_TYPE, "a key must be text, not ", config_kind_name(key));
        return NULL;
    }
    key->kind = CONFIG_STRING; /* the key No is "No" */
    return key;
}

static struct config_node *read_map(struct yaml_reader *reader, yaml_event_t *start, int depth) {
    if (check_collection_tag(reader, start, start->data.mapping_start.tag, YAML_MAP_TAG))
        return NULL;
    struct config_node *map = node_at(reader, CONFIG_MAP, start->start_mark), *merged = NULL;
    while (map) {
        yaml_event_t event;
        if (next_event(reader, &event))
            return NULL;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        int merge;
        struct config_node *key = read_key(reader, &event, depth + 1, &merge);
        if (!key || next_event(reader, &event))
            return NULL;
        struct config_node *value = read_node(reader, &event, depth + 1);
        if (!value)
            return NULL;
        if (merge) {
            if (!merged)
                merged = tree_new(reader->config, CONFIG_MAP, map, reader->error);
            if (!merged || merge_value(reader, merged, value))
                return NULL;
            continue;
        }
        const struct config_node *first = tree_child(map, key->text);
        if (first) {
            error_at(reader->error, ERROR_SYNTAX, reader->file, key->line, key->column,
                     "the key \"%.80s\" stands twice in one map (first for the value on line %d)", key->text,
                     first->line);
            return NULL;
        }
        if (tree_put(map, key, value, reader->error))
            return NULL;
    }
    if (!merged)
        return map;
    if (merge_map(reader, merged, map))
        return NULL;
    return merged;
}

/* Takes the event over. */
static struct config_node *read_node(struct yaml_reader *reader, yaml_event_t *event, int depth) {
    struct config_node *node = NULL;
    const yaml_char_t *anchor = NULL;
    size_t index = 0;
    if (depth > CONFIG_DEPTH) {
        error_at(reader->error, ERROR_SYNTAX, reader->file, (int)event->start_mark.line + 1,
                 (int)event->start_mark.column + 1, "more than %d levels of lists and maps", CONFIG_DEPTH);
        goto out;
    }
    if (event->type == YAML_SCALAR_EVENT)
        anchor = event->data.scalar.anchor;
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        anchor = event->data.sequence_start.anchor;
    else if (event->type == YAML_MAPPING_START_EVENT)
        anchor = event->data.mapping_start.anchor;
    if (anchor_open(reader, anchor, &index))
        goto out;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        node = read_alias(reader, event, depth);
        break;
    case YAML_SCALAR_EVENT:
        node = read_scalar(reader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node = read_list(reader, event, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        node = read_map(reader, event, depth);
        break;
    default:
        fail_at(reader, event->start_mark, ERROR_SYNTAX, "a value was expected here", "");
    }
    if (node && anchor)
        reader->anchors[index].node = node;
out:
    yaml_event_delete(event);
    return node;
}

/* ---------------------------------------------------------------- documents */

/* The next event's type; the event itself stays in *event. */
static int expect(struct yaml_reader *reader, yaml_event_t *event, yaml_event_type_t type) {
    if (next_event(reader, event))
        return -1;
    if (event->type == type)
        return 1;
    return 0;
}

struct config_node *yaml_parse(struct config *config, const char *name, const char *yaml, size_t size, int whole,
                               struct error *error) {
    struct error ours = {0};
    struct yaml_reader reader = {
        .config = config, .input = yaml, .size = size, .whole = whole, .error = error ? error : &ours};
    struct config_node *node = NULL;
    yaml_event_t event;
    reader.file = arena_string(config->arena, name);
    if (!reader.file || !yaml_parser_initialize(&reader.parser)) {
        error_memory(error);
        return NULL;
    }
    if (size > CONFIG_BYTES) {
        error_at(error, ERROR_VALUE, name, 0, 0, "larger than %d MiB: no config is", CONFIG_BYTES >> 20);
        goto out;
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)yaml, size);
    if (expect(&reader, &event, YAML_STREAM_START_EVENT) < 0)
        goto out;
    yaml_event_delete(&event);
    int document = expect(&reader, &event, YAML_DOCUMENT_START_EVENT);
    if (document < 0)
        goto out;
    yaml_event_delete(&event);
    if (!document) {
        node = tree_new(config, whole ? CONFIG_MAP : CONFIG_NULL, NULL, error);
        if (node)
            node->file = reader.file;
        goto out;
    }
    if (next_event(&reader, &event))
        goto out;
    struct config_node *root = read_node(&reader, &event, 0);
    if (!root || next_event(&reader, &event)) /* the end of the document */
        goto out;
    yaml_event_delete(&event);
    if (next_event(&reader, &event))
        goto out;
    int end = event.type == YAML_STREAM_END_EVENT;
    if (!end)
        fail_at(&reader, event.start_mark, ERROR_SYNTAX, "a second document: a config is one", "");
    yaml_event_delete(&event);
    if (!end)
        goto out;
    if (whole && root->kind == CONFIG_NULL)
        root->kind = CONFIG_MAP;
    if (whole && root->kind != CONFIG_MAP) {
        error_at(error, ERROR_TYPE, name, root->line, root->column, "a config is a map of keys and values, not %s",
                 config_kind_name(root));
        goto out;
    }
    node = root;
out:
    yaml_parser_delete(&reader.parser);
    for (size_t k = 0; k < reader.nanchors; k++)
        free(reader.anchors[k].name);
    free(reader.anchors);
    return node;
}

int config_parse(struct config **out, const char *name, const char *yaml, size_t size, struct error *error) {
    struct error ours = {0};
    error = error ? error : &ours;
    *out = NULL;
    struct config *config = tree_config_new(error);
    if (!config)
        return ERROR_MEMORY;
    config->source = config->root = yaml_parse(config, name, yaml, size, 1, error);
    if (!config->source) {
        config_free(config);
        return error->code ? (int)error->code : ERROR_MEMORY;
    }
    *out = config;
    return 0;
}

int config_is_named(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}
