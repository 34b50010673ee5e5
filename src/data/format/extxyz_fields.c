/* From keys of a file to fields of a frame, by the rules of NequIP's from_ase. */
#include <stdlib.h>
#include <string.h>
#include "data/format/extxyz_parts.h"

/* ASE's calculator properties; frame: also taken from the comment line. */
static const struct {
    const char *name;
    int frame;
} properties[] = {{"energy", 1},
                  {"forces", 0},
                  {"stress", 1},
                  {"stresses", 0},
                  {"dipole", 1},
                  {"charges", 0},
                  {"magmom", 1},
                  {"magmoms", 0},
                  {"free_energy", 1},
                  {"energies", 0},
                  {"dielectric_tensor", 1},
                  {"born_effective_charges", 0},
                  {"polarization", 1}};

static const struct xyz_known known_fields[] = {
    {"total_energy", 0, 1, 0},           {"free_energy", 0, 1, 0}, {"stress", 0, 9, 1},        {"virial", 0, 9, 1},
    {"dielectric_tensor", 0, 9, 1},      {"charge", 0, 1, 0},      {"spin", 0, 1, 0},          {"magmom", 0, 1, 0},
    {"polarization", 0, 3, 0},           {"forces", 1, 3, 0},      {"atomic_energy", 1, 1, 0}, {"stresses", 1, 9, 1},
    {"born_effective_charges", 1, 9, 1}, {"charges", 1, 1, 0},     {"magmoms", 1, 1, 0}};

const struct xyz_known *xyz_known(const char *field) {
    for (size_t k = 0; k < sizeof known_fields / sizeof *known_fields; k++)
        if (strcmp(known_fields[k].name, field) == 0)
            return &known_fields[k];
    return NULL;
}

int xyz_is_property(const char *key) {
    for (size_t k = 0; k < sizeof properties / sizeof *properties; k++)
        if (strcmp(properties[k].name, key) == 0)
            return 1;
    return 0;
}

int xyz_is_frame_property(const char *key) {
    for (size_t k = 0; k < sizeof properties / sizeof *properties; k++)
        if (properties[k].frame && strcmp(properties[k].name, key) == 0)
            return 1;
    return 0;
}

static int find(const char *const *names, int count, const char *name) {
    for (int k = 0; k < count; k++)
        if (strcmp(names[k], name) == 0)
            return k;
    return -1;
}

const char *xyz_target(const struct extxyz_keys *keys, const char *key, int *row) {
    static const char *const never[] = {"numbers", "positions", "pbc", "cell", "pos", "symbols"};
    *row = -1;
    if (find(never, sizeof never / sizeof *never, key) >= 0)
        return NULL;
    if (keys && find(keys->exclude, keys->nexclude, key) >= 0)
        return NULL;
    int mapped = keys ? find(keys->mapping_from, keys->nmapping, key) : -1;
    if (mapped >= 0) {
        *row = mapped;
        return keys->mapping_to[mapped];
    }
    int included = keys ? find(keys->include, keys->ninclude, key) : -1;
    if (included >= 0)
        *row = keys->nmapping + included;
    else if (!xyz_is_property(key))
        return NULL;
    if (strcmp(key, "energy") == 0)
        return "total_energy";
    if (strcmp(key, "energies") == 0)
        return "atomic_energy";
    return key;
}

int xyz_is_learned(const char *target) {
    static const char *const learned[] = {"total_energy", "forces", "stress", "virial"};
    return find(learned, sizeof learned / sizeof *learned, target) >= 0;
}

int xyz_value_fits(const char *target, const struct xyz_value *value, int atoms) {
    const struct xyz_known *known = xyz_known(target);
    if (!known || !value->count)
        return value->count > 0;
    return known->per_atom ? (long)value->count == (long)known->cols * atoms
                           : value->count == known->cols || (known->tensor && value->count == 6);
}

int xyz_column_fits(const char *target, char type, int cols) {
    const struct xyz_known *known = xyz_known(target);
    return type != 'S' && (!known || (known->per_atom && (cols == known->cols || (known->tensor && cols == 6))));
}

static void voigt_to_full(double *out, const double *v) {
    const double full[9] = {v[0], v[5], v[4], v[5], v[1], v[3], v[4], v[3], v[2]};
    memcpy(out, full, sizeof full);
}

static int wrong_size(const struct xyz_value *value, const struct xyz_known *known, const char *file, int line,
                      struct error *error) {
    return error_at(error, ERROR_DATA, file, line, value->column, "%s has %d number%s, where %s has %s%d%s", value->key,
                    value->count, value->count == 1 ? "" : "s", known->name, known->tensor ? "6 or " : "", known->cols,
                    known->per_atom ? " an atom" : "");
}

int xyz_store_value(struct frame *frame, const char *target, const struct xyz_value *value, const char *file, int line,
                    struct error *error) {
    const struct xyz_known *known = xyz_known(target);
    const double *numbers = value->numbers;
    double full[9];
    int per_atom = known && known->per_atom, cols = known ? known->cols : value->count;
    char quoted[40];
    if (strlen(target) >= sizeof frame->fields->name)
        return error_at(error, ERROR_DATA, file, line, value->column, "the field name %s is too long", target);
    if (value->count == 0)
        return error_at(error, ERROR_DATA, file, line, value->column, "%s is %s, not a number or a list of numbers",
                        value->key, xyz_quote(quoted, value->text, strlen(value->text)));
    if (per_atom) {
        if ((long)value->count != (long)cols * frame->atoms)
            return wrong_size(value, known, file, line, error);
    } else if (known && known->tensor && value->count == 6) {
        voigt_to_full(full, numbers);
        numbers = full;
    } else if (value->count != cols) {
        return wrong_size(value, known, file, line, error);
    } else if (strcmp(value->key, "stress") == 0 && cols == 9) {
        /* the file has it column by column; of the two off-diagonal halves the upper one counts */
        const double *v = value->numbers;
        const double upper[6] = {v[0], v[4], v[8], v[7], v[6], v[3]};
        voigt_to_full(full, upper);
        numbers = full;
    } else if (strcmp(value->key, "virial") == 0 && cols == 9) {
        for (int k = 0; k < 9; k++)
            full[k] = value->numbers[k % 3 * 3 + k / 3];
        numbers = full;
    }
    if (!frame_set_field(frame, target, per_atom, cols, numbers))
        return error_at(error, ERROR_MEMORY, file, line, 0, "out of memory");
    return 0;
}

int xyz_store_column(struct frame *frame, const struct xyz_column *column, const char *file, int line,
                     struct error *error) {
    const struct xyz_known *known = xyz_known(column->target);
    int voigt = known && known->per_atom && known->tensor && column->cols == 6;
    if (strlen(column->target) >= sizeof frame->fields->name)
        return error_at(error, ERROR_DATA, file, line, 0, "the field name %s is too long", column->target);
    if (known && !known->per_atom)
        return error_at(error, ERROR_DATA, file, line, 0,
                        "%s is a column of the atoms, but %s belongs to the frame as a whole", column->name,
                        column->target);
    if (known && column->cols != known->cols && !voigt)
        return error_at(error, ERROR_DATA, file, line, 0, "%s has %d column%s, where %s has %d", column->name,
                        column->cols, column->cols == 1 ? "" : "s", known->name, known->cols);
    double *stored = frame_set_field(frame, column->target, 1, voigt ? 9 : column->cols, voigt ? NULL : column->values);
    if (!stored)
        return error_at(error, ERROR_MEMORY, file, line, 0, "out of memory");
    for (int i = 0; voigt && i < frame->atoms; i++)
        voigt_to_full(stored + 9 * (size_t)i, column->values + 6 * (size_t)i);
    return 0;
}
