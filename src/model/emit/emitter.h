/* What modules read and write while a model is emitted into a graph: the fields of a frame, as nodes. */
#ifndef FETTLE_MODEL_EMIT_EMITTER_H
#define FETTLE_MODEL_EMIT_EMITTER_H

#include "graph/graph.h"
#include "model/emit/module.h"

enum { MAX_ATTRIBUTES = 9 }; /* the type embedding, and one for each categorical field */

/* A part of the node attributes: a table [categories, all attributes] that is zero outside the columns of this part. */
struct attribute {
    struct node *table;
    enum index_kind index;
};

struct emitter {
    struct graph *graph;
    struct error *error;
    struct arena *scratch;
    enum dtype dtype; /* of the model */
    int derivatives;

    struct node *vector;    /* [pairs, 3] A, float64: r_p */
    struct node *length;    /* [pairs, 1] A, float64 */
    struct node *x;         /* [pairs, 1] length over cutoff, float64 */
    struct node *radial;    /* [pairs, bessels] radial basis */
    struct node *couplings; /* [pairs, ...] harmonics contracted with couplings: see coupling.h */
    int nattributes;
    struct attribute attributes[MAX_ATTRIBUTES];
    struct node *features;      /* [atoms] blocks of irreps */
    struct node *atomic_energy; /* [atoms, 1] eV, float64; NULL before the first */
    struct model_outputs *outputs;
};

/* Emits a module that acts on the fields, its nodes under its path. */
void emit_module(struct emitter *emitter, const struct module *module);
/* Its node, as every caller gets it. */
struct node *emit_state(struct graph *graph, const struct state_entry *entry);
/* [1, 1] that broadcasts, of this value. */
struct node *emit_number(struct emitter *emitter, enum dtype dtype, double value);
/* Memory for arrays that live until the emission ends; NULL, with the error set: the emission then goes on with any
 * node, as a graph does whose error is set. */
void *emit_alloc(struct emitter *emitter, size_t count, size_t size);
/* r_p and its length, made on the first call. */
void emit_pair_vectors(struct emitter *emitter);
/* Adds energies of pairs (one half of each edge's, float64 or the model's dtype) to the atomic energies. */
void emit_pair_energy(struct emitter *emitter, struct node *energy);

#endif
