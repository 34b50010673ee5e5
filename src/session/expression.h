/* Expressions over the numbers of a run, compiled once and evaluated after each batch.
 *
 *     or | and | not | < <= > >= == != | + - | * / | unary - | ^ | numbers, names, ( ), functions
 *
 * A name is a metric ("val0_epoch/forces_mae", or its end "forces_mae" where only one has it), a setting ("lr",
 * "config_norm.forces_mse"), or epoch, step, batch.  The longest known name is taken, so "a/b" is a name where there is
 * one and a quotient where there is none; a name in quotes is taken as it stands.  What has no value yet is NaN, and a
 * comparison with NaN is false.
 * Functions: abs sqrt exp log log10 of a number; nan(x): 1 if x is NaN or infinite; min and max of two numbers; and of
 * the history of a name over its last n values: min(name, n), max(name, n), mean(name, n), ema(name, n), delta(name, n)
 * (n may be left out of delta: 1).  The history is that of series: losses of each batch, what is logged, lr, and any
 * other name from when an expression that asks for its history is made a stop point or a display. */
#ifndef FETTLE_SESSION_EXPRESSION_H
#define FETTLE_SESSION_EXPRESSION_H

#include "base/error.h"
#include "session/series.h"

struct expression;

struct expression_scope {
    void *context;
    /* The full name that is meant, into out[256]; 0 if there is one, else an error code and the nearest name in error
     * (which may be NULL). */
    int (*resolve)(void *context, const char *name, char *out, struct error *error);
    double (*value)(void *context, const char *name);                /* of a full name; NaN where there is none yet */
    const struct series *(*series)(void *context, const char *name); /* NULL where there is none yet */
};

/* The scope must live as long as the expression.  Errors say the column (from 1). */
int expression_new(struct expression **out, const char *text, const struct expression_scope *scope,
                   struct error *error);
/* Its numbers are those of this scope from now on, which must live as long; names stay as they were resolved. */
void expression_bind(struct expression *expression, const struct expression_scope *scope);
void expression_free(struct expression *expression);
double expression_value(const struct expression *expression);
const char *expression_text(const struct expression *expression);
/* Calls with each name whose history it asks for. */
void expression_histories(const struct expression *expression, void (*call)(void *context, const char *name),
                          void *context);

#endif
