#include "data/set/oddities.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"

enum { SAMPLE = 400, MOST_TYPES = 16 };

/* ---------------------------------------------------------------- names */

const char *oddities_meaning(const char *key) {
    static const char *const around[] = {"ref", "reference", "dft",  "qm",   "true", "target",    "label", "total",
                                         "tot", "pbe",       "ccsd", "vasp", "mace", "potential", "raw"};
    static const struct {
        const char *word, *field;
    } words[] = {{"energy", "total_energy"},    {"energies", "total_energy"}, {"toteng", "total_energy"},
                 {"totenergy", "total_energy"}, {"etot", "total_energy"},     {"e", "total_energy"},
                 {"forces", "forces"},          {"force", "forces"},          {"f", "forces"},
                 {"stress", "stress"},          {"virial", "virial"},         {"virials", "virial"}};
    const char *meaning = NULL;
    char part[32];
    /* words between underscores: one that means something, all others are of those that stand around it */
    for (const char *at = key; *at;) {
        size_t size = strcspn(at, "_-."), known = 0;
        if (size >= sizeof part)
            return NULL;
        for (size_t k = 0; k < size; k++)
            part[k] = (char)tolower((unsigned char)at[k]);
        part[size] = 0;
        for (size_t k = 0; k < sizeof words / sizeof *words && !known; k++)
            if (!strcmp(words[k].word, part)) {
                if (meaning)
                    return NULL;
                meaning = words[k].field;
                known = 1;
            }
        for (size_t k = 0; k < sizeof around / sizeof *around && !known; k++)
            known = !strcmp(around[k], part);
        if (!known)
            return NULL;
        at += size + (at[size] != 0);
    }
    return meaning;
}

void oddities_hint(const struct frame *frame, const char *field, struct text *out) {
    const char *names[16];
    int sizes[16], count = 0, wanted = 0, virial = 0;
    for (const char *at = frame->unused; *at && count < 16;) {
        char key[64];
        size_t size = strcspn(at, " ");
        if (size < sizeof key) {
            memcpy(key, at, size);
            key[size] = 0;
            const char *meaning = oddities_meaning(key);
            int is_virial = meaning && !strcmp(meaning, "virial");
            if (meaning && !frame_field(frame, meaning) && !(is_virial && strcmp(field, "stress"))) {
                wanted |= !strcmp(meaning, field) || is_virial;
                virial |= is_virial;
                names[count] = at;
                sizes[count++] = (int)size;
            }
        }
        at += size + (at[size] == ' ');
    }
    if (!wanted)
        return;
    for (int k = 0; k < count; k++)
        text_format(out, "%s%.*s", k ? ", " : "; ", sizes[k], names[k]);
    text_format(out, " %s not read: data.key_mapping: {", count > 1 ? "are" : "is");
    for (int k = 0; k < count; k++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", sizes[k], names[k]);
        text_format(out, "%s%s: %s", k ? ", " : "", key, oddities_meaning(key));
    }
    text_add(out, "} reads ");
    text_add(out, count > 1 ? "them" : "it");
    if (virial)
        text_add(out, ", and nequip.data.transforms.VirialToStressTransform makes stress of a virial");
}

/* ---------------------------------------------------------------- stress */

static const double *label(const struct frame *frame, const char *name, int per_atom, int cols) {
    const struct field *field = frame_field(frame, name);
    return field && !field->per_atom == !per_atom && field->cols == cols ? field->values : NULL;
}

static void look_at_stress(const struct dataset *set, size_t stride, struct text *out) {
    size_t count = 0, without = 0;
    double sum = 0, largest = 0;
    for (size_t f = 0; f < set->count; f += stride) {
        const double *stress = label(set->frames[f], "stress", 0, 9);
        int finite = stress != NULL;
        for (int k = 0; finite && k < 9; k++)
            finite = isfinite(stress[k]);
        if (!finite)
            continue;
        without += !(frame_volume(set->frames[f]) > 0);
        for (int k = 0; k < 9; k++) {
            sum += stress[k] * stress[k];
            largest = fmax(largest, fabs(stress[k]));
        }
        count += 9;
    }
    double rms = count ? sqrt(sum / (double)count) : 0;
    if (rms > 2)
        text_format(out,
                    "stress of %.4g eV/A^3 (rms; %.3g GPa) looks like kbar or GPa: 1 eV/A^3 is 1602.18 kbar or 160.218 "
                    "GPa\n",
                    rms, 160.218 * rms);
    if (without)
        text_format(out,
                    "%s frames have a label stress, but no cell with a volume: what is predicted there is NaN, and so "
                    "are the metrics of stress\n",
                    stride > 1             ? "some"
                    : without == count / 9 ? "all"
                                           : "some");
}

/* ---------------------------------------------------------------- energies */

/* Of free atoms, hartree (exact, not relativistic). */
static double free_atom(int number) {
    static const double energies[] = {0,        -0.5,     -2.9037, -7.4781,  -14.6674, -24.6539, -37.845,
                                      -54.589,  -75.067,  -99.734, -128.938, -162.255, -200.053, -242.346,
                                      -289.359, -341.259, -398.11, -460.148, -527.54};
    return number > 0 && number < (int)(sizeof energies / sizeof *energies) ? energies[number] : NAN;
}

/* All-electron energies lie within a percent of the sum of the atoms', which other units do not. */
static void look_at_units(const struct dataset *set, size_t stride, struct text *out) {
    static const struct {
        const char *name;
        double per_hartree;
    } units[] = {{"hartree", 1}, {"kcal/mol", 627.5095}, {"kJ/mol", 2625.4996}, {"rydberg", 2}};
    size_t fits[4] = {0}, count = 0;
    for (size_t f = 0; f < set->count; f += stride) {
        const struct frame *frame = set->frames[f];
        const double *energy = label(frame, "total_energy", 0, 1);
        double atoms = 0;
        for (int i = 0; i < frame->atoms; i++)
            atoms += free_atom(frame->numbers[i]);
        if (!energy || !isfinite(*energy) || !(atoms < -5))
            continue;
        count++;
        for (int u = 0; u < 4; u++)
            fits[u] += fabs(*energy / (units[u].per_hartree * atoms) - 1) < 0.02;
    }
    for (int u = 0; count && u < 4; u++)
        if (fits[u] == count)
            text_format(out, "energies are those of all electrons in %s: eV is expected (times %.6g)\n", units[u].name,
                        27.211386 / units[u].per_hartree);
}

/* Least squares by a few rows of normal equations; returns the rms of what is left. */
static double fit(const double *rows, const double *values, size_t count, int columns) {
    double a[MOST_TYPES][MOST_TYPES + 1] = {{0}}, x[MOST_TYPES] = {0}, left = 0, scale = 0;
    for (size_t r = 0; r < count; r++)
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < columns; j++)
                a[i][j] += rows[r * (size_t)columns + (size_t)i] * rows[r * (size_t)columns + (size_t)j];
            a[i][columns] += rows[r * (size_t)columns + (size_t)i] * values[r];
        }
    for (int i = 0; i < columns; i++)
        scale = fmax(scale, a[i][i]);
    for (int i = 0; i < columns; i++)
        a[i][i] += 1e-9 * scale;
    for (int i = 0; i < columns; i++)
        for (int k = i + 1; k < columns; k++) {
            double factor = a[i][i] > 0 ? a[k][i] / a[i][i] : 0;
            for (int j = i; j <= columns; j++)
                a[k][j] -= factor * a[i][j];
        }
    for (int i = columns - 1; i >= 0; i--) {
        x[i] = a[i][columns];
        for (int j = i + 1; j < columns; j++)
            x[i] -= a[i][j] * x[j];
        x[i] = a[i][i] > 0 ? x[i] / a[i][i] : 0;
    }
    for (size_t r = 0; r < count; r++) {
        double value = values[r];
        for (int i = 0; i < columns; i++)
            value -= rows[r * (size_t)columns + (size_t)i] * x[i];
        left += value * value;
    }
    return count ? sqrt(left / (double)count) : 0;
}

/* Energies of whole frames grow with the atoms, those per atom follow their shares. */
static int look_at_growth(const struct dataset *set, size_t stride, struct text *out, struct error *error) {
    int column[120] = {0}, columns = 0, least = 0, most = 0;
    size_t count = 0, room = set->count / stride + 1;
    for (size_t f = 0; f < set->count; f += stride)
        for (int i = 0; i < set->frames[f]->atoms; i++) {
            int number = set->frames[f]->numbers[i];
            if (number >= 0 && number < 120 && !column[number])
                column[number] = ++columns;
        }
    if (!columns || columns > MOST_TYPES)
        return 0;
    double *counts = calloc(room * (size_t)columns, sizeof *counts),
           *shares = calloc(room * (size_t)columns, sizeof *shares);
    double *energies = calloc(room, sizeof *energies);
    if (!counts || !shares || !energies) {
        free(counts);
        free(shares);
        free(energies);
        return error_memory(error);
    }
    for (size_t f = 0; f < set->count; f += stride) {
        const struct frame *frame = set->frames[f];
        const double *energy = label(frame, "total_energy", 0, 1);
        if (!energy || !isfinite(*energy))
            continue;
        for (int i = 0; i < frame->atoms; i++) {
            size_t at = count * (size_t)columns + (size_t)column[frame->numbers[i]] - 1;
            counts[at]++;
            shares[at] += 1.0 / frame->atoms;
        }
        least = !count || frame->atoms < least ? frame->atoms : least;
        most = frame->atoms > most ? frame->atoms : most;
        energies[count++] = *energy;
    }
    if (count > 3 * (size_t)columns + 3 && most >= 2 * least) {
        double whole = fit(counts, energies, count, columns), each = fit(shares, energies, count, columns);
        if (each < 0.05 * whole)
            text_format(out,
                        "energies do not grow with the number of atoms (%d to %d): they look like energies per atom, "
                        "and those of whole frames are expected\n",
                        least, most);
    }
    free(counts);
    free(shares);
    free(energies);
    return 0;
}

/* ---------------------------------------------------------------- forces */

/* Work of the forces from one frame to another, by the trapezoid rule; NAN where they are no two places of the same
 * atoms, near to each other. */
static double work(const struct frame *a, const struct frame *b) {
    const double *fa = label(a, "forces", 1, 3), *fb = label(b, "forces", 1, 3);
    double sum = 0, moved = 0;
    if (!fa || !fb || a->atoms != b->atoms || memcmp(a->cell, b->cell, sizeof a->cell) ||
        memcmp(a->symbols, b->symbols, (size_t)a->atoms * sizeof *a->symbols))
        return NAN;
    for (int k = 0; k < 3 * a->atoms; k++) {
        double d = b->pos[k] - a->pos[k];
        if (!(fabs(d) < 1)) /* another molecule, or out at one side and in at the other */
            return NAN;
        moved += d * d;
        sum += 0.5 * (fa[k] + fb[k]) * d;
    }
    return moved > 0 ? sum : NAN;
}

static void look_at_forces(const struct dataset *set, size_t stride, struct text *out) {
    double ww = 0, we = 0, ee = 0;
    size_t count = 0;
    for (size_t f = 0; f + 1 < set->count; f += stride) {
        const struct frame *a = set->frames[f], *b = set->frames[f + 1];
        const double *ea = label(a, "total_energy", 0, 1), *eb = label(b, "total_energy", 0, 1);
        double w = ea && eb ? work(a, b) : NAN;
        if (!isfinite(w) || !isfinite(*ea) || !isfinite(*eb))
            continue;
        ww += w * w;
        we += w * (*ea - *eb);
        ee += (*ea - *eb) * (*ea - *eb);
        count++;
    }
    double correlation = ww > 0 && ee > 0 ? we / sqrt(ww * ee) : 0, ratio = ww > 0 ? we / ww : 1;
    if (count < 8 || fabs(correlation) < 0.9)
        return;
    if (ratio < 0)
        text_format(out,
                    "forces have the sign of gradients: where the energy falls they point uphill (their work is %.3g "
                    "times the loss of energy)\n",
                    1 / ratio);
    else if (ratio < 0.4 || ratio > 2.5)
        text_format(out,
                    "forces and energies are of different units: the energy falls by %.4g times the work of the forces "
                    "(eV and eV/A are expected; 27.211 eV a hartree, 51.422 eV/A a hartree/bohr, 23.061 kcal/mol an "
                    "eV)\n",
                    ratio);
}

/* ---------------------------------------------------------------- all */

int oddities_find(const struct dataset *dataset, struct text *out, struct error *error) {
    size_t stride = dataset->count / SAMPLE + 1;
    int code = dataset_check(dataset, error);
    if (code || (code = interrupt_check(error)))
        return code;
    look_at_stress(dataset, stride, out);
    look_at_units(dataset, stride, out);
    if ((code = look_at_growth(dataset, stride, out, error)))
        return code;
    look_at_forces(dataset, stride, out);
    if (out->failed)
        return error_memory(error);
    return dataset_check(dataset, error);
}
