/* Inside src/config: the tree itself. */
#ifndef FETTLE_CONFIG_TREE_H
#define FETTLE_CONFIG_TREE_H

#include "base/arena.h"
#include "config/node.h"

enum { CONFIG_MAX_DEPTH = 200, CONFIG_MAX_NODES = 2000000 };

struct config_node {
    enum config_kind kind;
    int quoted;       /* a string that was written with quotes, or made of text: never typed again */
    int line, column; /* from 1 */
    const char *file;
    const char *text; /* a scalar as written; of a deferred node, the interpolation */
    int64_t integer;  /* also the truth of a bool */
    double real;
    size_t count, capacity;
    struct config_node **keys; /* of a map: strings */
    struct config_node **items;
    struct config_node *parent;
    const struct config_node *context; /* where relative interpolations start, if not here */
    int state;                         /* of resolution: 0 not yet, 1 in progress, 2 done */
};

struct config {
    struct arena *arena;
    const char *name;
    struct config_node *root;
    size_t nodes;
};

struct config_node *tree_node(struct config *config, enum config_kind kind, const struct config_node *place);
/* A scalar typed by its text, as YAML does for plain ones. */
void tree_type_scalar(struct config_node *node, const char *text);
struct config_node *tree_scalar(struct config *config, const char *text, const struct config_node *place);
int tree_append(struct config *config, struct config_node *parent, struct config_node *key, struct config_node *item);
/* Replaces the content of a node, which keeps its place in the tree. */
void tree_become(struct config_node *node, const struct config_node *value);
/* A deep copy that remembers where its relative interpolations start; NULL if memory or the limit on nodes is short. */
struct config_node *tree_copy(struct config *config, const struct config_node *node, int depth);
long tree_index(const struct config_node *map, const char *key); /* -1 if there is none */
/* YAML text (flow or block) into a tree of this config. */
int tree_parse(struct config *config, const char *file, const char *yaml, size_t size, int line,
               struct config_node **out, struct error *error);
/* Evaluates an interpolation of node; see resolve.c. */
int tree_resolver(struct config *config, struct config_node *node, const char *name, struct config_node *const *args,
                  size_t nargs, const struct config_context *context, struct config_node **out, struct error *error);

#endif
