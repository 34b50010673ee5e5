#include "data/set/generate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1 amu A^2 / fs^2 in eV, and Boltzmann's constant in eV/K (CODATA 2018). */
static const double amu = 103.64269652680504, boltzmann = 8.617333262145179e-5;

static int draw_element(const struct generate_alloy *options, struct random_stream *stream) {
    double u, total = 0;
    random_uniform_f64(stream, &u, 1, 0, 1);
    for (int k = 0; k < options->nelements; k++)
        total += options->composition ? options->composition[k] : 1;
    u *= total;
    for (int k = 0; k < options->nelements; k++) {
        u -= options->composition ? options->composition[k] : 1;
        if (u < 0)
            return options->elements[k];
    }
    return options->elements[options->nelements - 1];
}

static int check_alloy(const struct generate_alloy *options, struct error *error) {
    if (options->nelements < 1)
        return error_set(error, ERROR_VALUE, "an alloy of no elements");
    for (int k = 0; k < options->nelements; k++)
        if (!emt_supports(options->elements[k]))
            return error_set(error, ERROR_VALUE, "EMT has no parameters for %s (it has Al Cu Ag Au Ni Pd Pt H C N O)",
                             options->elements[k] ? element_symbol(options->elements[k]) : "an unknown element");
    double atoms = 4;
    for (int d = 0; d < 3; d++) {
        if (options->repeat[d] < 1)
            return error_set(error, ERROR_VALUE, "a cell repeated %d times", options->repeat[d]);
        atoms *= options->repeat[d];
    }
    if (atoms > 1e7)
        return error_set(error, ERROR_VALUE, "a frame of %.3g atoms is too large", atoms);
    return 0;
}

int generate_alloy(struct frame **out, const struct generate_alloy *options, struct random_stream *stream,
                   struct emt *emt, struct error *error) {
    static const double sites[4][3] = {{0, 0, 0}, {0, 0.5, 0.5}, {0.5, 0, 0.5}, {0.5, 0.5, 0}};
    const int *repeat = options->repeat;
    *out = NULL;
    int code = check_alloy(options, error);
    if (code)
        return code;
    struct frame *frame = frame_new(4 * repeat[0] * repeat[1] * repeat[2]);
    if (!frame)
        return error_memory(error);
    double lattice = 0, strain[9], noise[3];
    for (int i = 0; i < frame->atoms; i++) {
        frame->numbers[i] = draw_element(options, stream);
        strcpy(frame->symbols[i], element_symbol(frame->numbers[i]));
        lattice += emt_lattice_constant(frame->numbers[i]) / frame->atoms;
    }
    if (options->lattice_constant > 0)
        lattice = options->lattice_constant;
    for (int k = 0; k < 9; k++) {
        random_normal_f64(stream, &strain[k], 1);
        strain[k] = options->strain * strain[k] + (k % 4 == 0);
    }
    for (int k = 0; k < 9; k++)
        frame->cell[k] = lattice * repeat[k / 3] * strain[k];
    frame->has_cell = 1;
    memset(frame->pbc, 1, sizeof frame->pbc);
    int i = 0;
    for (int a = 0; a < repeat[0]; a++)
        for (int b = 0; b < repeat[1]; b++)
            for (int c = 0; c < repeat[2]; c++)
                for (int s = 0; s < 4; s++, i++) {
                    const double x[3] = {a + sites[s][0], b + sites[s][1], c + sites[s][2]};
                    for (int k = 0; k < 3; k++) {
                        random_normal_f64(stream, &noise[k], 1);
                        frame->pos[3 * i + k] =
                            lattice * (x[0] * strain[k] + x[1] * strain[3 + k] + x[2] * strain[6 + k]) +
                            options->rattle * noise[k];
                    }
                }
    code = emt_label(emt, frame, error);
    if (code)
        frame_free(frame);
    else
        *out = frame;
    return code;
}

struct trajectory {
    struct frame *frame;
    struct emt *emt;
    double *velocity, *forces, *mass; /* A/fs, eV/A, eV fs^2/A^2 */
    double energy, stress[9];
    struct random_stream *stream;
    const struct generate_md *options;
};

static void kick(struct trajectory *t, double time) {
    for (int k = 0; k < 3 * t->frame->atoms; k++)
        t->velocity[k] += time * t->forces[k] / t->mass[k / 3];
}

static void drift(struct trajectory *t, double time) {
    for (int k = 0; k < 3 * t->frame->atoms; k++)
        t->frame->pos[k] += time * t->velocity[k];
}

/* The Ornstein-Uhlenbeck part of BAOAB (Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34). */
static void thermalise(struct trajectory *t, double time) {
    double keep = exp(-t->options->friction * time), noise;
    for (int k = 0; k < 3 * t->frame->atoms; k++) {
        random_normal_f64(t->stream, &noise, 1);
        t->velocity[k] = keep * t->velocity[k] +
                         sqrt((1 - keep * keep) * boltzmann * t->options->temperature / t->mass[k / 3]) * noise;
    }
}

static int step(struct trajectory *t, struct error *error) {
    double time = t->options->timestep;
    kick(t, time / 2);
    if (t->options->friction > 0) {
        drift(t, time / 2);
        thermalise(t, time);
        drift(t, time / 2);
    } else {
        drift(t, time);
    }
    int code = emt_evaluate(t->emt, t->frame, &t->energy, t->forces, t->stress, error);
    if (!code)
        kick(t, time / 2);
    return code;
}

/* Maxwell-Boltzmann, with the centre of mass at rest. */
static void start_velocities(struct trajectory *t) {
    double momentum[3] = {0}, mass = 0;
    int n = t->frame->atoms;
    for (int i = 0; i < n; i++) {
        mass += t->mass[i];
        for (int c = 0; c < 3; c++) {
            double noise;
            random_normal_f64(t->stream, &noise, 1);
            t->velocity[3 * i + c] = sqrt(boltzmann * t->options->temperature / t->mass[i]) * noise;
            momentum[c] += t->mass[i] * t->velocity[3 * i + c];
        }
    }
    for (int k = 0; k < 3 * n; k++)
        t->velocity[k] -= momentum[k % 3] / mass;
}

int generate_md(struct dataset *dataset, const struct frame *start, const struct generate_md *options, size_t count,
                struct random_stream *stream, struct emt *emt, struct error *error) {
    size_t n = start->atoms > 0 ? (size_t)start->atoms : 1;
    struct trajectory t = {.frame = frame_copy(start), .emt = emt, .stream = stream, .options = options};
    int code = 0;
    t.velocity = calloc(3 * n, sizeof *t.velocity);
    t.forces = calloc(3 * n, sizeof *t.forces);
    t.mass = calloc(n, sizeof *t.mass);
    if (!t.frame || !t.velocity || !t.forces || !t.mass) {
        code = error_memory(error);
        goto out;
    }
    if (!(options->timestep > 0) || !(options->temperature >= 0) || options->interval < 1) {
        code = error_set(error, ERROR_VALUE,
                         "molecular dynamics needs a timestep > 0, a temperature >= 0 and an interval >= 1");
        goto out;
    }
    for (int i = 0; i < start->atoms; i++)
        t.mass[i] = amu * emt_mass(start->numbers[i]);
    code = emt_evaluate(emt, t.frame, &t.energy, t.forces, t.stress, error);
    if (code)
        goto out;
    start_velocities(&t);
    for (long k = 0; k < options->equilibrate && !code; k++)
        code = step(&t, error);
    for (size_t f = 0; f < count && !code; f++) {
        for (long k = 0; k < options->interval && !code; k++)
            code = step(&t, error);
        if (code)
            break;
        struct frame *frame = frame_copy(t.frame);
        if (!frame) {
            code = error_memory(error);
            break;
        }
        code = emt_label(emt, frame, error);
        if (code)
            frame_free(frame);
        else
            code = dataset_add(dataset, frame, error);
    }
out:
    frame_free(t.frame);
    free(t.velocity);
    free(t.forces);
    free(t.mass);
    return code;
}
