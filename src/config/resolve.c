/* From the tree as written to the tree as resolved.  Every written node is resolved once, at its own place, when it is
 * first needed; who refers to it gets a copy.  The written tree stays as it is, so that a later pass (with statistics,
 * or after an override) starts from it again. */
#include "config/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int has_interpolation(const struct config_node *node) {
    return node->kind == CONFIG_STRING && strstr(node->text, "${");
}

int is_missing(const struct config_node *node) {
    return node->kind == CONFIG_STRING && !strcmp(node->text, "???");
}

static struct config_node *circle(struct interpolation *evaluation, const struct config_node *node) {
    struct text names = {0};
    text_add(&names, config_path(node));
    size_t shown = 0;
    /* from the innermost out, each was needed by the one before it */
    for (const struct interpolation_frame *frame = evaluation->frame; frame && shown < 8; frame = frame->outer) {
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

static struct config_node *resolve_children(struct interpolation *evaluation, struct config_node *written) {
    struct config *config = evaluation->config;
    struct config_node *node = tree_new(config, written->kind, written, evaluation->error);
    size_t count = error_count(evaluation->error);
    int failed = 0;
    for (size_t k = 0; node && k < written->count; k++) {
        struct config_node *value = evaluate_written(evaluation, written->values[k]);
        if (!value) {
            failed = 1;
            if (error_aside(evaluation->error, (int)evaluation->error->code))
                return NULL;
            continue;
        }
        if (written->kind == CONFIG_LIST) {
            if (tree_append(node, value, evaluation->error))
                return NULL;
            continue;
        }
        struct config_node *key = tree_copy(config, written->keys[k], 0, evaluation->error);
        if (!key || tree_put(node, key, value, evaluation->error))
            return NULL;
    }
    if (failed)
        error_since(evaluation->error, count);
    return failed ? NULL : node;
}

/* The value of a written node stands where that stands. */
static struct config_node *settle(struct config_node *node, struct config_node *written) {
    node->file = written->file;
    node->line = written->line;
    node->column = written->column;
    node->origin = written;
    written->resolved = node;
    return node;
}

struct config_node *evaluate_written(struct interpolation *evaluation, struct config_node *written) {
    struct config *config = evaluation->config;
    if (written->pass == config->pass)
        return written->resolved || written->failed ? written->resolved : circle(evaluation, written);
    if (evaluation->depth >= CONFIG_CHAIN) {
        config_error(written, evaluation->error, ERROR_VALUE, "more than %d interpolations that lead to each other",
                     CONFIG_CHAIN);
        return NULL;
    }
    struct interpolation_frame frame = {.node = written, .outer = evaluation->frame};
    struct interpolation inner = *evaluation;
    inner.frame = &frame;
    inner.depth++;
    written->pass = config->pass;
    written->resolved = NULL;
    written->failed = 0;

    struct config_node *node;
    if (written->kind == CONFIG_LIST || written->kind == CONFIG_MAP) {
        node = resolve_children(&inner, written);
    } else if (has_interpolation(written)) {
        struct config_node *value = evaluate_text(&inner, written->text);
        node = value ? tree_copy(config, value, tree_depth(written), evaluation->error) : NULL;
        if (node && node->kind == CONFIG_DEFERRED)
            node->text = written->text;
    } else if (is_missing(written)) {
        config_error(written, evaluation->error, ERROR_VALUE, "a value must be given here (it is marked as missing)");
        node = NULL;
    } else {
        node = tree_copy(config, written, 0, evaluation->error);
    }
    written->failed = !node;
    return node ? settle(node, written) : NULL;
}

/* ---------------------------------------------------------------- references */

static void not_found(struct interpolation *evaluation, const struct config_node *within,
                      const struct reference *reference, size_t at) {
    struct text shown = {0};
    for (int k = 0; k < reference->dots && k < CONFIG_DEPTH; k++)
        text_add(&shown, ".");
    for (size_t k = 0; k < reference->count; k++)
        text_format(&shown, "%s%s", k ? "." : "", reference->names[k]);
    const char *where = config_path(within), *name = reference->names[at], *nearest = tree_nearest_key(within, name);
    const char *usage = *where ? NULL : resolver_usage(name);
    struct text why = {0};
    if (within->kind == CONFIG_LIST)
        text_format(&why, "\"%s\" is no element of the list %s, which has %zu", name, where, within->count);
    else if (usage)
        text_format(&why, "\"%s\" is a resolver, which is called as ${%s}", name, usage);
    else if (within->kind == CONFIG_MAP)
        text_format(&why, "there is no \"%s\"%s%s%s", name, *where ? " in " : "", where, DID_YOU_MEAN(nearest));
    else
        text_format(&why, "%s is %s, and has no \"%s\"", where, config_kind_name(within), name);
    config_error(evaluation->frame->node, evaluation->error, ERROR_NAME, "cannot follow ${%s}: %s",
                 shown.data ? shown.data : "", why.data ? why.data : "");
    text_free(&shown);
    text_free(&why);
}

static struct config_node *child(const struct config_node *node, const char *name) {
    if (node->kind == CONFIG_MAP)
        return tree_child(node, name);
    char *end;
    size_t k = strtoul(name, &end, 10);
    int good = node->kind == CONFIG_LIST && *name >= '0' && *name <= '9' && !*end && k < node->count;
    return good ? node->values[k] : NULL;
}

/* Where a text leads that is one reference and no more. */
static int follow(struct interpolation *evaluation, struct config_node *node, struct interpolation_place *out) {
    struct interpolation_frame frame = {.node = node, .outer = evaluation->frame};
    struct interpolation inner = *evaluation;
    *out = (struct interpolation_place){0};
    if (evaluation->depth >= CONFIG_CHAIN) {
        circle(evaluation, node);
        return -1;
    }
    inner.frame = &frame;
    inner.depth++;
    return evaluate_lone(&inner, node->text, out);
}

int reference_find(struct interpolation *evaluation, const struct reference *reference, int must,
                   struct interpolation_place *out) {
    struct config_node *node = reference->from;
    *out = (struct interpolation_place){0};
    if (!node && !reference->dots && reference->count && !strcmp(reference->names[0], "hydra")) {
        node = hydra_top(evaluation);
        if (!node) {
            config_error(evaluation->frame->node, evaluation->error, ERROR_NAME,
                         "Hydra's settings are no part of the config: they are reached as ${hydra:KEY}");
            return -1;
        }
    }
    if (!node)
        node = evaluation->config->source;
    if (reference->dots) {
        node = (struct config_node *)evaluation->frame->node;
        for (int k = 0; k < reference->dots && node; k++)
            node = node->parent;
        if (!node) {
            config_error(evaluation->frame->node, evaluation->error, ERROR_NAME,
                         "the %d dots of the reference lead above the top of the config", reference->dots);
            return -1;
        }
    }
    for (size_t k = 0; k < reference->count; k++) {
        /* on the way lies a reference itself: it is followed; anything else is resolved to the bottom */
        while (!out->resolved && has_interpolation(node)) {
            struct interpolation_place through;
            int followed = follow(evaluation, node, &through);
            if (followed < 0)
                return -1;
            *out = through;
            if (!followed) {
                out->node = evaluate_written(evaluation, node);
                out->resolved = 1;
            }
            if (!(node = out->node))
                return -1;
        }
        if (node->kind == CONFIG_DEFERRED)
            break;
        struct config_node *next = child(node, reference->names[k]);
        if (!next) {
            must |= node->kind == CONFIG_LIST && reference->names[k][strspn(reference->names[k], "0123456789")];
            if (must)
                not_found(evaluation, node, reference, k);
            return must ? -1 : 0;
        }
        node = next;
    }
    out->node = node;
    return 0;
}

struct config_node *evaluate_place(struct interpolation *evaluation, const struct interpolation_place *place) {
    return place->resolved ? place->node : evaluate_written(evaluation, place->node);
}

struct config_node *evaluate_reference(struct interpolation *evaluation, const struct reference *reference) {
    struct interpolation_place place;
    if (reference_find(evaluation, reference, 1, &place))
        return NULL;
    return evaluate_place(evaluation, &place);
}

const struct config_node *reference_target(const struct config_node *node) {
    static const struct config_context nothing;
    struct error ours = {0};
    struct interpolation evaluation = {.config = node->config, .context = &nothing, .error = &ours};
    struct interpolation_place place = {.node = (struct config_node *)node};
    node->config->pass++;
    for (int k = 0; k < CONFIG_CHAIN && has_interpolation(place.node); k++)
        if (follow(&evaluation, place.node, &place) != 1 || !place.node)
            return NULL;
    return place.node == node ? NULL : place.node;
}

/* ---------------------------------------------------------------- the whole */

static int is_used(const struct config_context *context, const char *key) {
    if (!context->sections)
        return strcmp(key, "hydra") != 0;
    for (const char *const *name = context->sections; *name; name++)
        if (!strcmp(*name, key))
            return 1;
    return 0;
}

/* What the program does not read is resolved where it can be, and else stays as it is written; so do Hydra's settings,
 * which are resolved on their own. */
static struct config_node *resolve_top(struct interpolation *evaluation) {
    static const struct config_context nothing;
    struct config *config = evaluation->config;
    struct config_node *source = config->source, *top = tree_new(config, CONFIG_MAP, source, evaluation->error);
    struct interpolation_frame frame = {.node = source};
    struct config_context context = evaluation->context ? *evaluation->context : nothing;
    if (!top || source->kind != CONFIG_MAP)
        return top ? evaluate_written(evaluation, source) : NULL;
    evaluation->context = &context;
    evaluation->frame = &frame;
    source->pass = config->pass;
    source->resolved = NULL;
    source->failed = 0;
    if (hydra_check(evaluation))
        return NULL;
    size_t count = error_count(evaluation->error);
    for (size_t k = 0; k < source->count; k++)
        if (is_used(&context, source->keys[k]->text) && !evaluate_written(evaluation, source->values[k]) &&
            error_aside(evaluation->error, (int)evaluation->error->code))
            return NULL;
    if (error_since(evaluation->error, count))
        return NULL;
    for (size_t k = 0; k < source->count; k++) {
        struct config_node *written = source->values[k], *value = NULL;
        struct error error = {0};
        struct interpolation idle = *evaluation;
        idle.error = &error;
        int used = is_used(&context, source->keys[k]->text);
        if (used || strcmp(source->keys[k]->text, "hydra"))
            value = evaluate_written(used ? evaluation : &idle, written);
        if (!value && !used && (value = tree_copy(config, written, 1, evaluation->error)))
            value->origin = written;
        struct config_node *key = value ? tree_copy(config, source->keys[k], 0, evaluation->error) : NULL;
        if (!key || tree_put(top, key, value, evaluation->error))
            return NULL;
    }
    return settle(top, source);
}

int config_resolve(struct config *config, const struct config_context *context, struct error *error) {
    struct error ours = {0};
    struct interpolation evaluation = {.config = config, .context = context, .error = error ? error : &ours};
    config->pass++;
    /* what earlier passes made is garbage as far as limits go */
    size_t nodes = config->nodes, bytes = config->bytes;
    config->nodes = 0;
    config->bytes = 0;
    struct config_node *root = resolve_top(&evaluation);
    config->nodes = nodes;
    config->bytes = bytes;
    if (root) {
        config->root = root;
        return 0;
    }
    if (!evaluation.error->code)
        error_memory(evaluation.error);
    return (int)evaluation.error->code;
}
