/* Modules: nodes of a model's tree, as NequIP has them. A module owns parameters and buffers, prints itself as PyTorch
 * would print it, and emits its part of the graph. Modules lie in the arena of their model. */
#ifndef FETTLE_MODEL_EMIT_MODULE_H
#define FETTLE_MODEL_EMIT_MODULE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "model/emit/parameter.h"

struct module;
struct emitter;
struct build;

struct module_class {
    const char *name; /* of the class, as PyTorch prints it */
    /* What stands between the parentheses, lines separated by '\n'; may be NULL. */
    void (*extra_repr)(const struct module *module, struct text *out);
    /* The whole text, for classes that print themselves differently; may be NULL. */
    void (*repr)(const struct module *module, struct text *out);
    /* For modules that act on the fields of the frame (struct emitter) one after the other; NULL for those that their
     * parent applies to a node. */
    void (*emit)(const struct module *module, struct emitter *emitter);
};

/* A parameter or a buffer. */
struct state_entry {
    struct parameter parameter; /* its name is the full one once the model is put together */
    const char *name;           /* within the module */
    int optional;               /* a mask, a coupling table, an empty tensor: files may lack it */
    int rows, cols;             /* shape of its graph node */
    void *values;               /* the values; in the model's slab once it is put together */
    struct state_entry *next;
};

struct module {
    const struct module_class *class;
    const char *name; /* in its parent */
    const char *path; /* "model.func.spharm"; "" for the root; set when the model is put together */
    struct module *first_child, *last_child, *next;
    struct state_entry *first_state, *last_state;
    void *data; /* of the class */
};

/* NULL (and build's error set) where memory runs out. data is zeroed. */
struct module *module_new(struct build *build, const struct module_class *class, size_t data_size);
/* Returns child, for chains; a NULL child is passed over. */
struct module *module_add(struct build *build, struct module *parent, const char *name, struct module *child);
struct module *module_child(const struct module *module, const char *name); /* or NULL */

/* The first module under root whose path this is, or an end of it from a dot on ("conv.linear_1"); *count: how many
 * there are, 1 for a whole path.  NULL without any. */
const struct module *module_find(const struct module *root, const char *path, int *count);

/* str(module). */
void module_print(const struct module *module, struct text *out);

/* ---------------------------------------------------------------- state
 *
 * All take the shape (ndim 0 to 4) and return NULL, with build's error set, where memory runs out. */

struct state_entry *module_parameter(struct build *build, struct module *module, const char *name, enum dtype dtype,
                                     int ndim, const int *shape);
struct state_entry *module_buffer(struct build *build, struct module *module, const char *name, enum dtype dtype,
                                  int ndim, const int *shape);
/* An optional buffer of numel numbers, all `value`. */
struct state_entry *module_mask(struct build *build, struct module *module, const char *name, int numel, double value);

void state_set(struct state_entry *entry, size_t k, double value);
double state_value(const struct state_entry *entry, size_t k);
/* The shape of the graph's node; [1, numel] where nobody says. */
void state_node_shape(struct state_entry *entry, int rows, int cols);

#endif
