/* Properties: which columns the lines of atoms have, and where their numbers go. */
#include <stdlib.h>
#include <string.h>
#include "data/format/extxyz_parts.h"
#include "data/frame/input.h"

enum { MAX_COLUMNS = 4096, MUCH = 8 << 20 };

/* An atom's line has at least two characters a column: nothing is allocated on numbers that cannot be true. */
int xyz_check_left(const struct extxyz_reader *reader, double atoms, size_t columns, struct error *error) {
    double left = (double)(reader->end - reader->at) + (reader->input ? (double)input_left(reader->input) : 0);
    if (atoms * (double)columns <= left / 2 + 1)
        return 0;
    return error_at(error, ERROR_DATA, reader->name, reader->line, 1,
                    "frame %ld should have %.15g atoms, but the file ends before", reader->ordinal, atoms);
}

static int add_column(struct extxyz_reader *reader, const char *name, size_t size, char type, int cols,
                      struct error *error) {
    static const char *const renamed[][2] = {
        {"pos", "positions"}, {"Z", "numbers"}, {"charge", "charges"}, {"species", "symbols"}};
    char quoted[40];
    struct xyz_column *column = &reader->columns[reader->ncolumns];
    memset(column, 0, sizeof *column);
    if (!size || size >= sizeof column->name)
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties: the name %s is %s",
                        xyz_quote(quoted, name, size), size ? "too long" : "empty");
    memcpy(column->name, name, size);
    for (size_t k = 0; k < sizeof renamed / sizeof *renamed; k++)
        if (strcmp(column->name, renamed[k][0]) == 0)
            strcpy(column->name, renamed[k][1]);
    for (size_t k = 0; k < reader->ncolumns; k++)
        if (strcmp(reader->columns[k].name, column->name) == 0)
            return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties names %s twice",
                            column->name);
    column->type = type;
    column->cols = cols;
    column->role = strcmp(column->name, "symbols") == 0     ? ROLE_SYMBOLS
                   : strcmp(column->name, "positions") == 0 ? ROLE_POSITIONS
                   : strcmp(column->name, "numbers") == 0   ? ROLE_NUMBERS
                                                            : ROLE_FIELD;
    static const int columns_of[] = {[ROLE_SYMBOLS] = 1, [ROLE_POSITIONS] = 3, [ROLE_NUMBERS] = 1};
    int text = column->role == ROLE_SYMBOLS, wanted = columns_of[column->role];
    if (wanted && (cols != wanted || (type == 'S') != text))
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties: %s must be %d column%s of %s",
                        column->name, wanted, wanted > 1 ? "s" : "", text ? "strings (S)" : "numbers (R or I)");
    int row;
    column->target = wanted ? NULL : xyz_target(reader->keys, column->name, &row);
    if (!wanted && column->target && row >= 0)
        reader->seen[row] = 1;
    if (column->target && row < 0 && !xyz_column_fits(column->target, type, cols)) {
        const struct xyz_known *known = xyz_known(column->target);
        /* numbers of atoms where the frame has one: what ASE overwrites by the key of the comment line, if there is one
         */
        if (!xyz_is_learned(column->target) || (known && !known->per_atom))
            column->target = NULL;
    }
    if (column->target && type == 'S')
        return error_at(error, ERROR_DATA, reader->name, reader->line, 0,
                        "the column %s holds strings: it cannot become the field %s", column->name, column->target);
    reader->ncolumns++;
    return 0;
}

/* NAME:TYPE:COLS:... */
int xyz_parse_properties(struct extxyz_reader *reader, const char *text, struct error *error) {
    if (reader->properties && strcmp(reader->properties, text) == 0)
        return 0;
    free(reader->properties);
    reader->properties = NULL;
    reader->ncolumns = 0;
    size_t parts = 1;
    for (const char *c = text; *c; c++)
        parts += *c == ':';
    char quoted[40];
    if (parts % 3 != 0)
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0,
                        "Properties must be NAME:TYPE:COLUMNS, repeated, found %s",
                        xyz_quote(quoted, text, strlen(text)));
    if (parts / 3 > MAX_COLUMNS)
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties: too many columns");
    struct xyz_column *columns = realloc(reader->columns, (parts / 3 + 1) * sizeof *columns);
    if (!columns)
        return error_at(error, ERROR_MEMORY, reader->name, reader->line, 0, "out of memory");
    reader->columns = columns;
    long total = 0;
    for (const char *at = text; *at;) {
        size_t name = strcspn(at, ":");
        const char *type = at + name + 1, *cols = type + strcspn(type, ":") + 1;
        size_t digits = strcspn(cols, ":");
        double count;
        if (cols - type != 2 || !strchr("RISL", *type))
            return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0,
                            "Properties: %.*s is of type %s, not R, I, S or L", (int)(name < 64 ? name : 64), at,
                            xyz_quote(quoted, type, (size_t)(cols - type - 1)));
        if (!xyz_number(cols, digits, &count) || !(count >= 1 && count <= MAX_COLUMNS) || count != (int)count)
            return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties: %.*s has %s columns",
                            (int)(name < 64 ? name : 64), at, xyz_quote(quoted, cols, digits));
        total += (long)count;
        if (total > MAX_COLUMNS)
            return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties: too many columns");
        int code = add_column(reader, at, name, *type, (int)count, error);
        if (code)
            return code;
        at = cols + digits + (cols[digits] == ':');
    }
    int places = 0, species = 0;
    for (size_t k = 0; k < reader->ncolumns; k++) {
        enum xyz_role role = reader->columns[k].role;
        places |= role == ROLE_POSITIONS;
        species |= role == ROLE_SYMBOLS || role == ROLE_NUMBERS;
    }
    if (!places || !species)
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 0, "Properties has no %s: %s",
                        places ? "species:S:1 (or Z:I:1)" : "pos:R:3", xyz_quote(quoted, text, strlen(text)));
    reader->properties = strdup(text);
    return reader->properties ? 0 : error_at(error, ERROR_MEMORY, reader->name, reader->line, 0, "out of memory");
}

/* Memory for the numbers of the columns that become fields. */
int xyz_place_columns(struct extxyz_reader *reader, int atoms, struct error *error) {
    size_t total = 0, width = 0;
    for (size_t k = 0; k < reader->ncolumns; k++) {
        width += (size_t)reader->columns[k].cols;
        total += reader->columns[k].target ? (size_t)reader->columns[k].cols * (size_t)atoms : 0;
    }
    int code = total > MUCH ? xyz_check_left(reader, atoms, width, error) : 0;
    if (code)
        return code;
    if (total > reader->nvalues) {
        double *values = realloc(reader->values, total * sizeof *values);
        if (!values)
            return error_at(error, ERROR_MEMORY, reader->name, reader->line, 0, "out of memory");
        reader->values = values;
        reader->nvalues = total;
    }
    total = 0;
    for (size_t k = 0; k < reader->ncolumns; k++) {
        struct xyz_column *column = &reader->columns[k];
        column->values = column->target ? reader->values + total : NULL;
        total += column->target ? (size_t)column->cols * (size_t)atoms : 0;
    }
    return 0;
}
