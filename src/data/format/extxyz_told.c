/* What the reader of extended XYZ tells of a file: once each, and again where a cache of the file is used. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/log.h"
#include "base/print.h"
#include "data/format/extxyz_parts.h"

/* What is told of a file once. */
enum notice { NOTICE_SOURCES, NOTICE_LATTICE, NOTICE_OPEN, NOTICE_COLUMNS };

static void warn(struct extxyz_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct extxyz_reader *reader, const char *format, ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    print_to_v(message, sizeof message, format, arguments);
    va_end(arguments);
    log_message(LOG_WARNING, "%s", message);
    text_format(&reader->warnings, "%s\n", message);
}

/* Whether it is the first time. */
static int is_new(struct extxyz_reader *reader, enum notice notice) {
    int new = !(reader->noticed >> notice & 1);
    reader->noticed |= 1u << notice;
    return new;
}

/* More on a line than Properties names: where a column is missing there, all behind it are read from the wrong ones. */
void xyz_tell_columns(struct extxyz_reader *reader, struct xyz_line rest) {
    if (!is_new(reader, NOTICE_COLUMNS))
        return;
    struct xyz_line word;
    int more = 1, named = 0, from = 0;
    const struct xyz_column *last = NULL;
    while (xyz_word(&rest, &word))
        more++;
    for (size_t k = 0; k < reader->ncolumns; k++) {
        const struct xyz_column *column = &reader->columns[k];
        if (column->target) {
            last = column;
            from = named + 1;
        }
        named += column->cols;
    }
    struct text which = {0};
    if (last)
        text_format(&which, ": %s is read from column%s %d", last->target, last->cols > 1 ? "s" : "", from);
    if (last && last->cols > 1)
        text_format(&which, " to %d", from + last->cols - 1);
    warn(reader, "%s:%d: the line has %d columns, but Properties names %d%s%s", reader->name, reader->line,
         named + more, named, which.data ? which.data : "", which.data ? ", which may be other numbers" : "");
    text_free(&which);
}

void xyz_tell_sources(struct extxyz_reader *reader, const struct frame *frame, const char *target, const char *key) {
    if (!frame_field(frame, target) || !is_new(reader, NOTICE_SOURCES))
        return;
    warn(reader, "%s: %s has several sources; the key %s goes before the others (exclude_keys can drop it)",
         reader->name, target, key);
}

/* Keys that are meant for the cell, and quotes that take in what follows. */
void xyz_tell_comment(struct extxyz_reader *reader, const struct frame *frame, int line) {
    static const char *const cells[] = {"lattice", "cell", "lattice_vectors", "box"};
    const struct xyz_comment *comment = &reader->comment;
    for (size_t k = 0; k < comment->count && !frame->has_cell; k++) {
        const struct xyz_value *value = &comment->values[k];
        int meant = 0;
        for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
            meant |= !value->used && !strcasecmp(value->key, cells[c]);
        if (meant && (value->count == 9 || value->count == 6 || value->count == 3) && is_new(reader, NOTICE_LATTICE))
            warn(reader, "%s:%d: %s is no key of extended XYZ, Lattice is: the frame is read as not periodic",
                 reader->name, line, value->key);
    }
    if (comment->open && comment->count && is_new(reader, NOTICE_OPEN)) {
        char quoted[40];
        const char *text = comment->values[comment->count - 1].text;
        warn(reader,
             "%s:%d: what begins in column %d with a quote or bracket is never closed, and takes in all that "
             "follows: %s is %s",
             reader->name, line, comment->open, comment->values[comment->count - 1].key,
             xyz_quote(quoted, text, strlen(text)));
    }
}

void xyz_tell_unseen(struct extxyz_reader *reader) {
    const struct extxyz_keys *keys = reader->keys;
    if (!keys || reader->ordinal == 0)
        return;
    for (int row = 0; row < keys->nmapping + keys->ninclude; row++) {
        const char *key = row < keys->nmapping ? keys->mapping_from[row] : keys->include[row - keys->nmapping];
        if (!reader->seen[row])
            warn(reader, "%s: no frame has the key %s that %s names%s%s", reader->name, key,
                 row < keys->nmapping ? "key_mapping" : "include_keys", reader->nunused ? "; not used are: " : "",
                 reader->nunused ? reader->unused[0] : "");
    }
}
