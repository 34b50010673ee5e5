/* The language of interpolations, and of the values of overrides: texts with ${...} in them, elements (numbers, words,
 * quoted strings, lists, maps) and how they are computed. */
#ifndef FETTLE_CONFIG_EXPRESSION_H
#define FETTLE_CONFIG_EXPRESSION_H

#include "config/tree.h"

/* The written nodes that are being resolved, innermost first. */
struct frame {
    const struct config_node *node;
    const struct frame *outer;
};

struct evaluation {
    struct config *config;
    const struct config_context *context; /* never NULL */
    struct error *error;
    const struct frame *frame; /* its node is the place for errors and for relative references */
    int depth;
};

/* Each returns a node without a parent, one that belongs to a resolved tree, or NULL with the error set. */
struct config_node *evaluate_text(struct evaluation *evaluation, const char *text);
struct config_node *evaluate_reference(struct evaluation *evaluation, int dots, char **names, size_t count);
struct config_node *evaluate_resolver(struct evaluation *evaluation, const char *name, struct config_node **args,
                                      size_t count);
struct config_node *evaluate_written(struct evaluation *evaluation, struct config_node *node);

int has_interpolation(const struct config_node *node);

/* The value of an override: one element; interpolations in it stay text. */
struct config_node *element_parse(struct config *config, const char *text, const struct config_node *place,
                                  struct error *error);

#endif
