/* What a phase has brought, for a person who goes through a batch step by step. */
#include <math.h>
#include <string.h>

#include "train/core/state.h"
#include "train/core/vector.h"
#include "train/metric/metrics.h"
#include "train/metric/metrics_entry.h"
#include "train/run/composition.h"
#include "train/run/loop.h"
#include "train/run/phases.h"
#include "train/run/programs.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

/* ---------------------------------------------------------------- gradients */

/* All dot products of up to VECTORS_MOST gradients, [count][count]; 0 if there is no memory for them. */
static int multiply(const struct trainer *trainer, int count, void *const (*slabs)[DTYPE_COUNT], double *products) {
    struct vectors vectors = {.count = count};
    for (int d = 0; d < DTYPE_COUNT; d++) {
        vectors.counts[d] = model_trainable_size(trainer->model, (enum dtype)d);
        for (int k = 0; k < count; k++)
            vectors.part[k][d] = slabs[k][d];
    }
    return !vectors_products(trainer->team, &vectors, products);
}

static double norm_of(const struct trainer *trainer, void *const slabs[DTYPE_COUNT]) {
    double product;
    return multiply(trainer, 1, (void *const(*)[DTYPE_COUNT])slabs, &product) ? sqrt(product) : NAN;
}

static const char *term_name(const struct trainer *trainer, int gradient) {
    return metrics_term_name(trainer->evaluation.loss, (size_t)trainer->evaluation.train.active[gradient]);
}

/* What was differentiated: the weighted sum, or the one term of it that has a weight. */
static const char *sum_name(const struct trainer *trainer) {
    int weighted = 0, last = 0;
    for (int k = 0; k < trainer->evaluation.train.nactive; k++)
        if (trainer->evaluation.coefficients[trainer->evaluation.train.active[k]] != 0) {
            weighted++;
            last = k;
        }
    return weighted == 1 ? term_name(trainer, last) : "weighted_sum";
}

static void show_backward(const struct trainer *trainer, struct text *out) {
    int gradient = trainer->evaluation.gradients - 1, separate = trainer->evaluation.train.separate;
    if (gradient < 0)
        return;
    void *const *slabs =
        separate ? trainer->weights.term_grads[trainer->evaluation.train.active[gradient]] : trainer->weights.grads;
    text_format(out, "gradient of %s: norm %.6g\n", separate ? term_name(trainer, gradient) : sum_name(trainer),
                norm_of(trainer, slabs));
}

/* Cosines between the terms' gradients, and with what they became. */
static void show_cosines(const struct trainer *trainer, struct text *out) {
    int n = trainer->evaluation.train.nactive;
    void *slabs[MAX_TERMS + 1][DTYPE_COUNT];
    double products[(MAX_TERMS + 1) * (MAX_TERMS + 1)];
    if (n + 1 > VECTORS_MOST)
        return;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        for (int k = 0; k < n; k++)
            slabs[k][d] = trainer->weights.term_grads[trainer->evaluation.train.active[k]][d];
        slabs[n][d] = trainer->weights.grads[d];
    }
    if (!multiply(trainer, n + 1, (void *const(*)[DTYPE_COUNT])slabs, products))
        return;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j <= n; j++) {
            double scale = sqrt(products[i * (n + 1) + i] * products[j * (n + 1) + j]);
            text_format(out, "cosine of %s with %s: %.4f\n", term_name(trainer, i),
                        j < n ? term_name(trainer, j) : "the result",
                        scale > 0 ? products[i * (n + 1) + j] / scale : 0);
        }
}

static void show_combine(const struct trainer *trainer, struct text *out) {
    if (trainer->evaluation.train.separate)
        show_cosines(trainer, out);
    text_format(out, "gradient: norm %.6g", norm_of(trainer, trainer->weights.grads));
    if (callbacks_accumulate(trainer) > 1)
        text_format(out, ", the sum of %lld batches", (long long)cursor_of(trainer)->window + 1);
    text_add(out, "\n");
}

static void show_clip(const struct trainer *trainer, struct text *out) {
    double norm = norm_of(trainer, trainer->weights.grads);
    if (trainer->weights.grad_limit > 0)
        text_format(out, "norm %.6g, components limited to %g\n", norm, trainer->weights.grad_limit);
    else if (trainer->weights.grad_scale < 1)
        text_format(out, "norm %.6g before, %.6g after\n", norm, norm * trainer->weights.grad_scale);
    else
        text_format(out, "norm %.6g, as it was\n", norm);
}

/* ---------------------------------------------------------------- predictions and loss */

static void show_values(const char *name, const double *values, long rows, int cols, const char *unit,
                        struct text *out) {
    double least = INFINITY, most = -INFINITY;
    long bad = 0;
    if (!values)
        return;
    for (long k = 0; k < rows * cols; k++) {
        bad += !isfinite(values[k]);
        least = values[k] < least ? values[k] : least;
        most = values[k] > most ? values[k] : most;
    }
    text_format(out, "%s [%ld, %d] from %.6g to %.6g %s", name, rows, cols, least, most, unit);
    if (bad)
        text_format(out, ", %ld not finite", bad);
    text_add(out, "\n");
}

static void show_predictions(const struct trainer *trainer, struct text *out) {
    const struct prediction *prediction = &trainer->evaluation.prediction;
    const struct batch *batch = trainer->batches.now;
    show_values("total_energy", prediction->total_energy, batch->frames, 1, "eV", out);
    show_values("atomic_energy", prediction->atomic_energy, batch->atoms, 1, "eV", out);
    show_values("forces", prediction->forces, batch->atoms, 3, "eV/A", out);
    show_values("stress", prediction->stress, batch->frames, 9, "eV/A^3", out);
    show_values("virial", prediction->virial, batch->frames, 9, "eV", out);
}

static void show_loss(const struct trainer *trainer, struct text *out) {
    const struct metrics *loss = trainer->evaluation.loss;
    for (size_t k = 0; k < metrics_nterms(loss); k++) {
        double coefficient = metrics_coefficient(loss, k);
        text_format(out, "%s %.6g", metrics_term_name(loss, k),
                    trainer->evaluation.values.loss[metrics_term_value(loss, k)]);
        if (isnan(coefficient))
            text_add(out, ", without a coefficient\n");
        else
            text_format(out, ", coefficient %.6g\n", coefficient);
    }
    if (metrics_has_weighted_sum(loss))
        text_format(out, "weighted_sum %.6g\n", loop_loss(trainer));
}

/* ---------------------------------------------------------------- what was written */

/* How far next, where it was written, is from data: both norms; 0 if nothing was. */
static int distance(struct variable *const variables[DTYPE_COUNT], double *moved, double *norm) {
    double square = 0, all = 0;
    int any = 0;
    for (int d = 0; d < DTYPE_COUNT; d++) {
        const struct variable *v = variables[d];
        if (!v || !v->written)
            continue;
        any = 1;
        for (size_t k = 0; k < v->count; k++) {
            double old = v->type == STATE_F32 ? (double)((const float *)v->data)[k] : ((const double *)v->data)[k];
            double new = v->type == STATE_F32 ? (double)((const float *)v->next)[k] : ((const double *)v->next)[k];
            square += (new - old) * (new - old);
            all += old * old;
        }
    }
    *moved = sqrt(square);
    *norm = sqrt(all);
    return any;
}

static void show_optimizer(const struct trainer *trainer, struct text *out) {
    double moved, norm;
    if (distance(trainer->weights.parameters, &moved, &norm))
        text_format(out, "weights: norm %.6g, moved by %.6g (%.3g of it), lr %g\n", norm, moved,
                    norm > 0 ? moved / norm : 0, *(const double *)trainer->optimizer.lr->data);
}

/* What the layers that act after a step have written, whatever they are. */
static void show_average(const struct trainer *trainer, struct text *out) {
    int any = 0;
    for (int l = 0; l < trainer->composition.nlayers; l++) {
        const struct technique *kind = trainer->composition.layers[l].kind;
        size_t size = strlen(kind->name);
        for (size_t k = 0; kind->after_step && k < state_count(trainer->state); k++) {
            struct variable *v = state_at(trainer->state, k);
            double moved, norm;
            if (v->big && !strncmp(v->name, kind->name, size) && v->name[size] == '.' &&
                distance((struct variable *[DTYPE_COUNT]){v}, &moved, &norm)) {
                text_format(out, "%s: norm %.6g, moved by %.6g\n", v->name, norm, moved);
                any = 1;
            }
        }
    }
    if (!any)
        text_add(out, "nothing: no layer of this training module acts after a step\n");
}

static void show_logged(const struct trainer *trainer, const char *prefix, struct text *out) {
    for (size_t k = 0; k < trainer->log.history.count; k++) {
        const char *name = trainer->log.history.names[k];
        if (!strncmp(name, prefix, strlen(prefix)) && strstr(name, "_epoch/"))
            text_format(out, "%s %.6g\n", name, trainer->log.history.values[k]);
    }
}

void trainer_brought(const struct trainer *trainer, enum phase done, struct text *out) {
    const struct batch *batch = trainer->batches.now;
    switch (done) {
    case PHASE_LOAD:
        text_format(out, "%d frames, %d atoms, %d edges\n", batch->frames, batch->atoms, batch->edges);
        break;
    case PHASE_FORWARD:
        show_predictions(trainer, out);
        break;
    case PHASE_LOSS:
        show_loss(trainer, out);
        break;
    case PHASE_BACKWARD:
        show_backward(trainer, out);
        break;
    case PHASE_COMBINE:
        show_combine(trainer, out);
        break;
    case PHASE_CLIP:
        show_clip(trainer, out);
        break;
    case PHASE_OPTIMIZER:
        show_optimizer(trainer, out);
        break;
    case PHASE_AVERAGE:
        show_average(trainer, out);
        break;
    case PHASE_VALIDATE:
        show_logged(trainer, "val", out);
        break;
    case PHASE_EPOCH_END:
        show_logged(trainer, "train", out);
        break;
    default:
        break;
    }
}

/* ---------------------------------------------------------------- values of the batch under way */

static int find(const struct metrics *metrics, const double *values, const char *prefix, const char *name,
                double *value) {
    size_t size = strlen(prefix);
    for (size_t k = 0; metrics && !strncmp(name, prefix, size) && k < metrics_count(metrics); k++)
        if (!strcmp(metrics_name(metrics, k), name + size)) {
            *value = values[k];
            return 1;
        }
    return 0;
}

int trainer_under_way(const struct trainer *trainer, const char *name, double *value) {
    if (!trainer->position.open || cursor_of(trainer)->phase < PHASE_BACKWARD)
        return 0;
    return find(trainer->evaluation.loss, trainer->evaluation.values.loss, "train_loss_step/", name, value) ||
           find(trainer->evaluation.train_metrics, trainer->evaluation.values.metrics, "train_metric_step/", name,
                value);
}
