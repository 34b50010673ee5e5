#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/set/emt.h"
#include "data/set/generate.h"
#include "support.h"

/* Labels that ASE's calculator wrote; positions have eight decimals in the files. */
static void check_labels(const char *name) {
    char path[512];
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    struct emt *emt = emt_new();
    cr_assert_eq(dataset_read(dataset, data_file(path, name), NULL, &error), 0, "%s", error.message);
    for (size_t k = 0; k < dataset->count; k++) {
        const struct frame *frame = dataset->frames[k];
        double energy, stress[9], *forces = malloc((size_t)frame->atoms * 3 * sizeof *forces);
        cr_assert_eq(emt_evaluate(emt, frame, &energy, forces, stress, &error), 0, "%s", error.message);
        cr_assert_float_eq(energy, frame_field(frame, "total_energy")->values[0], 1e-6);
        const struct field *labels = frame_field(frame, "forces");
        for (int i = 0; i < 3 * frame->atoms; i++)
            cr_assert_float_eq(forces[i], labels->values[i], 1e-6, "frame %zu: %.10f %.10f", k, forces[i],
                               labels->values[i]);
        labels = frame_field(frame, "stress");
        cr_assert_eq(labels != NULL, frame->pbc[0] != 0);
        for (int i = 0; i < 9 && labels; i++)
            cr_assert_float_eq(stress[i], labels->values[i], 1e-6);
        free(forces);
    }
    cr_assert_gt(dataset->count, 2);
    emt_free(emt);
    dataset_free(dataset);
}

Test(emt, alloy) {
    check_labels("alloy.xyz");
}

Test(emt, molecules) {
    check_labels("molecules.xyz");
}

static double energy_of(struct emt *emt, const struct frame *frame) {
    double energy;
    struct error error = {0};
    cr_assert_eq(emt_evaluate(emt, frame, &energy, NULL, NULL, &error), 0, "%s", error.message);
    return energy;
}

/* The potential is cut off at this distance, where it jumps by a little: differences across that mean nothing. */
static int pairs_of(struct frame *frame) {
    double first = 1.809 * 3.01 * 0.5291772105638411;
    cr_assert_eq(frame_neighbours(frame, first * 0.5 * (sqrt(3) + 2) + 0.5, 0, 0, NULL), 0);
    return frame->npairs;
}

/* Fourth order differences. */
static double slope(const double e[4], double h) {
    return (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * h);
}

static const double steps[4] = {-2, -1, 1, 2};

ParameterizedTestParameters(emt, derivatives) {
    static int kinds[] = {0, 1, 2};
    return cr_make_param_array(int, kinds, 3);
}

ParameterizedTest(int *kind, emt, derivatives) {
    static const int elements[3][4] = {{13, 29, 47, 79}, {28, 46, 78, 29}, {1, 6, 7, 8}};
    struct generate_alloy options = {.nelements = 4,
                                     .elements = elements[*kind],
                                     .repeat = {1, 2, 1},
                                     .lattice_constant = *kind == 2 ? 3.0 : 0,
                                     .rattle = 0.15,
                                     .strain = 0.05};
    struct random_stream stream;
    struct emt *emt = emt_new();
    struct frame *frame;
    struct error error = {0};
    random_seed(&stream, 77 + (uint64_t)*kind);
    cr_assert_eq(generate_alloy(&frame, &options, &stream, emt, &error), 0, "%s", error.message);
    const double *forces = frame_field(frame, "forces")->values, *stress = frame_field(frame, "stress")->values;
    double h = 1e-3, e[4];
    int checked = 0;
    for (int k = 0; k < 3 * frame->atoms; k++) {
        double x = frame->pos[k];
        int pairs[4];
        for (int s = 0; s < 4; s++) {
            frame->pos[k] = x + steps[s] * h;
            e[s] = energy_of(emt, frame);
            pairs[s] = pairs_of(frame);
        }
        frame->pos[k] = x;
        if (pairs[0] != pairs[1] || pairs[1] != pairs[2] || pairs[2] != pairs[3])
            continue;
        checked++;
        cr_assert_float_eq(forces[k], -slope(e, h), 1e-8, "force %d: %.10f %.10f", k, forces[k], -slope(e, h));
    }
    for (int k = 0; k < 9; k++) {
        int pairs[4];
        for (int s = 0; s < 4; s++) {
            struct frame *strained = frame_copy(frame);
            double eps = steps[s] * h * 0.1;
            int a = k / 3, b = k % 3;
            for (int i = 0; i < frame->atoms; i++)
                strained->pos[3 * i + b] += eps * frame->pos[3 * i + a];
            for (int v = 0; v < 3; v++)
                strained->cell[3 * v + b] += eps * frame->cell[3 * v + a];
            e[s] = energy_of(emt, strained);
            pairs[s] = pairs_of(strained);
            frame_free(strained);
        }
        if (pairs[0] != pairs[1] || pairs[1] != pairs[2] || pairs[2] != pairs[3])
            continue;
        checked++;
        double expected = slope(e, h * 0.1) / frame_volume(frame);
        cr_assert_float_eq(stress[k], expected, 1e-8, "stress %d: %.10f %.10f", k, stress[k], expected);
    }
    cr_assert_gt(checked, 20);
    frame_free(frame);
    emt_free(emt);
}

Test(emt, alone_and_unknown) {
    struct emt *emt = emt_new();
    struct error error = {0};
    double energy, forces[3];
    struct frame *frame = frame_new(1);
    frame->numbers[0] = 29;
    cr_assert_eq(emt_evaluate(emt, frame, &energy, forces, NULL, &error), 0);
    cr_assert_float_eq(energy, 3.51, 1e-12);
    cr_assert_eq(forces[0], 0);
    frame->numbers[0] = 26;
    strcpy(frame->symbols[0], "Fe");
    cr_assert_eq(emt_evaluate(emt, frame, &energy, forces, NULL, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "Fe"));
    frame_free(frame);
    emt_free(emt);
}

/* Verlet conserves the energy; the same seed gives the same trajectory. */
Test(emt, molecular_dynamics) {
    static const int elements[2] = {29, 79};
    struct generate_alloy options = {.nelements = 2, .elements = elements, .repeat = {2, 1, 1}};
    struct emt *emt = emt_new();
    struct error error = {0};
    double kept[2] = {0};
    for (int run = 0; run < 3; run++) {
        struct random_stream stream;
        struct frame *frame;
        struct dataset *dataset = dataset_new();
        random_seed(&stream, 5);
        cr_assert_eq(generate_alloy(&frame, &options, &stream, emt, &error), 0);
        struct generate_md md = {
            .temperature = 300, .timestep = 2, .friction = run == 2 ? 0 : 0.02, .equilibrate = 20, .interval = 5};
        cr_assert_eq(generate_md(dataset, frame, &md, 20, &stream, emt, &error), 0, "%s", error.message);
        cr_assert_eq(dataset->count, 20);
        double last = dataset->frames[19]->pos[5];
        if (run < 2)
            kept[run] = last;
        double low = INFINITY, high = -INFINITY;
        for (size_t k = 0; k < 20; k++) {
            double energy = frame_field(dataset->frames[k], "total_energy")->values[0];
            low = fmin(low, energy);
            high = fmax(high, energy);
            cr_assert(frame_field(dataset->frames[k], "stress") && frame_field(dataset->frames[k], "forces"));
        }
        cr_assert_gt(high - low, 1e-3);
        cr_assert_lt(high - low, 2);
        dataset_free(dataset);
        frame_free(frame);
    }
    cr_assert_eq(kept[0], kept[1]);
    emt_free(emt);
}
