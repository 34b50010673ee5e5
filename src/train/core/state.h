/* The state of a training run: named variables of any length, held by the core.  Whoever needs state (an optimizer, a
 * scheduler, a technique, a callback, the loop's cursor, a random stream) adds variables under a name of its own and
 * works on the memory it is given; saving, resuming, rewinding, forking and giving up a batch then work without its
 * help.
 *
 * A batch is a transaction.  Small variables are copied when it begins and put back if it is given up.  Big ones
 * (parameter slabs, moments, averages) are never written in place: the new values go to variable->next, and the commit
 * swaps the pointers of those that were marked as written.  Variables are added and removed between batches only. */
#ifndef FETTLE_TRAIN_CORE_STATE_H
#define FETTLE_TRAIN_CORE_STATE_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "model/file/safetensors.h"

enum state_type { STATE_F32, STATE_F64, STATE_I64, STATE_U8, STATE_U32 };

/* What the numbers of a variable may be: a file is not trusted, and what a reader of state_load's relies on is declared
 * here or looked at by its owner afterwards (the check_state of a technique, a scheduler, a callback). */
struct state_range {
    double least, most;
    int null; /* NaN is a value too: a coefficient that is not given, a number that there is none of yet */
};
extern const struct state_range state_flag;    /* 0 or 1 */
extern const struct state_range state_counter; /* 0 to 2^53: counting on does not overflow */
extern const struct state_range state_finite;
extern const struct state_range state_nonnegative; /* and finite */
extern const struct state_range state_nullable;    /* finite, or NaN */
extern const struct state_range state_ordered;     /* all but NaN */

/* A number that has a name and a range of its own in its variable. */
struct state_field {
    const char *name; /* NULL: files do not have it */
    const struct state_range *range;
};

struct variable {
    char *name; /* "optimizer.exp_avg.f32", "ema.num_updates", "loop.epoch" */
    enum state_type type;
    size_t count;
    int big;
    void *data;   /* the accepted values; 64-byte aligned; stays in place for a small variable of constant length */
    void *next;   /* big ones only: where the batch writes; same size */
    int written;  /* next holds new values: the commit swaps */
    int elastic;  /* small ones whose owner copes with any length: those added empty, or resized since */
    int optional; /* set by the owner: files of before it may lack it, and it is zero then */

    /* Set by the owner, once it is added. */
    const struct state_range *range;  /* of all its numbers; NULL: whatever the type can hold */
    const struct state_field *fields; /* [count] of each; a file then has each as "state.NAME.FIELD"; NULL: none */
};

struct state;

struct state *state_new(void); /* NULL if out of memory */
void state_free(struct state *state);
size_t state_type_size(enum state_type type);
const char *state_type_name(enum state_type type); /* as safetensors says it: "F32" */

/* Adds a zeroed variable; NULL if the name is taken or memory is short (error says which).  The struct stays where it
 * is until it is removed; data and next of a big one change places at each commit, so that whoever keeps a pointer
 * keeps the struct's. */
struct variable *state_add(struct state *state, const char *name, enum state_type type, size_t count, int big,
                           struct error *error);
/* A big variable over memory that somebody else owns (a model's parameter slab): *data is the owner's pointer to a
 * buffer from memory_new.  next is allocated here; each commit that swaps also writes the owner's pointer,
 * so *data always is the accepted buffer.  When the variable or the state goes, the owner keeps *data, whichever of the
 * two buffers that is, and releases it with memory_free(); the other one is released here.  The owner must outlive the
 * variable and read its pointer afresh after each commit.  Adopted variables are not written to checkpoints: their
 * owner does that under names of its own. */
struct variable *state_adopt(struct state *state, const char *name, enum state_type type, size_t count, void **data,
                             struct error *error);
int state_is_adopted(const struct variable *variable);
struct variable *state_find(const struct state *state, const char *name);
/* Changes the length of a small variable (contents kept up to the shorter length, new numbers are zero). */
int state_resize(struct state *state, struct variable *variable, size_t count, struct error *error);
/* Gives every variable whose name begins with `prefix` a name that begins with `other` instead.  Nothing is changed
 * where memory is short; the new names must be free. */
int state_rename(struct state *state, const char *prefix, const char *other, struct error *error);
/* Removes every variable whose name begins with prefix: a layer that is dropped. */
void state_remove(struct state *state, const char *prefix);
size_t state_count(const struct state *state);
struct variable *state_at(const struct state *state, size_t k);

/* Parts of next that a batch does not write (buffers behind the parameters in a slab) must equal data: they do after
 * state_add, state_adopt, state_restore and state_load; after writing into data directly (weights read from a file),
 * state_sync makes it so again. */
void state_sync(struct state *state);

void state_begin(struct state *state);    /* cannot fail: the copies' memory is there already */
void state_commit(struct state *state);   /* swaps the written ones; clears the marks */
void state_rollback(struct state *state); /* small ones as at state_begin (if one is open), big ones unmarked */

/* A copy of everything (adopted variables too), for rewinding; NULL if out of memory. */
struct snapshot;
struct snapshot *state_save(const struct state *state);
/* Puts a copy back: names, types and lengths must match, except that small ones may differ in length (their owners'
 * doing).  On an error nothing has changed.  Ends an open transaction. */
int state_restore(struct state *state, const struct snapshot *snapshot, struct error *error);
size_t snapshot_size(const struct snapshot *snapshot);                        /* bytes it takes */
const void *snapshot_data(const struct snapshot *snapshot, const char *name); /* of a variable; NULL: there is none */
/* Takes the chosen variables as they are now into a snapshot of the same state; 0, or -1 if out of memory. */
int snapshot_renew(struct snapshot *snapshot, const struct state *state,
                   int (*chosen)(void *context, const struct variable *variable), void *context);
void snapshot_free(struct snapshot *snapshot);
uint64_t state_hash(const struct state *state); /* over names, types, lengths and bytes, in any order */

/* To and from a checkpoint, as tensors "state.NAME" of one dimension.  Reading says which variable is missing, of
 * another type or length (elastic ones may have any length: everybody else may rely on theirs) or out of its range, and
 * then has changed nothing; those that `skips` is true of (NULL: none) stay as they are. */
int state_store(const struct state *state, struct safetensors *file, struct error *error);
int state_load(struct state *state, const struct safetensors *file,
               int (*skips)(void *context, const struct variable *variable), void *context, struct error *error);
int state_stored(const struct safetensors *file, const struct variable *variable); /* it is there, whatever it is */
/* What an owner says of a variable that was loaded and cannot be: "the checkpoint's "state.NAME" ...". */
int state_refuse(const struct variable *variable, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
