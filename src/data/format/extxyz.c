#include "data/format/extxyz.h"
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/foreign.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "data/format/extxyz_parts.h"
#include "data/frame/data_input.h"
#include "data/frame/selection.h"

enum { MOST_ATOMS = INT_MAX / 64, ATOMS_AT_ONCE = 4096 };

int extxyz_open(struct extxyz_reader **out, const char *name, const char *text, size_t size,
                const struct extxyz_keys *keys, struct error *error) {
    *out = NULL;
    struct extxyz_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_memory(error);
    size_t rows = keys ? (size_t)(keys->nmapping + keys->ninclude) : 0;
    reader->seen = calloc(rows + 1, 1);
    reader->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!reader->seen || !reader->c_locale) {
        extxyz_close(reader);
        return error_memory(error);
    }
    reader->name = name;
    reader->at = text;
    reader->end = text + size;
    reader->keys = keys;
    reader->step = 1;
    reader->left = INT64_MAX;
    *out = reader;
    return 0;
}

static int open_input(struct extxyz_reader **out, const char *name, const char *path, int hashed,
                      const struct extxyz_keys *keys, struct error *error) {
    struct data_input *input;
    int code = input_open(&input, path, hashed, error);
    *out = NULL;
    if (code)
        return code;
    if ((code = extxyz_open(out, name, "", 0, keys, error)))
        input_close(input);
    else
        (*out)->input = input;
    return code;
}

/* The number of frames, for a choice that counts from the end. */
static int count_frames(const char *name, const char *path, int64_t *out, struct error *error) {
    struct extxyz_reader *reader;
    struct frame *frame;
    int code = open_input(&reader, name, path, 0, NULL, error);
    if (code)
        return code;
    reader->next = INT64_MAX;
    code = extxyz_next(reader, &frame, error);
    *out = reader->ordinal;
    extxyz_close(reader);
    return code;
}

int extxyz_open_file(struct extxyz_reader **out, const char *name, const char *path, int hashed,
                     const struct extxyz_keys *keys, struct error *error) {
    struct selection chosen;
    int64_t frames = INT64_MAX;
    *out = NULL;
    int code = selection_parse(&chosen, path, keys && keys->whole_name, error);
    if (!code && selection_needs_count(&chosen))
        code = count_frames(name, chosen.path, &frames, error);
    if (!code)
        code = open_input(out, name, chosen.path, hashed, keys, error);
    if (!code && chosen.index) {
        struct extxyz_reader *reader = *out;
        selection_resolve(&chosen, frames, &reader->next, &reader->step, &reader->left, &reader->descends);
        reader->to_the_end = hashed;
    }
    selection_free(&chosen);
    return code;
}

const char *extxyz_nothing(const struct extxyz_reader *reader) {
    return reader->left < INT64_MAX / 2 ? "what follows the @ chooses none of the file's frames"
           : extxyz_size(reader)        ? "the file has no frames"
                                        : "the file is empty";
}

int extxyz_descends(const struct extxyz_reader *reader) {
    return reader->descends;
}

uint64_t extxyz_size(const struct extxyz_reader *reader) {
    return reader->input ? input_size(reader->input) : 0;
}

uint64_t extxyz_hash(const struct extxyz_reader *reader) {
    return reader->input ? input_hash(reader->input) : 0;
}

void extxyz_close(struct extxyz_reader *reader) {
    if (!reader)
        return;
    input_close(reader->input);
    for (size_t k = 0; k < reader->nunused; k++)
        free(reader->unused[k]);
    free(reader->unused);
    text_free(&reader->scratch);
    text_free(&reader->warnings);
    xyz_comment_free(&reader->comment);
    free(reader->properties);
    free(reader->columns);
    free(reader->values);
    free(reader->seen);
    if (reader->c_locale)
        freelocale(reader->c_locale);
    free(reader);
}

/* Reads on until the line that begins at reader->at has an end, or NULL. */
static const char *find_newline(struct extxyz_reader *reader) {
    for (;;) {
        size_t seen = (size_t)(reader->end - reader->at);
        if (input_more(reader->input, &reader->at, &reader->end, &reader->why))
            return NULL;
        size_t size = (size_t)(reader->end - reader->at);
        const char *newline = memchr(reader->at + seen, '\n', size - seen);
        if (newline || size == seen)
            return newline;
    }
}

/* The next line without its end; 0 at the end of the text.  The line before is gone then.  A mark that says that the
 * text is UTF-8 is none of it. */
static int read_line(struct extxyz_reader *reader, struct xyz_line *line) {
    const char *newline =
        reader->at < reader->end ? memchr(reader->at, '\n', (size_t)(reader->end - reader->at)) : NULL;
    if (!newline && reader->input && !reader->why.code)
        newline = find_newline(reader);
    if (reader->at >= reader->end || reader->why.code)
        return 0;
    const char *stop = newline ? newline : reader->end;
    line->text = reader->at;
    line->size = (size_t)(stop - reader->at);
    if (!reader->line && line->size >= 3 && !memcmp(line->text, "\xEF\xBB\xBF", 3)) {
        line->text += 3;
        line->size -= 3;
    }
    if (line->size && line->text[line->size - 1] == '\r')
        line->size--;
    reader->at = newline ? newline + 1 : reader->end;
    if (reader->line < INT_MAX)
        reader->line++;
    /* what the first line is, that of a binary file maybe, is told where a number is expected */
    const char *zero = reader->line > 1 ? memchr(line->text, 0, line->size) : NULL;
    if (zero)
        error_at(&reader->why, ERROR_SYNTAX, reader->name, reader->line, (int)(zero - line->text) + 1, "a zero byte");
    return !zero;
}

/* The next word of a line; 0 if there is none. */
/* The number of atoms that begins a frame; 0 atoms at the end of the text. */
static int read_count(struct extxyz_reader *reader, int *atoms, struct error *error) {
    struct xyz_line line, word, rest;
    char quoted[40];
    int blank = 0;
    *atoms = 0;
    do {
        if (!read_line(reader, &line))
            return 0;
        rest = line;
        if (!xyz_word(&rest, &word))
            blank = blank ? blank : reader->line;
        else
            break;
    } while (1);
    if (blank)
        return error_at(error, ERROR_SYNTAX, reader->name, blank, 0,
                        "a blank line where a frame should begin: only the end of the file may be blank");
    double value;
    struct xyz_line more;
    int whole = 1;
    for (size_t k = word.text[0] == '+' || word.text[0] == '-'; k < word.size; k++)
        whole &= word.text[k] >= '0' && word.text[k] <= '9';
    if (!whole || !xyz_number(word.text, word.size, &value) || xyz_word(&rest, &more)) {
        int code = reader->line > 1 ? 0
                                    : foreign_refuse(FOREIGN_FRAMES, reader->name, line.text,
                                                     (size_t)(reader->end - line.text), error);
        if (code)
            return code;
        return error_at(error, ERROR_SYNTAX, reader->name, reader->line, 1,
                        "expected the number of atoms of frame %ld, found %s", reader->ordinal,
                        xyz_quote(quoted, line.text, line.size));
    }
    if (!(value >= 1))
        return error_at(error, ERROR_DATA, reader->name, reader->line, 1, "frame %ld has %s atoms", reader->ordinal,
                        value < 0 ? "less than no" : "no");
    int code = xyz_check_left(reader, value, 1, error);
    if (!code && value > MOST_ATOMS)
        code = error_at(error, ERROR_DATA, reader->name, reader->line, 1,
                        "frame %ld should have %.15g atoms, more than the %d that a frame may have", reader->ordinal,
                        value, MOST_ATOMS);
    *atoms = code ? 0 : (int)value;
    return code;
}

/* ---------------------------------------------------------------- atoms */

static int read_symbol(struct frame *frame, int i, const struct xyz_line *word) {
    char *symbol = frame->symbols[i];
    double number;
    if (word->size >= sizeof frame->symbols[i])
        return 0;
    if (word->text[0] >= '0' && word->text[0] <= '9') {
        if (!xyz_number(word->text, word->size, &number) || !(number >= 1 && number <= 118))
            return 0;
        frame->numbers[i] = (int)number;
        strcpy(symbol, element_symbol((int)number));
        return 1;
    }
    for (size_t k = 0; k < word->size; k++) {
        char c = word->text[k];
        if (k == 0)
            symbol[k] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        else
            symbol[k] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    symbol[word->size] = 0;
    /* neighbours in a file are often alike */
    frame->numbers[i] =
        i > 0 && strcmp(symbol, frame->symbols[i - 1]) == 0 ? frame->numbers[i - 1] : element_number(symbol);
    return 1;
}

static int read_value(const struct xyz_column *column, const struct xyz_line *word, double *out) {
    int truth;
    if (column->type == 'L') {
        if (!xyz_bool(word->text, word->size, &truth))
            return 0;
        *out = truth;
        return 1;
    }
    return xyz_number(word->text, word->size, out);
}

static int read_atom(struct extxyz_reader *reader, struct frame *frame, int i, struct error *error) {
    struct xyz_line line, word;
    char quoted[40];
    if (!read_line(reader, &line))
        return error_at(error, ERROR_DATA, reader->name, reader->line, 0,
                        "the file ends in the middle of frame %ld: it should have %d atoms, and has %d",
                        reader->ordinal, frame->atoms, i);
    const char *begin = line.text;
    int by_number = 0;
    for (size_t k = 0; k < reader->ncolumns; k++) {
        struct xyz_column *column = &reader->columns[k];
        for (int c = 0; c < column->cols; c++) {
            if (!xyz_word(&line, &word))
                return error_at(error, ERROR_DATA, reader->name, reader->line, 0,
                                "atom %d of frame %ld: the line ends before column %d of %s", i, reader->ordinal, c + 1,
                                column->name);
            double value = 0;
            int good = 1;
            if (column->role == ROLE_SYMBOLS) {
                good = by_number || read_symbol(frame, i, &word);
            } else if (column->role == ROLE_POSITIONS) {
                good = read_value(column, &word, &frame->pos[3 * i + c]);
            } else if (column->role == ROLE_NUMBERS) {
                good = read_value(column, &word, &value) && value >= 1 && value <= 118;
                if (good) {
                    frame->numbers[i] = (int)value;
                    strcpy(frame->symbols[i], element_symbol((int)value));
                    by_number = 1;
                }
            } else if (column->values) {
                good = read_value(column, &word, &column->values[(size_t)i * (size_t)column->cols + (size_t)c]);
            }
            if (!good)
                return error_at(error, ERROR_DATA, reader->name, reader->line, (int)(word.text - begin) + 1,
                                "atom %d of frame %ld: %s is %s", i, reader->ordinal, column->name,
                                xyz_quote(quoted, word.text, word.size));
        }
    }
    if (reader->extended && line.size && xyz_word(&line, &word))
        xyz_tell_columns(reader, line);
    return 0;
}

/* ---------------------------------------------------------------- the comment line */

static struct xyz_value *find_value(struct extxyz_reader *reader, const char *key) {
    struct xyz_value *found = NULL; /* the last one counts */
    for (size_t k = 0; k < reader->comment.count; k++)
        if (strcmp(reader->comment.values[k].key, key) == 0) {
            found = &reader->comment.values[k];
            found->used = 1;
        }
    return found;
}

static int read_cell(struct extxyz_reader *reader, struct frame *frame, int line, struct error *error) {
    const struct xyz_value *lattice = find_value(reader, "Lattice"), *pbc = find_value(reader, "pbc");
    char quoted[40];
    if (lattice) {
        if (lattice->count != 9)
            return error_at(error, ERROR_DATA, reader->name, line, lattice->column,
                            "Lattice must be 9 numbers, found %s",
                            xyz_quote(quoted, lattice->text, strlen(lattice->text)));
        memcpy(frame->cell, lattice->numbers, sizeof frame->cell);
        for (int k = 0; k < 9; k++)
            frame->has_cell |= frame->cell[k] != 0;
        memset(frame->pbc, 1, sizeof frame->pbc);
    }
    if (pbc) {
        if (pbc->count != 3 && pbc->count != 1)
            return error_at(error, ERROR_DATA, reader->name, line, pbc->column,
                            "pbc must be three truth values (\"T T F\"), found %s",
                            xyz_quote(quoted, pbc->text, strlen(pbc->text)));
        for (int d = 0; d < 3; d++)
            frame->pbc[d] = pbc->numbers[pbc->count == 3 ? d : 0] != 0;
    }
    if (!frame->has_cell && (frame->pbc[0] || frame->pbc[1] || frame->pbc[2]))
        return error_at(error, ERROR_DATA, reader->name, line, 0,
                        "frame %ld is periodic, but has no cell (a Lattice that is not zero)", reader->ordinal);
    return 0;
}

const char *extxyz_warnings(const struct extxyz_reader *reader) {
    return reader->warnings.data ? reader->warnings.data : "";
}

/* All fields, the sources that go before others last. */
static int store_fields(struct extxyz_reader *reader, struct frame *frame, int line, struct error *error) {
    int code = 0, row;
    for (int rank = 0; rank < 4 && !code; rank++) {
        int results = rank >= 2;
        if (rank == 0 || rank == 2) {
            for (size_t k = 0; k < reader->ncolumns && !code; k++) {
                const struct xyz_column *column = &reader->columns[k];
                if (!column->target || xyz_is_property(column->name) != results)
                    continue;
                xyz_tell_sources(reader, frame, column->target, column->name);
                code = xyz_store_column(frame, column, reader->name, line, error);
            }
            continue;
        }
        for (size_t k = 0; k < reader->comment.count && !code; k++) {
            struct xyz_value *value = &reader->comment.values[k];
            if (xyz_is_frame_property(value->key) != results)
                continue;
            const char *target = xyz_target(reader->keys, value->key, &row);
            if (!target || (row < 0 && !xyz_is_learned(target) && !xyz_value_fits(target, value, frame->atoms)))
                continue;
            value->used = 1;
            if (row >= 0)
                reader->seen[row] = 1;
            xyz_tell_sources(reader, frame, target, value->key);
            code = xyz_store_value(frame, target, value, reader->name, line, error);
        }
    }
    return code;
}

static int list_unused(struct extxyz_reader *reader, struct frame *frame) {
    struct text *list = &reader->scratch;
    text_clear(list);
    for (size_t k = 0; k < reader->comment.count; k++)
        if (!reader->comment.values[k].used)
            text_format(list, "%s%s", list->size ? " " : "", reader->comment.values[k].key);
    for (size_t k = 0; k < reader->ncolumns; k++) {
        const struct xyz_column *column = &reader->columns[k];
        if (!column->target && strcmp(column->name, "positions") != 0 && strcmp(column->name, "numbers") != 0 &&
            strcmp(column->name, "symbols") != 0)
            text_format(list, "%s%s", list->size ? " " : "", column->name);
    }
    if (list->failed)
        return 0;
    if (!list->size)
        return 1;
    for (size_t k = reader->nunused; k-- > 0;) {
        if (strcmp(reader->unused[k], list->data) == 0) {
            frame->unused = reader->unused[k];
            return 1;
        }
    }
    if (reader->nunused >= 64) /* a file whose keys never repeat: the newest lists say enough */
        return 1;
    char **unused = realloc(reader->unused, (reader->nunused + 1) * sizeof *unused);
    if (!unused)
        return 0;
    reader->unused = unused;
    unused[reader->nunused] = strdup(list->data);
    if (!unused[reader->nunused])
        return 0;
    frame->unused = unused[reader->nunused++];
    return 1;
}

static int read_atoms(struct extxyz_reader *reader, struct frame *frame, struct error *error) {
    int code = 0;
    for (int i = 0; i < frame->atoms && !code; i++)
        if (i % ATOMS_AT_ONCE || !(code = interrupt_check(error)))
            code = read_atom(reader, frame, i, error);
    return code;
}

/* Passes over the frames in front of the one that is to be read, whatever is in them. */
static int find_frame(struct extxyz_reader *reader, int *atoms, struct error *error) {
    struct xyz_line line;
    for (int code = 0;; reader->ordinal++) {
        if (!reader->left && !reader->to_the_end)
            return *atoms = 0;
        if ((code = read_count(reader, atoms, error)) || !*atoms)
            return code;
        if (reader->left && reader->ordinal == reader->next)
            return 0;
        for (int k = 0; k <= *atoms; k++)
            if (!read_line(reader, &line))
                return error_at(error, ERROR_DATA, reader->name, reader->line, 0,
                                "the file ends in the middle of frame %ld, which should have %d atoms", reader->ordinal,
                                *atoms);
        if ((code = interrupt_check(error)))
            return code;
    }
}

static int read_frame(struct extxyz_reader *reader, struct frame **out, struct error *error) {
    static const char plain[] = "species:S:1:pos:R:3";
    struct xyz_line line;
    int atoms, code = find_frame(reader, &atoms, error);
    if (code)
        return code;
    if (!atoms) {
        xyz_tell_unseen(reader);
        return 0;
    }
    if (!read_line(reader, &line))
        return error_at(error, ERROR_DATA, reader->name, reader->line, 0,
                        "the file ends after the number of atoms of frame %ld", reader->ordinal);
    int comment_line = reader->line;
    reader->comment.count = 0;
    if (!reader->keys || !reader->keys->plain)
        code = xyz_comment_parse(&reader->comment, line.text, line.size, reader->name, comment_line, error);
    if (code)
        return code;
    struct frame *frame = frame_new(atoms);
    if (!frame)
        return error_at(error, ERROR_MEMORY, reader->name, comment_line, 0, "out of memory");
    frame->source = reader->name;
    frame->ordinal = reader->ordinal;
    const struct xyz_value *properties = find_value(reader, "Properties");
    reader->extended = properties != NULL;
    code = xyz_parse_properties(reader, properties ? properties->text : plain, error);
    if (!code)
        code = read_cell(reader, frame, comment_line, error);
    if (!code)
        code = xyz_place_columns(reader, atoms, error);
    if (!code)
        code = read_atoms(reader, frame, error);
    if (!code)
        code = store_fields(reader, frame, comment_line, error);
    if (!code)
        xyz_tell_comment(reader, frame, comment_line);
    if (!code && !list_unused(reader, frame))
        code = error_at(error, ERROR_MEMORY, reader->name, comment_line, 0, "out of memory");
    if (code) {
        frame_free(frame);
        return code;
    }
    reader->left--;
    reader->next = reader->next <= INT64_MAX - reader->step ? reader->next + reader->step : INT64_MAX;
    reader->ordinal++;
    *out = frame;
    return 0;
}

int extxyz_next(struct extxyz_reader *reader, struct frame **out, struct error *error) {
    *out = NULL;
    locale_t before = uselocale(reader->c_locale);
    int code = read_frame(reader, out, error);
    uselocale(before);
    if (reader->why.code) { /* rather than what the end of the text made of it */
        frame_free(*out);
        *out = NULL;
        code = (int)reader->why.code;
        if (error)
            *error = reader->why;
    }
    return code;
}
