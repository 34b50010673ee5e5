#include "evaluation/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/interrupt.h"
#include "model/api.h"

/* ---------------------------------------------------------------- evaluating */

static int allocate(struct evaluation *e, struct error *error) {
    e->energy = calloc(e->count + 1, sizeof(double));
    e->atomic_energy = calloc(e->atoms + 1, sizeof(double));
    e->forces = calloc(3 * e->atoms + 1, sizeof(double));
    e->stress = calloc(9 * e->count + 1, sizeof(double));
    e->seconds = calloc(e->count + 1, sizeof(double));
    if (!e->energy || !e->atomic_energy || !e->forces || !e->stress || !e->seconds)
        return error_set(error, ERROR_MEMORY, "no memory for the results of %zu frames, %zu atoms", e->count, e->atoms);
    return 0;
}

static int find_types(const struct evaluation *e, struct error *error) {
    for (size_t f = 0; f < e->count; f++) {
        struct frame *frame = e->frames[f];
        for (int a = 0; a < frame->atoms; a++) {
            frame->types[a] = fettle_inner_type(e->model, frame->symbols[a]);
            if (frame->types[a] < 0) {
                struct text known = {0};
                char label[320];
                for (int k = 0; k < fettle_species_count(e->model); k++)
                    text_format(&known, "%s%s", k ? ", " : "", fettle_species(e->model, k));
                error_set(error, ERROR_DATA, "%s, atom %d: species \"%s\" is unknown to the model, which knows %s",
                          frame_label(frame, label, sizeof label), a, frame->symbols[a],
                          known.data ? known.data : "none");
                text_free(&known);
                return ERROR_DATA;
            }
        }
    }
    return 0;
}

/* One frame at a time, so that memory does not grow with the file. */
static int evaluate_frame(struct evaluation *e, size_t f, size_t first_atom, struct error *error) {
    const struct frame *frame = e->frames[f];
    struct fettle_error cause = {0};
    struct fettle_input *inputs = calloc((size_t)frame->nfields + 1, sizeof *inputs);
    struct fettle_frame in = {.atoms = (size_t)frame->atoms, .positions = frame->pos, .types = frame->types};
    struct fettle_result result = {.atomic_energy = e->atomic_energy + first_atom,
                                   .forces = e->forces + 3 * first_atom,
                                   .stress = e->stress + 9 * f};
    int code = 0;

    if (!inputs)
        return error_memory(error);
    for (int k = 0; k < frame->nfields; k++)
        if (fettle_inner_takes(e->model, frame->fields[k].name))
            inputs[in.input_count++] = (struct fettle_input){frame->fields[k].name, frame->fields[k].per_atom,
                                                             frame->fields[k].cols, frame->fields[k].values};
    in.inputs = inputs;
    in.cell = frame->has_cell ? frame->cell : NULL;
    for (int k = 0; k < 3; k++)
        in.pbc[k] = frame->pbc[k];
    if (fettle_evaluate(e->model, &in, 1, &result, &cause)) {
        char label[320];
        code = fettle_error_import(error, &cause);
        error_prefix(error, "%s: ", frame_label(frame, label, sizeof label));
    }
    e->energy[f] = result.energy;
    free(inputs);
    return code;
}

int evaluation_run(struct evaluation *out, struct fettle_model *model, const struct dataset *dataset,
                   struct error *error) {
    size_t atom = 0;
    int code;

    memset(out, 0, sizeof *out);
    out->model = model;
    out->frames = dataset->frames;
    out->count = dataset->count;
    for (size_t f = 0; f < out->count; f++)
        out->atoms += (size_t)out->frames[f]->atoms;
    if ((code = allocate(out, error)) || (code = find_types(out, error)))
        return code;
    for (size_t f = 0; f < out->count; f++) {
        double start = clock_seconds();
        if ((code = interrupt_check(error)) || (code = evaluate_frame(out, f, atom, error)))
            return code;
        out->seconds[f] = clock_seconds() - start;
        atom += (size_t)out->frames[f]->atoms;
    }
    return 0;
}

void evaluation_free(struct evaluation *e) {
    free(e->energy);
    free(e->atomic_energy);
    free(e->forces);
    free(e->stress);
    free(e->seconds);
    memset(e, 0, sizeof *e);
}

/* ---------------------------------------------------------------- writing */

/* Looked at again by who is to hear of it. */
static int stops(size_t number) {
    enum { NUMBERS_AT_ONCE = 4096 };

    return number % NUMBERS_AT_ONCE == NUMBERS_AT_ONCE - 1 && interrupt_check(NULL);
}

/* JSON has no NaN, and nothing infinite. */
static void write_numbers(FILE *out, const double *values, size_t count, const char *separator) {
    char number[32];

    for (size_t k = 0; k < count && !stops(k); k++)
        fprintf(out, "%s%s", k ? separator : "", isfinite(values[k]) ? text_double(number, values[k]) : "null");
}

/* Labels give way to predictions and stay under a name of their own. */
static int keep_label(struct frame *frame, const char *name, const char *kept) {
    const struct field *field = frame_field(frame, name);
    int failed = field && !frame_set_field(frame, kept, field->per_atom, field->cols, field->values);

    frame_remove_field(frame, name);
    return failed;
}

static int set_predictions(const struct evaluation *e, size_t f, size_t first_atom, struct frame *frame) {
    int failed = keep_label(frame, "total_energy", "label_energy") || keep_label(frame, "forces", "label_forces") ||
                 keep_label(frame, "stress", "label_stress") || keep_label(frame, "virial", "label_virial");

    failed = failed || !frame_set_field(frame, "total_energy", 0, 1, &e->energy[f]) ||
             !frame_set_field(frame, "atomic_energy", 1, 1, &e->atomic_energy[first_atom]);
    if (!failed && fettle_has_forces(e->model)) {
        failed = !frame_set_field(frame, "forces", 1, 3, &e->forces[3 * first_atom]);
        if (!failed && frame_volume(frame) > 0)
            failed = !frame_set_field(frame, "stress", 0, 9, &e->stress[9 * f]);
    }
    return failed;
}

int evaluation_write_xyz(const struct evaluation *e, FILE *out, struct error *error) {
    size_t atom = 0;
    int code = 0;

    for (size_t f = 0; f < e->count && !ferror(out) && !code; f++) {
        struct frame *frame = frame_copy(e->frames[f]);
        if (!frame || set_predictions(e, f, atom, frame))
            code = error_memory(error);
        else
            code = extxyz_write_or_stop(out, frame, error);
        frame_free(frame);
        atom += (size_t)e->frames[f]->atoms;
    }
    return code;
}

static void write_rows(FILE *out, const double *values, size_t rows) {
    fputc('[', out);
    for (size_t r = 0; r < rows && !stops(r); r++) {
        fputs(r ? ", [" : "[", out);
        write_numbers(out, values + 3 * r, 3, ", ");
        fputc(']', out);
    }
    fputc(']', out);
}

int evaluation_write_json(const struct evaluation *e, const struct evaluation_terms *terms, FILE *out,
                          struct error *error) {
    size_t atom = 0;
    int code = 0;

    fputs("{\"frames\": [", out);
    for (size_t f = 0; f < e->count && !ferror(out) && !(code = interrupt_check(error)); f++) {
        size_t atoms = (size_t)e->frames[f]->atoms;
        fputs(f ? ",\n {\"total_energy\": " : "\n {\"total_energy\": ", out);
        write_numbers(out, &e->energy[f], 1, "");
        fputs(", \"atomic_energy\": [", out);
        write_numbers(out, e->atomic_energy + atom, atoms, ", ");
        fputc(']', out);
        if (fettle_has_forces(e->model)) {
            fputs(", \"forces\": ", out);
            write_rows(out, e->forces + 3 * atom, atoms);
            if (frame_volume(e->frames[f]) > 0) {
                fputs(", \"stress\": ", out);
                write_rows(out, e->stress + 9 * f, 3);
            }
        }
        fputc('}', out);
        atom += atoms;
    }
    fputs("],\n \"loss_terms\": {", out);
    for (size_t k = 0; k < terms->count; k++) {
        fprintf(out, "%s\"%s\": ", k ? ", " : "", terms->term[k].name);
        write_numbers(out, &terms->term[k].value, 1, "");
    }
    fputs("}}\n", out);
    return code ? code : interrupt_check(error);
}
