/* Inside src/data: the parts of the extxyz reader. */
#ifndef FETTLE_DATA_EXTXYZ_PARTS_H
#define FETTLE_DATA_EXTXYZ_PARTS_H

#include <locale.h>
#include "base/text.h"
#include "data/format/extxyz.h"

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
    int open; /* column of a quote or bracket that nothing closes, so that it takes all that follows; 0: none */
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

struct extxyz_reader {
    const char *name, *at, *end;
    struct input *input; /* where more text comes from; NULL: there is no more */
    int line;            /* of the line that read_line gave last */
    long ordinal;
    int64_t next, step, left; /* the frame to be read next, the way to the one after it, how many there still are */
    int descends, to_the_end;
    const struct extxyz_keys *keys;
    struct xyz_comment comment;
    char *properties; /* the Properties that columns were made of */
    struct xyz_column *columns;
    size_t ncolumns;
    double *values; /* memory of the columns */
    size_t nvalues;
    char **unused; /* each distinct list of keys that were left out */
    size_t nunused;
    struct text scratch;
    unsigned char *seen; /* by rows of mapping and include */
    unsigned noticed;    /* what was told already */
    int extended;        /* the frame has Properties */
    struct text warnings;
    locale_t c_locale;
    struct error why; /* it could not be read on; the text seems to end here */
};

struct xyz_line {
    const char *text;
    size_t size;
};

/* The next word of a line; 0 if there is none. */
int xyz_word(struct xyz_line *line, struct xyz_line *word);

/* The columns that a value of Properties names, NAME:TYPE:COLS:..., into the reader's; then memory for the numbers of
 * those that become fields. */
int xyz_parse_properties(struct extxyz_reader *reader, const char *text, struct error *error);
int xyz_place_columns(struct extxyz_reader *reader, int atoms, struct error *error);
int xyz_check_left(const struct extxyz_reader *reader, double atoms, size_t columns, struct error *error);

/* What is told once a file: more columns than Properties names (rest: what follows the first of them on the line); a
 * field with several sources, of which `key` counts; what in the comment line is meant otherwise than it reads; keys
 * that were asked for and that no frame had. */
void xyz_tell_columns(struct extxyz_reader *reader, struct xyz_line rest);
void xyz_tell_sources(struct extxyz_reader *reader, const struct frame *frame, const char *target, const char *key);
void xyz_tell_comment(struct extxyz_reader *reader, const struct frame *frame, int line);
void xyz_tell_unseen(struct extxyz_reader *reader);

#endif
