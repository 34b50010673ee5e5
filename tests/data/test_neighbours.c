#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/frame/frame.h"
#include "support.h"

struct edge {
    int v[5]; /* i, j, shift */
};

static int edge_order(const void *left, const void *right) {
    const struct edge *a = left, *b = right;
    for (int k = 0; k < 5; k++)
        if (a->v[k] != b->v[k])
            return a->v[k] < b->v[k] ? -1 : 1;
    return 0;
}

struct edges {
    size_t count, capacity;
    struct edge *list;
};

static void add(struct edges *edges, int i, int j, int a, int b, int c) {
    if (edges->count == edges->capacity) {
        edges->capacity = edges->capacity ? 2 * edges->capacity : 1024;
        edges->list = realloc(edges->list, edges->capacity * sizeof *edges->list);
    }
    edges->list[edges->count++] = (struct edge){{i, j, a, b, c}};
}

/* Every image within a box that is surely large enough. */
static struct edges brute_force(const struct frame *frame, double r_max) {
    struct edges edges = {0};
    const double *h = frame->cell;
    double volume = frame_volume(frame);
    int most[3];
    for (int d = 0; d < 3; d++) {
        const double *u = h + 3 * ((d + 1) % 3), *w = h + 3 * ((d + 2) % 3);
        double n[3] = {u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]};
        double height = volume / sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
        most[d] = frame->pbc[d] ? (int)ceil(r_max / height) + 4 : 0;
    }
    for (int i = 0; i < frame->atoms; i++)
        for (int j = 0; j < frame->atoms; j++)
            for (int a = -most[0]; a <= most[0]; a++)
                for (int b = -most[1]; b <= most[1]; b++)
                    for (int c = -most[2]; c <= most[2]; c++) {
                        if (i == j && !a && !b && !c)
                            continue;
                        double r2 = 0;
                        for (int k = 0; k < 3; k++) {
                            double r =
                                frame->pos[3 * j + k] - frame->pos[3 * i + k] + a * h[k] + b * h[3 + k] + c * h[6 + k];
                            r2 += r * r;
                        }
                        if (sqrt(r2) <= r_max)
                            add(&edges, i, j, a, b, c);
                    }
    if (edges.count)
        qsort(edges.list, edges.count, sizeof *edges.list, edge_order);
    return edges;
}

/* The edges that a pair list stands for; the list must be sorted by i and j. */
static struct edges expand(const struct frame *frame) {
    struct edges edges = {0};
    for (int p = 0; p < frame->npairs; p++) {
        const int *s = &frame->pair_shift[3 * p], i = frame->pair_i[p], j = frame->pair_j[p];
        add(&edges, i, j, s[0], s[1], s[2]);
        if (!frame->directed) {
            cr_assert_leq(i, j);
            add(&edges, j, i, -s[0], -s[1], -s[2]);
        }
        if (p)
            cr_assert(frame->pair_i[p - 1] < i || (frame->pair_i[p - 1] == i && frame->pair_j[p - 1] <= j));
    }
    if (edges.count)
        qsort(edges.list, edges.count, sizeof *edges.list, edge_order);
    return edges;
}

static void compare(struct frame *frame, double r_max, const char *what) {
    struct error error = {0};
    struct edges expected = brute_force(frame, r_max);
    for (int directed = 0; directed < 2; directed++) {
        int code = frame_neighbours(frame, r_max, directed, 0, &error);
        cr_assert_eq(code, 0, "%s", error.message);
        struct edges found = expand(frame);
        cr_assert_eq(found.count, expected.count, "%s: %zu edges, not %zu", what, found.count, expected.count);
        for (size_t k = 0; k < found.count; k++)
            cr_assert_eq(edge_order(&found.list[k], &expected.list[k]), 0, "%s", what);
        free(found.list);
    }
    /* the same through the conversion */
    struct frame *copy = frame_copy(frame);
    frame_neighbours(frame, r_max, 0, 0, &error);
    cr_assert_eq(frame_make_directed(frame, &error), 0);
    cr_assert_eq(frame->npairs, copy->npairs);
    cr_assert_arr_eq(frame->pair_i, copy->pair_i, (size_t)copy->npairs * sizeof(int));
    cr_assert_arr_eq(frame->pair_j, copy->pair_j, (size_t)copy->npairs * sizeof(int));
    cr_assert_arr_eq(frame->pair_shift, copy->pair_shift, (size_t)copy->npairs * 3 * sizeof(int));
    frame_free(copy);
    free(expected.list);
}

ParameterizedTestParameters(neighbours, brute_force) {
    static int pbc[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return cr_make_param_array(int, pbc, 8);
}

ParameterizedTest(int *pbc, neighbours, brute_force) {
    static const struct {
        int atoms;
        double size, shear, r_max;
    } cases[] = {{12, 5, 0, 3},    {20, 8, 0.3, 3},    {3, 2.5, 0.4, 5}, /* smaller than the cutoff */
                 {1, 2, 0.6, 4.5}, {40, 20, 0.5, 2.5}, {60, 9, 0.8, 2},  {5, 30, 0, 4}};
    struct random_stream stream;
    random_seed(&stream, 1000 + (uint64_t)*pbc);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int repeat = 0; repeat < 4; repeat++) {
            char what[80];
            snprintf(what, sizeof what, "case %zu, repetition %d, pbc %d", k, repeat, *pbc);
            struct frame *frame = random_frame(&stream, cases[k].atoms, cases[k].size, cases[k].shear, (unsigned)*pbc);
            if (frame_volume(frame) > 0.2 * pow(cases[k].size, 3))
                compare(frame, cases[k].r_max, what);
            frame_free(frame);
        }
}

Test(neighbours, molecule_without_cell) {
    struct random_stream stream;
    random_seed(&stream, 7);
    struct frame *frame = random_frame(&stream, 30, 6, 0, 0);
    memset(frame->cell, 0, sizeof frame->cell);
    frame->has_cell = 0;
    compare(frame, 2.5, "no cell");
    frame_free(frame);
}

/* Vectors along directions that are not periodic do not matter, whatever they are. */
Test(neighbours, idle_vectors) {
    struct random_stream stream;
    random_seed(&stream, 8);
    struct frame *frame = random_frame(&stream, 15, 4, 0.2, 3), *copy = frame_copy(frame);
    struct error error = {0};
    memset(copy->cell + 6, 0, 3 * sizeof *copy->cell);
    cr_assert_eq(frame_neighbours(frame, 5, 0, 0, &error), 0);
    cr_assert_eq(frame_neighbours(copy, 5, 0, 0, &error), 0, "%s", error.message);
    cr_assert_eq(frame->npairs, copy->npairs);
    cr_assert_arr_eq(frame->pair_shift, copy->pair_shift, (size_t)copy->npairs * 3 * sizeof(int));
    frame_free(frame);
    frame_free(copy);
}

Test(neighbours, linear_in_atoms) {
    /* a long rod of 200,000 atoms: quadratic work would not end in a test's time */
    int n = 200000;
    struct frame *frame = frame_new(n);
    struct error error = {0};
    for (int i = 0; i < n; i++) {
        frame->pos[3 * i] = 1.0 * i;
        strcpy(frame->symbols[i], "Cu");
    }
    frame->cell[0] = n;
    frame->has_cell = frame->pbc[0] = 1;
    cr_assert_eq(frame_neighbours(frame, 3.5, 0, 0, &error), 0, "%s", error.message);
    cr_assert_eq(frame->npairs, 3 * n);
    frame_free(frame);
}

Test(neighbours, one_place) {
    struct error error = {0};
    struct frame *frame = frame_new(3);
    const double pos[9] = {0, 0, 0, 2, 0, 0, 5, 0, 0};
    memcpy(frame->pos, pos, sizeof pos);
    for (int i = 0; i < 3; i++)
        strcpy(frame->symbols[i], i ? "Au" : "Cu");
    frame->cell[0] = frame->cell[4] = frame->cell[8] = 5;
    frame->has_cell = 1;
    memset(frame->pbc, 1, sizeof frame->pbc);
    frame->ordinal = 4;
    cr_assert_eq(frame_neighbours(frame, 3, 0, 0, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "atoms 0 (Cu) and 2 (Au) are on one place"), "%s", error.message);
    cr_assert(strstr(error.message, "frame 4"), "%s", error.message);
    frame_free(frame);
}

static int vector_order(const void *left, const void *right) {
    const double *a = left, *b = right;
    for (int k = 0; k < 5; k++)
        if (fabs(a[k] - b[k]) > 1e-6)
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

/* i, j and the way from one to the other, of each edge, sorted. */
static double (*vectors(const struct frame *frame))[5] {
    double(*out)[5] = malloc((size_t)(frame->npairs + 1) * sizeof *out);
    for (int p = 0; p < frame->npairs; p++) {
        int i = frame->pair_i[p], j = frame->pair_j[p];
        out[p][0] = i;
        out[p][1] = j;
        for (int c = 0; c < 3; c++) {
            out[p][2 + c] = frame->pos[3 * j + c] - frame->pos[3 * i + c];
            for (int d = 0; d < 3; d++)
                out[p][2 + c] += frame->pair_shift[3 * p + d] * frame->cell[3 * d + c];
        }
    }
    qsort(out, (size_t)frame->npairs, sizeof *out, vector_order);
    return out;
}

/* Other vectors of the same lattice: the same neighbours, at once, however sheared the cell is. */
Test(neighbours, sheared) {
    static const int shears[][3] = {{3, 0, 0}, {40, -7, 0}, {0, 0, 1000}, {100000, -30000, 7}, {-1000000, 3, 999}};
    struct random_stream stream;
    struct error error = {0};
    random_seed(&stream, 11);
    for (unsigned pbc = 3; pbc <= 7; pbc += 4) /* two directions, three */
        for (size_t k = 0; k < sizeof shears / sizeof *shears; k++) {
            struct frame *plain = random_frame(&stream, 8, 5, 0.2, pbc), *sheared = frame_copy(plain);
            for (int c = 0; c < 3; c++) {
                sheared->cell[3 + c] += shears[k][0] * sheared->cell[c];
                if (pbc == 7)
                    sheared->cell[6 + c] += shears[k][1] * sheared->cell[c] + shears[k][2] * sheared->cell[3 + c];
            }
            cr_assert_eq(frame_neighbours(plain, 5, 1, 0, &error), 0, "%s", error.message);
            cr_assert_eq(frame_neighbours(sheared, 5, 1, 0, &error), 0, "%s", error.message);
            cr_assert_eq(sheared->npairs, plain->npairs, "shear %zu: %d, not %d", k, sheared->npairs, plain->npairs);
            double(*a)[5] = vectors(plain), (*b)[5] = vectors(sheared);
            for (int p = 0; p < plain->npairs; p++)
                for (int c = 0; c < 5; c++)
                    cr_assert_float_eq(a[p][c], b[p][c], 1e-5);
            free(a);
            free(b);
            frame_free(plain);
            frame_free(sheared);
        }
}

Test(neighbours, tiny_cell) {
    struct error error = {0};
    struct frame *frame = frame_new(1);
    strcpy(frame->symbols[0], "Cu");
    frame->cell[0] = frame->cell[4] = frame->cell[8] = 1e-3;
    frame->has_cell = 1;
    memset(frame->pbc, 1, sizeof frame->pbc);
    frame->ordinal = 7;
    cr_assert_eq(frame_neighbours(frame, 5, 0, 0, &error), ERROR_MEMORY);
    cr_assert(strstr(error.message, "frame 7") && strstr(error.message, "images of the cell"), "%s", error.message);
    frame_free(frame);
}

Test(neighbours, refusals) {
    struct random_stream stream;
    random_seed(&stream, 9);
    struct frame *frame = random_frame(&stream, 8, 4, 0, 7);
    struct error error = {0};
    cr_assert_eq(frame_neighbours(frame, 500, 0, 1000000000, &error), ERROR_MEMORY, "a cutoff of 500 A");
    cr_assert_eq(frame_neighbours(frame, 1e9, 0, 0, NULL), ERROR_MEMORY);
    memset(&error, 0, sizeof error);
    cr_assert_eq(frame_neighbours(frame, 12, 0, 10000, &error), ERROR_MEMORY);
    cr_assert(strstr(error.message, "r_max 12"), "%s", error.message);
    cr_assert_eq(frame->npairs, -1);
    cr_assert_eq(frame_neighbours(frame, 0, 0, 0, NULL), ERROR_VALUE);
    cr_assert_eq(frame_neighbours(frame, NAN, 0, 0, NULL), ERROR_VALUE);
    frame->pos[4] = INFINITY;
    memset(&error, 0, sizeof error);
    cr_assert_eq(frame_neighbours(frame, 3, 0, 0, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "atom 1"), "%s", error.message);
    frame->pos[4] = 1e300;
    cr_assert_eq(frame_neighbours(frame, 3, 0, 0, NULL), ERROR_DATA);
    frame->pos[4] = 1;
    memcpy(frame->cell + 3, frame->cell, 3 * sizeof *frame->cell);
    memset(&error, 0, sizeof error);
    cr_assert_eq(frame_neighbours(frame, 3, 0, 0, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "dependent"), "%s", error.message);
    frame_free(frame);
    frame = frame_new(2); /* far apart, without a cell */
    frame->pos[0] = -1e200;
    frame->pos[3] = 1e200;
    cr_assert_eq(frame_neighbours(frame, 3, 0, 0, NULL), 0);
    cr_assert_eq(frame->npairs, 0);
    frame_free(frame);
}
