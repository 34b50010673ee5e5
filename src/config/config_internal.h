/* What the files of this layer share: the nodes themselves, and how they are made.  All memory is the arena of the
 * config; nodes live until config_free, also those that an override or a later config_resolve has replaced. */
#ifndef FETTLE_CONFIG_CONFIG_INTERNAL_H
#define FETTLE_CONFIG_CONFIG_INTERNAL_H

#include "base/arena.h"
#include "config/node.h"

enum {
    CONFIG_DEPTH = 200,      /* lists and maps in each other */
    CONFIG_NODES = 1000000,  /* of one config, copies by aliases and interpolations included */
    CONFIG_KEYS = 4096,      /* of one map: look-ups are linear */
    CONFIG_BYTES = 64 << 20, /* of a file, and of all the text that interpolation makes */
    CONFIG_CHAIN = 250,      /* interpolations that lead to each other */
};

struct config_node {
    enum config_kind kind;
    int line, column;
    const char *file;
    struct config *config;
    struct config_node *parent;
    const char *key; /* in a map; for the node of a key, the key itself */
    size_t index;    /* in a list */

    const char *text; /* scalars: as written */
    int boolean;
    int64_t integer;
    double number;
    struct config_node **values, **keys; /* keys: of maps */
    size_t count, capacity;

    struct config_node *origin;   /* of a resolved node: where it was written */
    struct config_node *resolved; /* of a written node: what it became in the resolve pass `pass` */
    unsigned pass;
    int failed; /* in that pass; the error has been told */
    char *path; /* made when asked for, good while config->shape is path_shape */
    unsigned path_shape;
    int noticed; /* by config_notice */
};

struct config {
    struct arena *arena;
    struct config_node *source; /* as written, with overrides */
    struct config_node *root;   /* as resolved; the source before that */
    size_t nodes, bytes;
    unsigned pass, shape;
    int64_t now;                /* microseconds since 1970 at the first ${now:...}; 0 before */
    struct config_node *launch; /* settings of Hydra's that come of how the config was opened; NULL: none */
    struct config_node *hydra;  /* Hydra's settings as they were in the pass hydra_pass */
    unsigned hydra_pass;
    int quiet; /* config_hush */
};

struct config *tree_config_new(struct error *error);
struct config_node *tree_new(struct config *config, enum config_kind kind, const struct config_node *place,
                             struct error *error);
struct config_node *tree_string(struct config *config, const char *text, size_t size, const struct config_node *place,
                                struct error *error);
struct config_node *tree_int(struct config *config, int64_t value, const struct config_node *place,
                             struct error *error);
struct config_node *tree_float(struct config *config, double value, const struct config_node *place,
                               struct error *error);
int tree_append(struct config_node *list, struct config_node *value, struct error *error);
/* The key is a string node; an entry with this key is replaced. */
int tree_put(struct config_node *map, struct config_node *key, struct config_node *value, struct error *error);
/* As OmegaConf merges: maps key by key, lists and scalars are replaced, ??? gives way to what is there, a map and a
 * list do not go together; into an interpolation, what it refers to by then is merged.  Takes over the nodes of `from`.
 */
int tree_merge(struct config_node *into, struct config_node *from, struct error *error);
/* Takes a node out of its map or list. */
void tree_remove(struct config_node *node);
void tree_attach(struct config_node *parent, struct config_node *value, struct config_node *key, size_t index);
/* A deep copy for `depth` levels below the root of `config`; positions are those of the original. */
struct config_node *tree_copy(struct config *config, const struct config_node *node, int depth, struct error *error);
int tree_depth(const struct config_node *node);
struct config_node *tree_child(const struct config_node *map, const char *key);
int tree_has_deferred(const struct config_node *node);
const char *tree_nearest_key(const struct config_node *map, const char *key);

/* Gives a string node that was written plain its type by YAML 1.1 as OmegaConf reads it. */
void scalar_type(struct config_node *node);
/* The same for an element of an interpolation's arguments or of an override, where the rules are tighter. */
void scalar_type_element(struct config_node *node);

/* YAML into a detached tree of any kind; NULL and *error on failure. `whole`: a config, so a map or nothing. */
struct config_node *yaml_parse(struct config *config, const char *name, const char *yaml, size_t size, int whole,
                               struct error *error);

/* The first character of a line's text that looks like another, described in `out`: its column, where the text begins
 * at `column`; 0 and "" where there is none. */
int lookalike_find(const char *text, size_t size, int column, char *out, size_t room);
/* Whether text without quotes would be something else (a number, a quoted text, a key with a value) if it were what it
 * looks like; the character is described in `out`. */
int lookalike_misleads(const char *text, char *out, size_t room);

/* The written node to which a text leads that is one reference and nothing else, by way of others; NULL where it is
 * none, or leads nowhere yet. */
const struct config_node *reference_target(const struct config_node *node);

/* Text as Python's str() and repr() show a value. */
void write_python(const struct config_node *node, int quoted, struct text *out);

#endif
