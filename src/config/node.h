/* A config: a tree of values that know where they were written. */
#ifndef FETTLE_CONFIG_NODE_H
#define FETTLE_CONFIG_NODE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

enum config_kind {
    CONFIG_NULL,
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_FLOAT,
    CONFIG_STRING,
    CONFIG_LIST,
    CONFIG_MAP,
    CONFIG_DEFERRED /* holds training_data_stats: known only once data is read; fits every type until then */
};

struct config;      /* owns a tree */
struct config_node; /* belongs to its config */

/* Reads YAML (anchors, aliases, merge keys; scalars typed as OmegaConf does: 1e-6 is a float, 0123 the octal 83, yes
 * is true; an integer beyond 64 bits is a float).  Keys are text, whatever they look like.  Interpolations are kept
 * as written until config_resolve.  A file of more than 64 MiB, 200 levels or a million values is refused. */
int config_read(struct config **out, const char *path, struct error *error);
/* The same with overrides, as Hydra composes a config: the files of its `defaults:` list are merged, from groups that
 * are folders beside it (or of hydra.searchpath); an override GROUP=NAME chooses in a group, +GROUP=NAME adds one,
 * ~GROUP takes one away; all others are made as config_override makes them. */
int config_compose(struct config **out, const char *path, size_t count, const char *const *overrides,
                   struct error *error);
int config_is_named(const char *path); /* by its end, .yaml or .yml */
int config_parse(struct config **out, const char *name, const char *yaml, size_t size, struct error *error);
struct config *config_copy(const struct config *config);
/* No notices of this one: of a copy that is looked at before another one is used. */
void config_hush(struct config *config);
void config_free(struct config *config);
const struct config_node *config_root(const struct config *config);

/* One override as Hydra takes them: "a.b.c=value" (the key must exist), "+a.b=value" (must not), "++a.b=value",
 * "~a.b" or "~a.b=value" (delete), list elements as a.0.b.  Values: numbers, true, false, null, words, 'quoted text',
 * [lists], {maps: 1} (merged into a map that is there), texts with ${...}.  Acts on the config as written, and
 * config_root is that one again until the next config_resolve; after an error nothing has changed. */
int config_override(struct config *config, const char *override, struct error *error);
/* The same with a text that is formatted first. */
int config_override_format(struct config *config, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Where ${training_data_stats:NAME} comes from.  Returns 0 and fills value, or an error code. A statistic is a number,
 * or a number per type (count > 0, names[k], values[k]). */
struct config_statistic {
    int count;
    double value;
    const char *const *names;
    const double *values;
};
struct config_context {
    /* Keys of the top that the caller reads, NULL at the end: what is wrong elsewhere (a value marked as missing, a
     * variable that is not set) is no error, and stays as written.  NULL: all. */
    const char *const *sections;
    const char *output_dir; /* ${hydra:runtime.output_dir} */
    int (*statistic)(void *context, const char *name, struct config_statistic *out, struct error *error);
    void *statistic_context;
};

/* Replaces every interpolation: ${a.b}, ${.sibling}, ${..parent}, nested, inside strings; the resolvers of OmegaConf
 * (oc.*), Hydra (hydra, now) and NequIP (int_mul, int_div, concat_lists, ..., training_data_stats).  With statistic
 * NULL, nodes that need a statistic become CONFIG_DEFERRED (call again later with one).  Every call starts from the
 * config as written; config_root is the new tree, and nodes of earlier trees stay valid until config_free.  Errors name
 * the place; circles are found; after an error config_root is what it was. */
int config_resolve(struct config *config, const struct config_context *context, struct error *error);

/* The folder that the config asks for by hydra.run.dir, free()d by the caller; NULL where it says nothing of it. */
int config_run_dir(struct config *config, char **out, struct error *error);

/* ---------------------------------------------------------------- nodes (NULL is treated as absent) */

enum config_kind config_kind(const struct config_node *node);
const char *config_kind_name(const struct config_node *node); /* "a list", "an integer", ... for messages */
size_t config_count(const struct config_node *node);          /* entries of a list or map, else 0 */
const struct config_node *config_at(const struct config_node *node, size_t k);           /* list element or map value */
const char *config_key(const struct config_node *node, size_t k);                        /* map key */
const struct config_node *config_key_node(const struct config_node *node, size_t k);     /* the key, for its position */
const struct config_node *config_get(const struct config_node *node, const char *key);   /* in a map; or NULL */
const struct config_node *config_find(const struct config_node *node, const char *path); /* "a.b.0.c"; or NULL */
const char *config_text(const struct config_node *node); /* a scalar as it was written; "" else */
int config_bool(const struct config_node *node);
int64_t config_int(const struct config_node *node);
/* The whole number that a node is: an integer, or a float without a fraction that counts exactly (1e3, up to 2^53); -1
 * where it is none. */
int config_whole(const struct config_node *node, int64_t *out);
double config_float(const struct config_node *node); /* an int counts as a float */
int config_is_number(const struct config_node *node);

/* Full dotted path of a node ("training_module.optimizer.lr"), for messages. */
const char *config_path(const struct config_node *node);

/* An error at the node's place, with its path in front. */
int config_error(const struct config_node *node, struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A remark about the node, in the log: once for its place in the file, however often the config is resolved and read.
 */
void config_notice(const struct config_node *node, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* YAML text of a tree; parsing it gives an equal tree (interpolations as they stand). JSON likewise, but that NaN and
 * infinities, which JSON does not have, become the strings "NaN", "Infinity" and "-Infinity". */
void config_write_yaml(const struct config_node *node, struct text *out);
void config_write_json(const struct config_node *node, struct text *out);
/* A string in double quotes, as both read it.  Bytes that are no UTF-8 become their Latin-1 characters. */
void config_quote(const char *string, struct text *out);

#endif
