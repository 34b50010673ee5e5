/* MetricsManager and its wrappers: the terms of a loss, and what is monitored.  Numeric evaluation is in float64 on
 * predictions, as torchmetrics does it; as a loss the same terms are emitted into the graph. */
#ifndef FETTLE_TRAIN_METRICS_H
#define FETTLE_TRAIN_METRICS_H

#include "config/node.h"
#include "data/frame/batch.h"
#include "graph/graph.h"
#include "model/model.h"
#include "train/core/state.h"

struct metrics;

/* Bytes of a metric's name: with a prefix, a type, or the name of another beside it, it stays below the 256 that
 * whoever keeps a name has room for. */
enum { METRIC_NAME_MOST = 100 };

/* Predictions for a batch, row-major float64; NULL where the model does not give it. */
struct prediction {
    const double *total_energy;  /* [frames] */
    const double *atomic_energy; /* [atoms] */
    const double *forces;        /* [atoms][3] */
    const double *stress;        /* [frames][9] */
    const double *virial;        /* [frames][9] */
};

/* config: the map with _target_ (nequip.train.MetricsManager, EnergyForceLoss, ...).  Accumulators over an epoch and
 * the coefficients go into `state` under prefix ("metrics.train_loss."): *sum, *count, *coefficients; with state NULL
 * the metrics keep them to themselves.  config may go once this returns; on an error the state is as before. */
int metrics_new(struct metrics **out, const struct config_node *config, int ntypes, const char *const *type_names,
                struct state *state, const char *prefix, struct error *error);
/* Names and types only; as_loss: whether each has a gradient, too. */
int metrics_check(const struct config_node *config, int as_loss, struct error *error);
void metrics_free(struct metrics *metrics); /* variables stay in the state until state_remove(prefix) */

/* Values are named and ordered as NequIP logs them (a per_type entry gives one for each type, then its own),
 * "weighted_sum" last where there are coefficients: setting the coefficients may bring or drop that last one, so that
 * arrays for values need metrics_count at most, metrics_max_count at any time. */
size_t metrics_count(const struct metrics *metrics);
size_t metrics_max_count(const struct metrics *metrics);
const char *metrics_name(const struct metrics *metrics, size_t k);
int metrics_has_weighted_sum(const struct metrics *metrics);

/* Terms: the entries of the manager (a per_type entry logs several values but is one term). */
size_t metrics_nterms(const struct metrics *metrics);
const char *metrics_term_name(const struct metrics *metrics, size_t k);
double metrics_coefficient(const struct metrics *metrics, size_t k); /* normalised; NaN where null */
size_t metrics_term_value(const struct metrics *metrics, size_t k);  /* which value is the term's own */
/* values[k] NaN for null; normalised to sum 1.  Where the sum is not above 0 all become null, as in NequIP. */
int metrics_set_coefficients(struct metrics *metrics, const double *values, struct error *error);
int metrics_find_term(const struct metrics *metrics, const char *name); /* -1 if there is none */

/* What must be labelled: field names ("total_energy", "forces", ...); and whether the model must predict one. */
size_t metrics_nfields(const struct metrics *metrics);
const char *metrics_field(const struct metrics *metrics, size_t k);
int metrics_predicts(const struct metrics *metrics, const char *field);
/* Forces, stress or virial: the model must be emitted with derivatives. */
int metrics_needs_derivatives(const struct metrics *metrics);
/* A frame that lacks a needed label (which frame, which key, which keys it has), has one of another shape, or a NaN
 * in one where NaN is not ignored. */
int metrics_check_frame(const struct metrics *metrics, const struct frame *frame, struct error *error);

/* Whether a term has a label in the batch at all: where it has none, because all are NaN and ignored, its value is NaN
 * and nothing is wrong. */
int metrics_has_labels(const struct metrics *metrics, size_t term, const struct batch *batch);
/* Whether such a number in a label makes a term NaN or infinite. */
int metrics_minds(const struct metrics *metrics, const char *field, double value);

/* One batch: its values into step_values (may be NULL), and into the epoch's accumulators.  A type that is absent, or
 * labels that are all NaN and ignored, give NaN (-inf for a maximum), as in NequIP. */
int metrics_update(struct metrics *metrics, const struct batch *batch, const struct prediction *prediction,
                   double *step_values, struct error *error);
void metrics_compute(const struct metrics *metrics, double *values); /* over the epoch so far */
/* Why value k of those that metrics_compute has just given is NaN or infinite, in words behind its name; 1 where that
 * is another of them. */
int metrics_explain(const struct metrics *metrics, size_t k, const double *values, struct text *out);
void metrics_reset(struct metrics *metrics);

/* As a loss: terms[k] is the unweighted value of term k for a batch, [1,1] float64.  Labels are inputs "target:FIELD".
 * The weighted sum is the caller's: sum of coefficient * term, the coefficients being run-time inputs.  Where a batch
 * has no label for a term the term is NaN (as in NequIP) and its gradient 0. */
int metrics_emit(const struct metrics *metrics, struct graph *graph, const struct model_outputs *model,
                 struct node **terms, struct error *error);

#endif
