/* From the tree as written to the tree as resolved.  Every written node is resolved once, at its own place, when it is
 * first needed; who refers to it gets a copy.  The written tree stays as it is, so that a later pass (with statistics,
 * or after an override) starts from it again. */
#include "config/expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int has_interpolation(const struct config_node *node) {
    return node->kind == CONFIG_STRING && strstr(node->text, "${");
}

static struct config_node *circle(struct evaluation *evaluation, const struct config_node *node) {
    struct text names = {0};
    text_add(&names, config_path(node));
    size_t shown = 0;
    /* from the innermost out, each was needed by the one before it */
    for (const struct frame *frame = evaluation->frame; frame && shown < 8; frame = frame->outer) {
        if (!has_interpolation(frame->node) && frame->node != node)
            continue;
        text_format(&names, " <- %s", config_path(frame->node));
        shown++;
        if (frame->node == node)
            break;
    }
    config_error(evaluation->frame->node, evaluation->error, ERROR_VALUE, "interpolations go in a circle: %s",
                 names.data ? names.data : "");
    text_free(&names);
    return NULL;
}

static struct config_node *resolve_children(struct evaluation *evaluation, struct config_node *written) {
    struct config *config = evaluation->config;
    struct config_node *node = tree_new(config, written->kind, written, evaluation->error);
    for (size_t k = 0; node && k < written->count; k++) {
        struct config_node *value = evaluate_written(evaluation, written->values[k]);
        if (!value)
            return NULL;
        if (written->kind == CONFIG_LIST) {
            if (tree_append(node, value, evaluation->error))
                return NULL;
            continue;
        }
        struct config_node *key = tree_copy(config, written->keys[k], 0, evaluation->error);
        if (!key || tree_put(node, key, value, evaluation->error))
            return NULL;
    }
    return node;
}

struct config_node *evaluate_written(struct evaluation *evaluation, struct config_node *written) {
    struct config *config = evaluation->config;
    if (written->pass == config->pass)
        return written->resolved ? written->resolved : circle(evaluation, written);
    if (evaluation->depth >= CONFIG_CHAIN) {
        config_error(written, evaluation->error, ERROR_VALUE, "more than %d interpolations that lead to each other",
                     CONFIG_CHAIN);
        return NULL;
    }
    struct frame frame = {.node = written, .outer = evaluation->frame};
    struct evaluation inner = *evaluation;
    inner.frame = &frame;
    inner.depth++;
    written->pass = config->pass;
    written->resolved = NULL;

    struct config_node *node;
    if (written->kind == CONFIG_LIST || written->kind == CONFIG_MAP) {
        node = resolve_children(&inner, written);
    } else if (has_interpolation(written)) {
        struct config_node *value = evaluate_text(&inner, written->text);
        node = value ? tree_copy(config, value, tree_depth(written), evaluation->error) : NULL;
        if (node && node->kind == CONFIG_DEFERRED)
            node->text = written->text;
    } else if (written->kind == CONFIG_STRING && !strcmp(written->text, "???")) {
        config_error(written, evaluation->error, ERROR_VALUE, "a value must be given here (it is marked as missing)");
        node = NULL;
    } else {
        node = tree_copy(config, written, 0, evaluation->error);
    }
    if (!node)
        return NULL;
    node->file = written->file;
    node->line = written->line;
    node->column = written->column;
    node->origin = written;
    written->resolved = node;
    return node;
}

/* ---------------------------------------------------------------- references */

static struct config_node *not_found(struct evaluation *evaluation, const struct config_node *within, int dots,
                                     char **names, size_t count, size_t at) {
    struct text reference = {0};
    for (int k = 0; k < dots && k < CONFIG_DEPTH; k++)
        text_add(&reference, ".");
    for (size_t k = 0; k < count; k++)
        text_format(&reference, "%s%s", k ? "." : "", names[k]);
    const char *where = config_path(within), *name = names[at], *nearest = tree_nearest_key(within, name);
    struct text why = {0};
    if (within->kind == CONFIG_LIST)
        text_format(&why, "\"%s\" is no element of the list %s, which has %zu", name, where, within->count);
    else if (within->kind == CONFIG_MAP)
        text_format(&why, "there is no \"%s\"%s%s%s%s%s", name, *where ? " in " : "", where,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    else
        text_format(&why, "%s is %s, and has no \"%s\"", where, config_kind_name(within), name);
    config_error(evaluation->frame->node, evaluation->error, ERROR_NAME, "cannot follow ${%s}: %s",
                 reference.data ? reference.data : "", why.data ? why.data : "");
    text_free(&reference);
    text_free(&why);
    return NULL;
}

static struct config_node *child(const struct config_node *node, const char *name) {
    if (node->kind == CONFIG_MAP)
        return tree_child(node, name);
    char *end;
    size_t k = strtoul(name, &end, 10);
    int good = node->kind == CONFIG_LIST && *name >= '0' && *name <= '9' && !*end && k < node->count;
    return good ? node->values[k] : NULL;
}

struct config_node *evaluate_reference(struct evaluation *evaluation, int dots, char **names, size_t count) {
    struct config_node *node = evaluation->config->source;
    if (dots) {
        node = (struct config_node *)evaluation->frame->node;
        for (int k = 0; k < dots && node; k++)
            node = node->parent;
        if (!node) {
            config_error(evaluation->frame->node, evaluation->error, ERROR_NAME,
                         "the %d dots of the reference lead above the top of the config", dots);
            return NULL;
        }
    }
    int resolved = 0;
    for (size_t k = 0; k < count; k++) {
        /* on the way lies a reference itself: what it stands for has been resolved to the bottom */
        if (!resolved && has_interpolation(node)) {
            node = evaluate_written(evaluation, node);
            if (!node)
                return NULL;
            resolved = 1;
        }
        if (node->kind == CONFIG_DEFERRED)
            return node;
        struct config_node *next = child(node, names[k]);
        if (!next)
            return not_found(evaluation, node, dots, names, count, k);
        node = next;
    }
    return resolved ? node : evaluate_written(evaluation, node);
}

/* ---------------------------------------------------------------- the whole */

int config_resolve(struct config *config, const struct config_context *context, struct error *error) {
    static const struct config_context nothing;
    struct error ours = {0};
    struct evaluation evaluation = {
        .config = config, .context = context ? context : &nothing, .error = error ? error : &ours};
    config->pass++;
    /* what earlier passes made is garbage as far as limits go */
    size_t nodes = config->nodes, bytes = config->bytes;
    config->nodes = 0;
    config->bytes = 0;
    struct config_node *root = evaluate_written(&evaluation, config->source);
    config->nodes = nodes;
    config->bytes = bytes;
    if (root) {
        config->root = root;
        return 0;
    }
    if (!evaluation.error->code)
        error_set(evaluation.error, ERROR_MEMORY, "out of memory");
    return (int)evaluation.error->code;
}
