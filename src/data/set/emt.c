#include "data/set/emt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"

static const double bohr = 0.5291772105638411; /* A; as ASE has it (CODATA 2014) */
static const double beta = 1.809;

/* E0 (eV), s0 (bohr), V0 (eV), eta2, kappa, lambda (1/bohr), n0 (1/bohr^3); mass (atomic mass unit). */
static const struct parameters {
    int number;
    double e0, s0, v0, eta2, kappa, lambda, n0, mass;
} table[] = {{13, -3.28, 3.00, 1.493, 1.240, 2.000, 1.169, 0.00700, 26.9815385},
             {29, -3.51, 2.67, 2.476, 1.652, 2.740, 1.906, 0.00910, 63.546},
             {47, -2.96, 3.01, 2.132, 1.652, 2.790, 1.892, 0.00547, 107.8682},
             {79, -3.80, 3.00, 2.321, 1.674, 2.873, 2.182, 0.00703, 196.966569},
             {28, -4.44, 2.60, 3.673, 1.669, 2.757, 1.948, 0.01030, 58.6934},
             {46, -3.90, 2.87, 2.773, 1.818, 3.107, 2.155, 0.00688, 106.42},
             {78, -5.85, 2.90, 4.067, 1.812, 3.145, 2.192, 0.00802, 195.084},
             {1, -3.21, 1.31, 0.132, 2.652, 2.790, 3.892, 0.00547, 1.008},
             {6, -3.50, 1.81, 0.332, 1.652, 2.790, 1.892, 0.01322, 12.011},
             {7, -5.10, 1.88, 0.132, 1.652, 2.790, 1.892, 0.01222, 14.007},
             {8, -4.60, 1.95, 0.332, 1.652, 2.790, 1.892, 0.00850, 15.999}};

enum { ELEMENTS = sizeof table / sizeof *table, PAIRS_AT_ONCE = 1 << 16 };

/* An element in eV and A, and what follows from its parameters. */
struct emt_element {
    double e0, s0, v0, eta2, kappa, lambda, n0;
    double inv12gamma1, half_v0_over_gamma2;
};

struct emt {
    double cutoff; /* midpoint of the smoothing function, A */
    double reach;  /* beyond this there is nothing */
    double slope;  /* of the smoothing function, 1/A */
    struct emt_element elements[ELEMENTS];
    /* scratch, kept between calls */
    struct frame *frame;
    int capacity;
    double *sigma1, *deds;
    int *kind;
};

static int kind_of(int number) {
    for (int k = 0; k < ELEMENTS; k++)
        if (table[k].number == number)
            return k;
    return -1;
}

int emt_supports(int number) {
    return kind_of(number) >= 0;
}

double emt_lattice_constant(int number) {
    int k = kind_of(number);
    return k < 0 ? 0 : sqrt(2) * beta * table[k].s0 * bohr;
}

double emt_mass(int number) {
    int k = kind_of(number);
    return k < 0 ? 0 : table[k].mass;
}

static double smoothing(const struct emt *emt, double r) {
    return 1 / (1 + exp(emt->slope * (r - emt->cutoff)));
}

struct emt *emt_new(void) {
    struct emt *emt = calloc(1, sizeof *emt);
    if (!emt)
        return NULL;
    double largest = 0;
    for (int k = 0; k < ELEMENTS; k++)
        largest = fmax(largest, table[k].s0 * bohr);
    /* half way between the third and the fourth shell of the largest element's fcc crystal; 1e-4 at the fourth */
    double first = beta * largest, fourth = 2 * first;
    emt->cutoff = first * 0.5 * (sqrt(3) + 2);
    emt->slope = log(1e4 - 1) / (fourth - emt->cutoff);
    emt->reach = emt->cutoff + 0.5;
    for (int k = 0; k < ELEMENTS; k++) {
        const struct parameters *p = &table[k];
        struct emt_element *e = &emt->elements[k];
        *e = (struct emt_element){.e0 = p->e0,
                                  .s0 = p->s0 * bohr,
                                  .v0 = p->v0,
                                  .eta2 = p->eta2 / bohr,
                                  .kappa = p->kappa / bohr,
                                  .lambda = p->lambda / bohr,
                                  .n0 = p->n0 / (bohr * bohr * bohr)};
        static const double shell[3] = {12, 6, 24};
        double gamma1 = 0, gamma2 = 0;
        for (int n = 0; n < 3; n++) {
            double r = beta * e->s0 * sqrt(n + 1.0), x = shell[n] / 12 * smoothing(emt, r);
            gamma1 += x * exp(-e->eta2 * (r - beta * e->s0));
            gamma2 += x * exp(-e->kappa / beta * (r - beta * e->s0));
        }
        e->inv12gamma1 = 1 / (12 * gamma1);
        e->half_v0_over_gamma2 = 0.5 * e->v0 / gamma2;
    }
    return emt;
}

void emt_free(struct emt *emt) {
    if (!emt)
        return;
    frame_free(emt->frame);
    free(emt->sigma1);
    free(emt->deds);
    free(emt->kind);
    free(emt);
}

/* A private copy of the atoms, with pairs within reach. */
static int prepare(struct emt *emt, const struct frame *frame, struct error *error) {
    int n = frame->atoms;
    char label[300];
    if (n > emt->capacity || !emt->frame) {
        size_t size = n > 0 ? (size_t)n : 1;
        frame_free(emt->frame);
        free(emt->sigma1);
        free(emt->deds);
        free(emt->kind);
        emt->frame = frame_new(n);
        emt->sigma1 = malloc(size * sizeof *emt->sigma1);
        emt->deds = malloc(size * sizeof *emt->deds);
        emt->kind = malloc(size * sizeof *emt->kind);
        emt->capacity = emt->frame ? n : 0;
        if (!emt->frame || !emt->sigma1 || !emt->deds || !emt->kind) {
            frame_free(emt->frame);
            emt->frame = NULL;
            return error_memory(error);
        }
    }
    struct frame *copy = emt->frame;
    copy->atoms = n;
    memcpy(copy->pos, frame->pos, (size_t)n * 3 * sizeof *copy->pos);
    memcpy(copy->symbols, frame->symbols, (size_t)n * sizeof *copy->symbols);
    memcpy(copy->cell, frame->cell, sizeof copy->cell);
    memcpy(copy->pbc, frame->pbc, sizeof copy->pbc);
    copy->has_cell = frame->has_cell;
    copy->source = frame->source;
    copy->ordinal = frame->ordinal;
    for (int i = 0; i < n; i++) {
        emt->sigma1[i] = emt->deds[i] = 0;
        emt->kind[i] = kind_of(frame->numbers[i]);
        if (emt->kind[i] < 0)
            return error_set(error, ERROR_DATA,
                             "%s: EMT has no parameters for %s (it has Al Cu Ag Au Ni Pd Pt H C N O)",
                             frame_label(frame, label, sizeof label), frame->symbols[i]);
    }
    return frame_neighbours(copy, emt->reach, 0, 0, error);
}

/* What a pair adds: densities that i and j feel, and the pair energy's two parts, with the sums of their logarithmic
 * derivatives by r. */
struct pair_terms {
    double d[3], inverse_r;
    double sigma1_i, sigma1_j, dsigma1_i, dsigma1_j;
    double energy, denergy;
};

static void evaluate_pair(const struct emt *emt, int p, struct pair_terms *out) {
    const struct frame *frame = emt->frame;
    int i = frame->pair_i[p], j = frame->pair_j[p];
    const int *s = &frame->pair_shift[3 * p];
    const struct emt_element *a = &emt->elements[emt->kind[i]], *b = &emt->elements[emt->kind[j]];
    double r2 = 0;
    for (int c = 0; c < 3; c++) {
        out->d[c] = frame->pos[3 * j + c] - frame->pos[3 * i + c] + s[0] * frame->cell[c] + s[1] * frame->cell[3 + c] +
                    s[2] * frame->cell[6 + c];
        r2 += out->d[c] * out->d[c];
    }
    double r = sqrt(r2), w = smoothing(emt, r), slope = emt->slope * (w - 1);
    double chi = b->n0 / a->n0;
    out->inverse_r = 1 / r;
    out->sigma1_i = exp(-b->eta2 * (r - beta * b->s0)) * chi * w;
    out->sigma1_j = exp(-a->eta2 * (r - beta * a->s0)) / chi * w;
    out->dsigma1_i = out->sigma1_i * (slope - b->eta2);
    out->dsigma1_j = out->sigma1_j * (slope - a->eta2);
    double ei = -a->half_v0_over_gamma2 * exp(-b->kappa * (r / beta - b->s0)) * chi * w;
    double ej = -b->half_v0_over_gamma2 * exp(-a->kappa * (r / beta - a->s0)) / chi * w;
    out->energy = ei + ej;
    out->denergy = ei * (slope - b->kappa / beta) + ej * (slope - a->kappa / beta);
}

int emt_evaluate(struct emt *emt, const struct frame *frame, double *energy, double *forces, double *stress,
                 struct error *error) {
    struct pair_terms pair;
    int code = interrupt_check(error);
    if (!code)
        code = prepare(emt, frame, error);
    if (code)
        return code;
    const struct frame *copy = emt->frame;
    double total = 0, virial[9] = {0}, volume = frame_volume(frame);
    for (int p = 0; p < copy->npairs; p++) {
        if (p % PAIRS_AT_ONCE == PAIRS_AT_ONCE - 1 && (code = interrupt_check(error)))
            return code;
        evaluate_pair(emt, p, &pair);
        emt->sigma1[copy->pair_i[p]] += pair.sigma1_i;
        emt->sigma1[copy->pair_j[p]] += pair.sigma1_j;
        total += pair.energy;
    }
    for (int i = 0; i < frame->atoms; i++) {
        const struct emt_element *e = &emt->elements[emt->kind[i]];
        total -= e->e0; /* zero of energy: the crystal */
        if (!(emt->sigma1[i] > 0))
            continue; /* alone */
        double s = -log(emt->sigma1[i] * e->inv12gamma1) / (beta * e->eta2), x = e->lambda * s;
        double cohesive = e->e0 * exp(-x), shell = 6 * e->v0 * exp(-e->kappa * s);
        total += cohesive * (1 + x) + shell;
        emt->deds[i] = (cohesive * e->lambda * x + e->kappa * shell) / (beta * e->eta2 * emt->sigma1[i]);
    }
    *energy = total;
    if (forces)
        memset(forces, 0, (size_t)frame->atoms * 3 * sizeof *forces);
    for (int p = 0; p < copy->npairs && (forces || stress); p++) {
        if (p % PAIRS_AT_ONCE == PAIRS_AT_ONCE - 1 && (code = interrupt_check(error)))
            return code;
        evaluate_pair(emt, p, &pair);
        int i = copy->pair_i[p], j = copy->pair_j[p];
        double f = (emt->deds[i] * pair.dsigma1_i + emt->deds[j] * pair.dsigma1_j + pair.denergy) * pair.inverse_r;
        for (int c = 0; c < 3; c++) {
            if (forces) {
                forces[3 * i + c] += f * pair.d[c];
                forces[3 * j + c] -= f * pair.d[c];
            }
            for (int k = 0; k < 3; k++)
                virial[3 * c + k] += f * pair.d[c] * pair.d[k];
        }
    }
    for (int k = 0; stress && k < 9; k++)
        stress[k] = volume > 0 ? virial[k] / volume : 0;
    return 0;
}

int emt_label(struct emt *emt, struct frame *frame, struct error *error) {
    double energy, stress[9];
    double *forces = frame_set_field(frame, "forces", 1, 3, NULL);
    if (!forces)
        return error_memory(error);
    int code = emt_evaluate(emt, frame, &energy, forces, stress, error);
    if (code)
        return code;
    if (!frame_set_field(frame, "total_energy", 0, 1, &energy))
        return error_memory(error);
    int periodic = frame->has_cell && frame->pbc[0] && frame->pbc[1] && frame->pbc[2];
    if (periodic && !frame_set_field(frame, "stress", 0, 9, stress))
        return error_memory(error);
    return 0;
}
