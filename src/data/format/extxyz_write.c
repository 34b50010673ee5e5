#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "data/format/extxyz.h"

/* Always with a point or an exponent: a reader must not take it for an integer. */
static void write_number(FILE *out, double value) {
    char text[40];
    if (!isfinite(value)) {
        fputs(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf", out);
        return;
    }
    snprintf(text, sizeof text, "%.16g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    fputs(text, out);
}

static void write_numbers(FILE *out, const char *key, const double *values, int count) {
    int quoted = key[strcspn(key, " \t=\"'{}[]\\")] != 0;
    fprintf(out, quoted ? " \"%s\"=" : " %s=", key);
    if (count > 1)
        fputc('"', out);
    for (int k = 0; k < count; k++) {
        if (k)
            fputc(' ', out);
        write_number(out, values[k]);
    }
    if (count > 1)
        fputc('"', out);
}

/* As ASE calls it. */
static const char *key_of(const char *field) {
    if (strcmp(field, "total_energy") == 0)
        return "energy";
    if (strcmp(field, "atomic_energy") == 0)
        return "energies";
    return field;
}

static void write_comment(FILE *out, const struct frame *frame) {
    if (frame->has_cell) {
        fputs("Lattice=\"", out);
        for (int k = 0; k < 9; k++) {
            if (k)
                fputc(' ', out);
            write_number(out, frame->cell[k]);
        }
        fputs("\" ", out);
    }
    fputs("Properties=species:S:1:pos:R:3", out);
    for (int f = 0; f < frame->nfields; f++)
        if (frame->fields[f].per_atom)
            fprintf(out, ":%s:R:%d", key_of(frame->fields[f].name), frame->fields[f].cols);
    for (int f = 0; f < frame->nfields; f++) {
        const struct field *field = &frame->fields[f];
        if (field->per_atom)
            continue;
        if (field->cols == 9 && (strcmp(field->name, "stress") == 0 || strcmp(field->name, "virial") == 0)) {
            double columns[9]; /* the format has these two, like Lattice, by columns */
            for (int k = 0; k < 9; k++)
                columns[k] = field->values[k % 3 * 3 + k / 3];
            write_numbers(out, field->name, columns, 9);
        } else {
            write_numbers(out, key_of(field->name), field->values, field->cols);
        }
    }
    fprintf(out, " pbc=\"%c %c %c\"\n", frame->pbc[0] ? 'T' : 'F', frame->pbc[1] ? 'T' : 'F',
            frame->pbc[2] ? 'T' : 'F');
}

static void write_atom(FILE *out, const struct frame *frame, int i) {
    fputs(frame->symbols[i][0] ? frame->symbols[i] : "X", out);
    for (int c = 0; c < 3; c++) {
        fputc(' ', out);
        write_number(out, frame->pos[3 * i + c]);
    }
    for (int f = 0; f < frame->nfields; f++) {
        const struct field *field = &frame->fields[f];
        for (int c = 0; field->per_atom && c < field->cols; c++) {
            fputc(' ', out);
            write_number(out, field->values[(size_t)i * (size_t)field->cols + (size_t)c]);
        }
    }
    fputc('\n', out);
}

static int write_frame(FILE *out, const struct frame *frame, int may_stop, struct error *error) {
    enum { ATOMS_AT_ONCE = 4096 };
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
    int code = 0;
    fprintf(out, "%d\n", frame->atoms);
    write_comment(out, frame);
    for (int i = 0; i < frame->atoms && !code; i++) {
        if (may_stop && i % ATOMS_AT_ONCE == 0)
            code = interrupt_check(error);
        write_atom(out, frame, i);
    }
    if (c_locale) {
        uselocale(before);
        freelocale(c_locale);
    }
    return code;
}

void extxyz_write(FILE *out, const struct frame *frame) {
    write_frame(out, frame, 0, NULL);
}

int extxyz_write_or_stop(FILE *out, const struct frame *frame, struct error *error) {
    return write_frame(out, frame, 1, error);
}
