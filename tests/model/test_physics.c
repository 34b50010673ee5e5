/* What must hold whatever the weights: forces and stress are derivatives of the energy, and symmetries are exact. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "graph/op/op.h"
#include "graph/run/program_internal.h"
#include "graph/run/sweeps.h"
#include "harness.h"

static const char common[] = "seed: 5\nmodel_dtype: float64\ntype_names: [C, H, O]\nr_max: 3.5\n"
                             "avg_num_neighbors: 9\nper_type_energy_scales: 1.3\nper_type_energy_shifts: -1\n"
                             "radial_mlp_depth: 1\nradial_mlp_width: 8\n";
static const char *const models[] = {
    "_target_: NequIPGNNModel\nnum_layers: 3\nl_max: 1\nnum_features: 4\n",
    "_target_: NequIPGNNModel\nnum_layers: 3\nl_max: 2\nparity: false\nnum_features: [5, 4, 3]\nconvnet_resnet: true\n",
    "_target_: NequIPGNNModel\nnum_layers: 2\nl_max: 3\nnum_features: 2\n",
    "_target_: NequIPGNNModel\nnum_layers: 3\nl_max: 2\nnum_features: 3\nconvnet_nonlinearity_type: norm\n",
    "_target_: NequIPGNNModel\nnum_layers: 2\nl_max: 1\nnum_features: 4\nreadout_mlp_hidden_layers_depth: 1\n"
    "per_edge_type_cutoff: {H: 2.5, C: {H: 3.0, C: 3.5, O: 2.8}}\n",
    "_target_: NequIPGNNModel\nnum_layers: 2\nl_max: 1\nnum_features: 4\n"
    "pair_potential: {_target_: zbl, units: metal, chemical_species: [C, H, O]}\n",
    "_target_: NequIPGNNModel\nnum_layers: 2\nl_max: 1\nnum_features: 4\nlearnable_shift: true\n"
    "pair_potential: {_target_: nequip.nn.pair_potential.LennardJones, lj_sigma: 0.9, lj_epsilon: 0.1}\n",
    "_target_: NequIPGNNModel\nnum_layers: 5\nl_max: 1\nnum_features: 4\n",
};
enum { MODELS = sizeof models / sizeof *models, ATOMS = 8 };

static struct criterion_test_params indices(void) {
    static int k[MODELS];
    for (int n = 0; n < MODELS; n++)
        k[n] = n;
    return cr_make_param_array(int, k, MODELS);
}

#define EACH_MODEL(name)                                                                                               \
    ParameterizedTestParameters(physics, name) {                                                                       \
        return indices();                                                                                              \
    }                                                                                                                  \
    ParameterizedTest(int *k, physics, name)

static struct machine *new_machine(int k) {
    char yaml[2048];
    snprintf(yaml, sizeof yaml, "%s%s", models[k], common);
    return machine_new(build_from(yaml));
}

/* A frame with no symmetry of its own, periodic or not. */
static struct frame *new_frame(int periodic) {
    static const char *const symbols[] = {"C", "H", "O"};
    struct frame *frame = frame_new(ATOMS);
    static const double cell[] = {5.1, 0.3, -0.2, 0.7, 4.8, 0.4, -0.5, 0.2, 5.4};
    unsigned state = 12345;
    cr_assert_not_null(frame);
    for (int i = 0; i < ATOMS; i++) {
        snprintf(frame->symbols[i], sizeof frame->symbols[i], "%s", symbols[i % 3]);
        double s[3] = {i % 2 * 0.5 + 0.1, i / 2 % 2 * 0.5 + 0.1, i / 4 * 0.5 + 0.1};
        for (int d = 0; d < 3; d++) {
            state = state * 1103515245u + 12345u;
            s[d] += 0.12 * ((state >> 16 & 0x7fff) / 32768.0 - 0.5);
        }
        for (int d = 0; d < 3; d++)
            frame->pos[3 * i + d] = s[0] * cell[d] + s[1] * cell[3 + d] + s[2] * cell[6 + d];
    }
    if (periodic) {
        memcpy(frame->cell, cell, sizeof cell);
        frame->has_cell = 1;
        frame->pbc[0] = frame->pbc[1] = frame->pbc[2] = 1;
    }
    return frame;
}

static double energy_of(struct machine *machine, struct frame *frame) {
    struct result r = evaluate(machine, &frame, 1);
    double energy = r.total_energy[0];
    free_result(&r);
    return energy;
}

/* x -> x + x.strain, for positions and cell. */
static void deform(struct frame *out, const struct frame *in, const double matrix[9]) {
    for (int i = 0; i < in->atoms + 3; i++) {
        const double *x = i < in->atoms ? in->pos + 3 * i : in->cell + 3 * (i - in->atoms);
        double *y = i < in->atoms ? out->pos + 3 * i : out->cell + 3 * (i - in->atoms);
        double moved[3];
        for (int d = 0; d < 3; d++)
            moved[d] = x[0] * matrix[d] + x[1] * matrix[3 + d] + x[2] * matrix[6 + d];
        memcpy(y, moved, sizeof moved);
    }
}

static const double steps[] = {-2, -1, 1, 2}, weights[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};

EACH_MODEL(forces_are_the_gradient_of_the_energy) {
    struct machine *machine = new_machine(*k);
    const double h = 1e-3;
    for (int periodic = 0; periodic < 2; periodic++) {
        struct frame *frame = new_frame(periodic);
        struct result r = evaluate(machine, &frame, 1);
        double size = 0;
        for (int c = 0; c < 3 * ATOMS; c++) {
            double x = frame->pos[c], slope = 0;
            size = fmax(size, fabs(r.forces[c]));
            for (int s = 0; s < 4; s++) {
                frame->pos[c] = x + steps[s] * h;
                slope += weights[s] * energy_of(machine, frame) / h;
            }
            frame->pos[c] = x;
            cr_expect_float_eq(r.forces[c], -slope, 1e-8 * fmax(1, size), "component %d: %.12g, by differences %.12g",
                               c, r.forces[c], -slope);
        }
        cr_expect(size > 1e-4, "the forces vanish");
        free_result(&r);
        frame_free(frame);
    }
    machine_free(machine);
}

EACH_MODEL(stress_is_the_derivative_by_strain) {
    struct machine *machine = new_machine(*k);
    struct frame *frame = new_frame(1), *strained = new_frame(1);
    struct result r = evaluate(machine, &frame, 1);
    double volume = frame_volume(frame);
    const double h = 5e-4;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            double slope = 0;
            for (int s = 0; s < 4; s++) {
                double matrix[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
                matrix[3 * a + b] += 0.5 * steps[s] * h;
                matrix[3 * b + a] += 0.5 * steps[s] * h;
                deform(strained, frame, matrix);
                slope += weights[s] * energy_of(machine, strained) / h;
            }
            cr_expect_float_eq(r.stress[3 * a + b], slope / volume, 1e-8, "%d %d: %.12g, by differences %.12g", a, b,
                               r.stress[3 * a + b], slope / volume);
            cr_expect_float_eq(r.virial[3 * a + b], -volume * r.stress[3 * a + b], 1e-9);
        }
    free_result(&r);
    frame_free(frame);
    frame_free(strained);
    machine_free(machine);
}

/* Energies of atoms stay; vectors turn with the matrix. */
static void compare(struct machine *machine, struct frame *frame, struct frame *moved, const double matrix[9],
                    const int *order) {
    struct result a = evaluate(machine, &frame, 1), b = evaluate(machine, &moved, 1);
    cr_expect_float_eq(a.total_energy[0], b.total_energy[0], 1e-9);
    for (int i = 0; i < ATOMS; i++) {
        int j = order ? order[i] : i;
        cr_expect_float_eq(a.atomic_energy[i], b.atomic_energy[j], 1e-9);
        const double *f = a.forces + 3 * i;
        for (int d = 0; d < 3; d++) {
            double turned = f[0] * matrix[d] + f[1] * matrix[3 + d] + f[2] * matrix[6 + d];
            cr_expect_float_eq(turned, b.forces[3 * j + d], 1e-9, "atom %d: %.12g, %.12g", i, turned,
                               b.forces[3 * j + d]);
        }
    }
    for (int p = 0; p < 3; p++)
        for (int q = 0; q < 3; q++) {
            double turned = 0;
            for (int m = 0; m < 3; m++)
                for (int n = 0; n < 3; n++)
                    turned += matrix[3 * m + p] * a.virial[3 * m + n] * matrix[3 * n + q];
            cr_expect_float_eq(turned, b.virial[3 * p + q], 1e-9);
        }
    free_result(&a);
    free_result(&b);
}

EACH_MODEL(symmetries_are_exact) {
    static const double identity[] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, inversion[] = {-1, 0, 0, 0, -1, 0, 0, 0, -1};
    struct machine *machine = new_machine(*k);
    /* a rotation about (1, 2, 2)/3 by 1.1 */
    double n[3] = {1.0 / 3, 2.0 / 3, 2.0 / 3}, c = cos(1.1), s = sin(1.1), rotation[9];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            rotation[3 * i + j] = (i == j ? c : 0) + (1 - c) * n[i] * n[j];
    rotation[1] += s * n[2];
    rotation[2] -= s * n[1];
    rotation[5] += s * n[0];
    rotation[3] -= s * n[2];
    rotation[6] += s * n[1];
    rotation[7] -= s * n[0];
    for (int periodic = 0; periodic < 2; periodic++) {
        struct frame *frame = new_frame(periodic), *moved = new_frame(periodic);
        deform(moved, frame, rotation);
        compare(machine, frame, moved, rotation, NULL);
        deform(moved, frame, inversion);
        compare(machine, frame, moved, inversion, NULL);
        deform(moved, frame, identity);
        for (int i = 0; i < ATOMS; i++)
            for (int d = 0; d < 3; d++)
                moved->pos[3 * i + d] += 0.7 - 1.9 * d;
        compare(machine, frame, moved, identity, NULL);
        int order[ATOMS];
        for (int i = 0; i < ATOMS; i++) {
            order[i] = (3 * i + 1) % ATOMS;
            memcpy(moved->pos + 3 * order[i], frame->pos + 3 * i, 3 * sizeof(double));
            memcpy(moved->symbols[order[i]], frame->symbols[i], sizeof frame->symbols[i]);
        }
        compare(machine, frame, moved, identity, order);
        frame_free(frame);
        frame_free(moved);
    }
    machine_free(machine);
}

/* A frame's results do not depend on what stands beside it in a batch. */
EACH_MODEL(frames_of_a_batch_do_not_mix) {
    struct machine *machine = new_machine(*k);
    struct frame *frames[] = {new_frame(1), new_frame(0), new_frame(1)};
    for (int i = 0; i < 3 * ATOMS; i++)
        frames[2]->pos[i] *= 1.03;
    struct result all = evaluate(machine, frames, 3);
    for (int f = 0; f < 3; f++) {
        struct result one = evaluate(machine, &frames[f], 1);
        cr_expect_float_eq(all.total_energy[f], one.total_energy[0], 1e-10);
        cr_expect(deviation(all.forces + 3 * ATOMS * f, one.forces, 3 * ATOMS) < 1e-10);
        cr_expect(deviation(all.stress + 9 * f, one.stress, 9) < 1e-10);
        free_result(&one);
    }
    free_result(&all);
    for (int f = 0; f < 3; f++)
        frame_free(frames[f]);
    machine_free(machine);
}

/* Nor on the memory that they are computed in, beyond rounding; and in the same memory they are the same. */
EACH_MODEL(chunks_of_any_size_give_the_same) {
    static const size_t sizes[] = {SIZE_MAX, 1, 1, 20000, 60000};
    struct machine *machine = new_machine(*k);
    struct frame *frames[] = {new_frame(1), new_frame(0), new_frame(1)};
    struct result results[sizeof sizes / sizeof *sizes];
    for (int i = 0; i < 3 * ATOMS; i++)
        frames[2]->pos[i] *= 1.03;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        program_set_memory(machine->program, sizes[s]);
        struct result *r = &results[s], *whole = &results[0];
        *r = evaluate(machine, frames, 3);
        cr_expect(deviation(r->total_energy, whole->total_energy, 3) < 1e-12);
        cr_expect(deviation(r->atomic_energy, whole->atomic_energy, 3 * ATOMS) < 1e-12);
        cr_expect(deviation(r->forces, whole->forces, 9 * ATOMS) < 1e-11);
        cr_expect(deviation(r->stress, whole->stress, 27) < 1e-11);
        cr_expect(deviation(r->virial, whole->virial, 27) < 1e-11);
    }
    cr_expect(memcmp(results[1].forces, results[0].forces, 9 * ATOMS * sizeof(double)), "nothing went in chunks");
    cr_expect(!memcmp(results[1].forces, results[2].forces, 9 * ATOMS * sizeof(double)), "chance plays a part");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        free_result(&results[s]);
    for (int f = 0; f < 3; f++)
        frame_free(frames[f]);
    machine_free(machine);
}

/* What has to be kept of all pairs, however little memory there is, is no wider than their harmonics and radial basis.
 */
EACH_MODEL(little_is_kept_of_pairs) {
    static const int l_max[MODELS] = {1, 2, 3, 2, 1, 1, 1, 1};
    enum { BESSELS = 8 };
    struct machine *machine = new_machine(*k);
    struct program *program = machine->program;
    struct sweeps *sweeps;
    struct error error = {0};
    int harmonics = (l_max[*k] + 1) * (l_max[*k] + 1), passed = 0;
    cr_assert_eq(sweeps_make(&sweeps, program->plan, &error), 0, "%s", error.message);
    for (int p = 0; p < sweeps->npassed; p++) {
        const struct node *node = sweeps->passed[p].node;
        passed += node->dim == DIM_PAIRS;
        cr_expect(node->dim != DIM_PAIRS || node->layout->cols <= (harmonics > BESSELS ? harmonics : BESSELS),
                  "%d numbers of %s in %s", node->layout->cols, node->op->name, node->module);
    }
    cr_expect(passed, "nothing is kept");
    sweeps_free(sweeps);
    machine_free(machine);
}

Test(physics, an_atom_alone_has_its_shift) {
    struct machine *machine = new_machine(0);
    struct frame *frame = frame_new(1);
    snprintf(frame->symbols[0], sizeof frame->symbols[0], "H");
    struct result r = evaluate(machine, &frame, 1);
    cr_expect_float_eq(r.total_energy[0], -1, 1e-15);
    cr_expect(r.forces[0] == 0 && r.forces[1] == 0 && r.forces[2] == 0);
    free_result(&r);
    frame_free(frame);
    machine_free(machine);
}
