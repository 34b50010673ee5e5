#include "config/tree.h"

#include <math.h>
#include <string.h>

/* Double quotes with escapes: valid both as YAML and as JSON. */
static void quoted(struct text *out, const char *string)
{
    text_add(out, "\"");
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_format(out, "\\%c", *p);
        else if (*p == '\n')
            text_add(out, "\\n");
        else if (*p == '\t')
            text_add(out, "\\t");
        else if (*p < 0x20 || *p == 0x7f)
            text_format(out, "\\u%04x", *p);
        else
            text_add_bytes(out, p, 1);
    }
    text_add(out, "\"");
}

/* Whether a string may stand in YAML without quotes and reads back as a string. */
static int is_plain(const char *string)
{
    struct config_node probe = {0};
    tree_type_scalar(&probe, string);
    if (probe.kind != CONFIG_STRING || strchr("-?:,[]{}#&*!|>'\"%@` =", string[0]) || string[0] == '<')
        return 0;
    for (const unsigned char *p = (const unsigned char *)string; *p; p++)
        if (*p < 0x20 || *p >= 0x7f || strchr(",[]{}#:\\\"", *p) || (*p == ' ' && (!p[1] || p == (const unsigned char *)string)))
            return 0;
    return 1;
}

static void scalar(struct text *out, const struct config_node *node, int json)
{
    char number[32];
    switch (node->kind) {
    case CONFIG_NULL:
        text_add(out, "null");
        break;
    case CONFIG_BOOL:
        text_add(out, node->integer ? "true" : "false");
        break;
    case CONFIG_INT:
        text_format(out, "%lld", (long long)node->integer);
        break;
    case CONFIG_FLOAT:
        if (isfinite(node->real))
            text_add(out, text_double(number, node->real));
        else if (json) /* JSON has no such numbers: strings that our reader, and YAML, take for them */
            text_format(out, "\"%s\"", isnan(node->real) ? ".nan" : node->real > 0 ? ".inf" : "-.inf");
        else
            text_add(out, isnan(node->real) ? ".nan" : node->real > 0 ? ".inf" : "-.inf");
        break;
    default:
        if (!json && is_plain(node->text))
            text_add(out, node->text);
        else
            quoted(out, node->text);
    }
}

static void indent(struct text *out, int depth)
{
    for (int k = 0; k < depth; k++)
        text_add(out, "  ");
}

static void yaml(struct text *out, const struct config_node *node, int depth, int in_list)
{
    if ((node->kind != CONFIG_LIST && node->kind != CONFIG_MAP) || !node->count) {
        if (node->kind == CONFIG_LIST)
            text_add(out, "[]");
        else if (node->kind == CONFIG_MAP)
            text_add(out, "{}");
        else
            scalar(out, node, 0);
        text_add(out, "\n");
        return;
    }
    for (size_t k = 0; k < node->count; k++) {
        const struct config_node *item = node->items[k];
        int nested = (item->kind == CONFIG_LIST || item->kind == CONFIG_MAP) && item->count;
        if (k || !in_list)
            indent(out, depth);
        if (node->kind == CONFIG_LIST) {
            text_add(out, "- ");
            yaml(out, item, depth + 1, 1);
            continue;
        }
        if (is_plain(node->keys[k]->text))
            text_add(out, node->keys[k]->text);
        else
            quoted(out, node->keys[k]->text);
        text_add(out, nested ? ":\n" : ": ");
        yaml(out, item, nested ? depth + 1 : depth, 0);
    }
}

void config_write_yaml(const struct config_node *node, struct text *out)
{
    if (node)
        yaml(out, node, 0, 0);
}

static void json(struct text *out, const struct config_node *node)
{
    if (node->kind != CONFIG_LIST && node->kind != CONFIG_MAP) {
        scalar(out, node, 1);
        return;
    }
    text_add(out, node->kind == CONFIG_LIST ? "[" : "{");
    for (size_t k = 0; k < node->count; k++) {
        if (k)
            text_add(out, ", ");
        if (node->kind == CONFIG_MAP) {
            quoted(out, node->keys[k]->text);
            text_add(out, ": ");
        }
        json(out, node->items[k]);
    }
    text_add(out, node->kind == CONFIG_LIST ? "]" : "}");
}

void config_write_json(const struct config_node *node, struct text *out)
{
    if (node)
        json(out, node);
}
