/* The state of a training run: named variables of any length, held by the core.  Whoever needs state (an optimizer, a
 * scheduler, a technique, a callback, the loop's cursor, a random stream) adds variables under a name of its own and
 * works on the memory it is given; saving, resuming, rewinding, forking and giving up a batch then work without its
 * help.
 *
 * A batch is a transaction.  Small variables are copied when it begins and put back if it is given up.  Big ones
 * (parameter slabs, moments, averages) are never written in place: the new values go to variable->next, and the commit
 * swaps the pointers of those that were marked as written. */
#ifndef FETTLE_TRAIN_STATE_H
#define FETTLE_TRAIN_STATE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "model/safetensors.h"

enum state_type { STATE_F32, STATE_F64, STATE_I64, STATE_U8 };

struct variable {
    char *name; /* "optimizer.exp_avg.f32", "ema.num_updates", "loop.epoch" */
    enum state_type type;
    size_t count;
    int big;
    void *data; /* the accepted values */
    void *next; /* big ones only: where the batch writes; same size */
    int written; /* next holds new values */
};

struct state;

struct state *state_new(void);
void state_free(struct state *state);
/* Adds a zeroed variable; NULL if the name is taken or memory is short (error says which).  The struct stays where it
 * is until it is removed; data and next of a big one change places at each commit. */
struct variable *state_add(struct state *state, const char *name, enum state_type type, size_t count, int big,
                           struct error *error);
/* Takes over memory that somebody else owns and that must not move (model_slab): data is the caller's, next is ours;
 * commit then copies instead of swapping unless the owner follows by reading variable->data. */
struct variable *state_find(struct state *state, const char *name);
/* Changes the length of a small variable (contents kept up to the shorter length). */
int state_resize(struct state *state, struct variable *variable, size_t count, struct error *error);
/* Removes every variable whose name begins with prefix: a layer that is dropped. */
void state_remove(struct state *state, const char *prefix);
size_t state_count(const struct state *state);
struct variable *state_at(const struct state *state, size_t k);

void state_begin(struct state *state);
void state_commit(struct state *state);
void state_rollback(struct state *state);

/* A copy of everything, for rewinding; bytes it takes; putting it back (names, types and lengths must match, except
 * that small ones may differ in length). */
struct snapshot;
struct snapshot *state_save(const struct state *state);
int state_restore(struct state *state, const struct snapshot *snapshot, struct error *error);
size_t snapshot_size(const struct snapshot *snapshot);
void snapshot_free(struct snapshot *snapshot);
uint64_t state_hash(const struct state *state); /* over names, lengths and bytes */

/* To and from a checkpoint, as tensors "state.NAME".  Reading says which variable is missing or of another length. */
int state_store(const struct state *state, struct safetensors *file, struct error *error);
int state_load(struct state *state, const struct safetensors *file, struct error *error);

#endif
