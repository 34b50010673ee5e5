#include "config/config_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- scalars */

void config_quote(const char *text, struct text *out) {
    text_add(out, "\"");
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        uint32_t code = 0;
        size_t size = text_character((const char *)s, 4, &code); /* the zero at the end is no part of any */
        if (!size)
            code = *s;
        if (code == '"' || code == '\\')
            text_format(out, "\\%c", (int)code);
        else if (code == '\n')
            text_add(out, "\\n");
        else if (code == '\t')
            text_add(out, "\\t");
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
                 (code & 0xfffe) == 0xfffe || !size)
            text_format(out, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
        else
            text_add_bytes(out, s, size);
        s += size ? size : 1;
    }
    text_add(out, "\"");
}

/* Whether YAML reads the text without quotes as this very string. */
static int plain(const char *text, int flow) {
    struct config_node probe = {.kind = CONFIG_STRING, .text = text};
    int interpolation = text[0] == '$' && text[1] == '{';
    if (flow ? interpolation : !interpolation && !strcmp(text, "$"))
        return 0;
    if (!isalnum((unsigned char)text[0]) && text[0] != '_' && text[0] != '/' && text[0] != '.' && !interpolation)
        return 0;
    if (!strncmp(text, "...", 3))
        return 0;
    for (const char *s = text; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("_./+@%^~=-", *s))
            continue;
        if (!flow && strchr("${},[]", *s))
            continue;
        if (!flow && *s == ':' && s[1] && s[1] != ' ')
            continue;
        if (*s == ' ' && s[1] && s[1] != ' ')
            continue;
        return 0;
    }
    scalar_type(&probe);
    return probe.kind == CONFIG_STRING;
}

static void write_string(const char *text, int flow, struct text *out) {
    if (plain(text, flow))
        text_add(out, text);
    else
        config_quote(text, out);
}

static void write_float(double value, int json, struct text *out) {
    char number[32];
    if (isnan(value))
        text_add(out, json ? "\"NaN\"" : ".nan");
    else if (isinf(value))
        text_add(out, json ? (value > 0 ? "\"Infinity\"" : "\"-Infinity\"") : value > 0 ? ".inf" : "-.inf");
    else
        text_add(out, text_double(number, value));
}

static void write_scalar(const struct config_node *node, int flow, int json, struct text *out) {
    switch (config_kind(node)) {
    case CONFIG_BOOL:
        text_add(out, node->boolean ? "true" : "false");
        return;
    case CONFIG_INT:
        text_format(out, "%lld", (long long)node->integer);
        return;
    case CONFIG_FLOAT:
        write_float(node->number, json, out);
        return;
    case CONFIG_STRING:
    case CONFIG_DEFERRED:
        if (json)
            config_quote(node->text, out);
        else
            write_string(node->text, flow, out);
        return;
    case CONFIG_LIST: /* an empty one */
        text_add(out, "[]");
        return;
    case CONFIG_MAP:
        text_add(out, "{}");
        return;
    case CONFIG_NULL:
        break;
    }
    text_add(out, "null");
}

/* ---------------------------------------------------------------- YAML */

static void indent(int depth, struct text *out) {
    for (int k = 0; k < depth; k++)
        text_add(out, "  ");
}

/* A short list of scalars stands on one line. */
static int is_flow(const struct config_node *list) {
    size_t size = 0;
    if (list->kind != CONFIG_LIST)
        return 0;
    for (size_t k = 0; k < list->count; k++) {
        const struct config_node *value = list->values[k];
        size += strlen(value->text) + 2;
        if (value->count || size > 80)
            return 0;
    }
    return 1;
}

static void write_block(const struct config_node *node, int depth, struct text *out);

/* What stands behind "key:" or "-", with the end of the line. */
static void write_value(const struct config_node *value, int depth, struct text *out) {
    if (!value->count) {
        text_add(out, " ");
        write_scalar(value, 0, 0, out);
        text_add(out, "\n");
    } else if (is_flow(value)) {
        text_add(out, " [");
        for (size_t k = 0; k < value->count; k++) {
            text_add(out, k ? ", " : "");
            write_scalar(value->values[k], 1, 0, out);
        }
        text_add(out, "]\n");
    } else {
        text_add(out, "\n");
        write_block(value, depth, out);
    }
}

static void write_block(const struct config_node *node, int depth, struct text *out) {
    for (size_t k = 0; k < node->count; k++) {
        indent(depth, out);
        if (node->kind == CONFIG_LIST) {
            text_add(out, "-");
            write_value(node->values[k], depth + 1, out);
            continue;
        }
        const char *key = node->keys[k]->text;
        int is_long = strlen(key) > 120; /* YAML finds the colon of a short key only */
        text_add(out, is_long ? "? " : "");
        if (is_long || !plain(key, 1))
            config_quote(key, out);
        else
            text_add(out, key);
        if (is_long) {
            text_add(out, "\n");
            indent(depth, out);
        }
        text_add(out, ":");
        write_value(node->values[k], depth + 1, out);
    }
}

void config_write_yaml(const struct config_node *node, struct text *out) {
    if (node && node->count) {
        write_block(node, 0, out);
        return;
    }
    write_scalar(node, 0, 0, out);
    text_add(out, "\n");
}

/* ---------------------------------------------------------------- JSON, Python */

void config_write_json(const struct config_node *node, struct text *out) {
    if (!node || !node->count) {
        write_scalar(node, 0, 1, out);
        return;
    }
    int map = node->kind == CONFIG_MAP;
    text_add(out, map ? "{" : "[");
    for (size_t k = 0; k < node->count; k++) {
        text_add(out, k ? ", " : "");
        if (map) {
            config_quote(node->keys[k]->text, out);
            text_add(out, ": ");
        }
        config_write_json(node->values[k], out);
    }
    text_add(out, map ? "}" : "]");
}

void write_python(const struct config_node *node, int quoted, struct text *out) {
    char number[32];
    switch (node->kind) {
    case CONFIG_NULL:
        text_add(out, "None");
        return;
    case CONFIG_BOOL:
        text_add(out, node->boolean ? "True" : "False");
        return;
    case CONFIG_INT:
        text_format(out, "%lld", (long long)node->integer);
        return;
    case CONFIG_FLOAT:
        text_add(out, text_double(number, node->number));
        return;
    case CONFIG_STRING:
    case CONFIG_DEFERRED:
        if (quoted) {
            char quote = strchr(node->text, '\'') && !strchr(node->text, '"') ? '"' : '\'';
            text_format(out, "%c", quote);
            for (const char *s = node->text; *s; s++)
                text_format(out, *s == quote || *s == '\\' ? "\\%c" : "%c", *s);
            text_format(out, "%c", quote);
        } else {
            text_add(out, node->text);
        }
        return;
    case CONFIG_LIST:
    case CONFIG_MAP:
        break;
    }
    int map = node->kind == CONFIG_MAP;
    text_add(out, map ? "{" : "[");
    for (size_t k = 0; k < node->count && out->size <= CONFIG_BYTES; k++) {
        text_add(out, k ? ", " : "");
        if (map) {
            write_python(node->keys[k], 1, out);
            text_add(out, ": ");
        }
        write_python(node->values[k], 1, out);
    }
    text_add(out, map ? "}" : "]");
}
