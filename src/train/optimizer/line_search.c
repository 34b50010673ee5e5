#include "train/optimizer/line_search.h"

#include <math.h>
#include <string.h>

#include "train/core/dot.h"

static const double ARMIJO = 1e-4, CURVATURE = 0.9, TOLERANCE = 1e-9;

/* A point of the line; its gradient is in one of the room's vectors. */
struct point {
    double t, f, slope, *g;
};

void line_search_room(struct line_search_room *out, double *memory, size_t count) {
    for (int k = 0; k < LINE_SEARCH_ROOM; k++)
        out->vector[k] = memory + (size_t)k * count;
}

/* Where the cubic through two points with these slopes is least, within bounds. */
static double interpolate(const struct point *a, const struct point *b, double least, double most) {
    double d1 = a->slope + b->slope - 3 * (a->f - b->f) / (a->t - b->t), square = d1 * d1 - a->slope * b->slope, at;
    if (!(square >= 0))
        return (least + most) / 2.0;
    double d2 = sqrt(square);
    if (a->t <= b->t)
        at = b->t - (b->t - a->t) * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2));
    else
        at = a->t - (a->t - b->t) * ((a->slope + d2 - d1) / (a->slope - b->slope + 2 * d2));
    at = least > at ? least : at;
    return most < at ? most : at;
}

static int evaluate(struct line_search *search, const double *d, double t, struct point *out, struct error *error) {
    out->t = t;
    int code = search->evaluate(search->context, t, &out->f, out->g, error);
    search->evaluations++;
    if (!code)
        out->slope = dot(F64, out->g, d, 0, search->count);
    return code;
}

/* Changes places, vectors included. */
static void swap(struct point *a, struct point *b) {
    struct point kept = *a;
    *a = *b;
    *b = kept;
}

struct bracket {
    struct point end[2], trial; /* three points for three vectors */
    int single;                 /* end[0] is the result */
};

/* Goes out until two points have one between them. */
static int widen(struct line_search *search, const struct point *start, const double *d, double t,
                 struct bracket *bracket, int64_t *iterations, struct error *error) {
    struct point *previous = &bracket->end[0], *now = &bracket->end[1];
    int code = evaluate(search, d, t, now, error);
    for (; !code && *iterations < search->most; ++*iterations) {
        if (now->f > start->f + ARMIJO * now->t * start->slope || (*iterations > 1 && now->f >= previous->f))
            return 0;
        if (fabs(now->slope) <= -CURVATURE * start->slope) {
            swap(previous, now);
            bracket->single = 1;
            return 0;
        }
        if (now->slope >= 0)
            return 0;
        double least = now->t + 0.01 * (now->t - previous->t), most = now->t * 10;
        double next = interpolate(previous, now, least, most);
        swap(previous, now);
        code = evaluate(search, d, next, now, error);
    }
    if (!code) { /* from the start on */
        double *g = previous->g;
        memcpy(g, start->g, search->count * sizeof *g);
        *previous = *start;
        previous->g = g;
    }
    return code;
}

/* A length within the bracket, not too near its ends twice in a row. */
static double choose(const struct point *a, const struct point *b, int *stuck) {
    double least = fmin(a->t, b->t), most = fmax(a->t, b->t), t = interpolate(a, b, least, most);
    double margin = 0.1 * (most - least);
    if (!(fmin(most - t, t - least) < margin)) {
        *stuck = 0;
    } else if (*stuck || t >= most || t <= least) {
        t = fabs(t - most) < fabs(t - least) ? most - margin : least + margin;
        *stuck = 0;
    } else {
        *stuck = 1;
    }
    return t;
}

static double largest(const double *x, size_t count) {
    double most = 0;
    for (size_t k = 0; k < count; k++)
        most = fabs(x[k]) > most ? fabs(x[k]) : most;
    return most;
}

static int narrow(struct line_search *search, const struct point *start, const double *d, struct bracket *bracket,
                  int64_t *iterations, int *low, struct error *error) {
    struct point *end = bracket->end, *trial = &bracket->trial;
    double size = largest(d, search->count);
    int stuck = 0, done = 0, code = 0;
    *low = end[0].f <= end[1].f ? 0 : 1;
    while (!code && !done && *iterations < search->most && !(fabs(end[1].t - end[0].t) * size < TOLERANCE)) {
        if ((code = evaluate(search, d, choose(&end[0], &end[1], &stuck), trial, error)))
            break;
        ++*iterations;
        if (trial->f > start->f + ARMIJO * trial->t * start->slope || trial->f >= end[*low].f) {
            swap(&end[!*low], trial);
            *low = end[0].f <= end[1].f ? 0 : 1;
            continue;
        }
        if (fabs(trial->slope) <= -CURVATURE * start->slope)
            done = 1;
        else if (trial->slope * (end[!*low].t - end[*low].t) >= 0)
            swap(&end[!*low], &end[*low]);
        swap(&end[*low], trial);
    }
    return code;
}

int line_search(struct line_search *search, const double *d, double slope, double *t, double *loss, double *g,
                struct error *error) {
    const struct point start = {0, *loss, slope, g};
    struct bracket bracket = {{{0, *loss, slope, search->room->vector[0]}, {.g = search->room->vector[1]}},
                              {.g = search->room->vector[2]},
                              0};
    int64_t iterations = 0;
    int low = 0;
    search->evaluations = 0;
    memcpy(bracket.end[0].g, g, search->count * sizeof *g);
    int code = widen(search, &start, d, *t, &bracket, &iterations, error);
    if (!code && !bracket.single)
        code = narrow(search, &start, d, &bracket, &iterations, &low, error);
    if (code)
        return code;
    *t = bracket.end[low].t;
    *loss = bracket.end[low].f;
    memcpy(g, bracket.end[low].g, search->count * sizeof *g);
    return 0;
}
