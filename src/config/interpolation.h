/* The language of interpolations, and of the values of overrides: texts with ${...} in them, elements (numbers, words,
 * quoted strings, lists, maps) and how they are computed. */
#ifndef FETTLE_CONFIG_INTERPOLATION_H
#define FETTLE_CONFIG_INTERPOLATION_H

#include "config/config_internal.h"

/* The written nodes that are being resolved, innermost first. */
struct interpolation_frame {
    const struct config_node *node;
    const struct interpolation_frame *outer;
};

struct interpolation {
    struct config *config;
    const struct config_context *context; /* never NULL */
    struct error *error;
    const struct interpolation_frame *frame; /* its node is the place for errors and for relative references */
    int depth;
};

/* a.b.0 from the top, or, with dots, from the map or list that many levels above the place. */
struct reference {
    int dots;
    char **names;
    size_t count;
    struct config_node *from; /* NULL: the top of the config */
};

/* Each returns a node without a parent, one that belongs to a resolved tree, or NULL with the error set (or told
 * before, where the node failed once in this pass). */
struct config_node *evaluate_text(struct interpolation *evaluation, const char *text);
struct config_node *evaluate_element(struct interpolation *evaluation, const char *text); /* as an argument is read */
struct config_node *evaluate_reference(struct interpolation *evaluation, const struct reference *reference);
struct config_node *evaluate_resolver(struct interpolation *evaluation, const char *name, struct config_node **args,
                                      size_t count);
const char *resolver_usage(const char *name); /* "int_mul:A,B"; NULL: there is none of this name */
struct config_node *evaluate_written(struct interpolation *evaluation, struct config_node *node);

/* Where a reference leads: a written node, or, where *resolved is set, one of a resolved tree.  Returns -1 with an
 * error; 0 with node NULL where nothing is there, which is an error too if it `must` be. */
struct interpolation_place {
    struct config_node *node;
    int resolved;
};
int reference_find(struct interpolation *evaluation, const struct reference *reference, int must,
                   struct interpolation_place *out);
struct config_node *evaluate_place(struct interpolation *evaluation, const struct interpolation_place *place);
/* The place that a text names which is one reference and nothing else: 1, or 0 if it is another text, -1 with an
 * error. */
int evaluate_lone(struct interpolation *evaluation, const char *text, struct interpolation_place *out);
int is_missing(const struct config_node *node); /* ??? */

int has_interpolation(const struct config_node *node);

/* NAME(value) in the value of an override, of `count` arguments; the value is the last one's and may be changed. */
struct config_node *element_call(const char *name, struct config_node *value, size_t count, struct error *error,
                                 const struct config_node *place);

/* Where messages about an override point. */
struct config_node *override_place(struct config *config, const char *override, struct error *error);
/* The value of an override: one element; interpolations in it stay text. */
struct config_node *element_parse(struct config *config, const char *text, const struct config_node *place,
                                  struct error *error);

#endif
