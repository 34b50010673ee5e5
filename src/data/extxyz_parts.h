/* Inside src/data: the parts of the extxyz reader. */
#ifndef FETTLE_DATA_EXTXYZ_PARTS_H
#define FETTLE_DATA_EXTXYZ_PARTS_H

#include "data/extxyz.h"

/* A number as Python or Fortran writes it: 1, -2.5e3, 1.0D-05, nan, inf.  Whatever the locale is, if it is "C" for the
 * thread (see extxyz_next).  0 if the text is none. */
int xyz_number(const char *text, size_t size, double *out);
/* T, F, true, False, ...; 0 if the text is none. */
int xyz_bool(const char *text, size_t size, int *out);
/* A piece of the file for a message: quoted, cut short, without control characters; returns out. */
const char *xyz_quote(char out[40], const char *text, size_t size);

/* A key of the comment line with its value. */
struct xyz_value {
    const char *key;
    const char *text; /* as it was written, quotes and escapes removed */
    int count;        /* of numbers; 0: it is no list of numbers or truth values, but a string */
    double *numbers;
    int column; /* where the key stands, from 1 */
    int used;
};

/* The comment line taken apart; the memory is used again for the next one. */
struct xyz_comment {
    size_t count, values_capacity;
    struct xyz_value *values;
    size_t capacity; /* length of a line that chars and numbers are enough for */
    char *chars;
    double *numbers;
};

int xyz_comment_parse(struct xyz_comment *comment, const char *line, size_t size, const char *file, int line_number,
                      struct error *error);
void xyz_comment_free(struct xyz_comment *comment);

/* A property: some columns of the atoms' lines. */
enum xyz_role { ROLE_FIELD, ROLE_SYMBOLS, ROLE_POSITIONS, ROLE_NUMBERS };
struct xyz_column {
    char name[64]; /* as ASE calls it: "positions" for pos, "numbers" for Z, "symbols" for species */
    enum xyz_role role;
    char type; /* R, I, S, L */
    int cols;
    const char *target; /* the field it becomes, NULL: none */
    double *values;     /* where the numbers go, [atoms][cols]; NULL: nowhere */
};

/* What a field of NequIP's is: rows for the frame or for each atom, and how wide; 0 if the name says nothing. */
struct xyz_known {
    const char *name;
    int per_atom, cols;
    int tensor; /* 9 numbers, or 6 in Voigt order: xx yy zz yz xz xy */
};
const struct xyz_known *xyz_known(const char *field);

/* Whether ASE takes the key for a result of a calculator, from the comment line or from columns. */
int xyz_is_property(const char *key);
int xyz_is_frame_property(const char *key);
/* The field that a key becomes, NULL if it is left out. *row: its place in mapping, or behind it in include; -1. */
const char *xyz_target(const struct extxyz_keys *keys, const char *key, int *row);

/* Whether values of that form can be the field.  One that ASE hands on unasked, and that is of another form, is
 * nobody's fault: it is left out, unless it is one that models learn (energy, forces, stress, virial). */
int xyz_value_fits(const char *target, const struct xyz_value *value, int atoms);
int xyz_column_fits(const char *target, char type, int cols);
int xyz_is_learned(const char *target);

/* Makes the field of a value of the comment line, or of columns that have been read. */
int xyz_store_value(struct frame *frame, const char *target, const struct xyz_value *value, const char *file, int line,
                    struct error *error);
int xyz_store_column(struct frame *frame, const struct xyz_column *column, const char *file, int line,
                     struct error *error);

#endif
