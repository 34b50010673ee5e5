/* Makes the file of a cache. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "data/set/cache_file.h"

const char cache_magic[8] = {'f', 'e', 't', 't', 'l', 'e', 'C', '3'};

struct cache_arrays cache_lay_out(size_t atoms, size_t pairs, size_t doubles) {
    struct cache_arrays a = {.fields = 3 * atoms * sizeof(double)};
    a.symbols = a.fields + doubles * sizeof(double);
    a.numbers = a.symbols + 8 * atoms;
    a.types = a.numbers + atoms * sizeof(int);
    a.pair_i = a.types + atoms * sizeof(int);
    a.pair_j = a.pair_i + pairs * sizeof(int);
    a.pair_shift = a.pair_j + pairs * sizeof(int);
    a.size = (a.pair_shift + 3 * pairs * sizeof(int) + 7) / 8 * 8;
    return a;
}

struct cache_making {
    FILE *out;
    uint64_t at;
    struct text frame; /* the arrays of one */
    struct text records, fields, strings;
    uint64_t nfields, frames;
};

static void add_array(struct text *to, const void *array, size_t count, size_t size) {
    if (count)
        text_add_bytes(to, array, count * size);
}

static void align(struct text *text) {
    static const char zeros[8];
    text_add_bytes(text, zeros, (8 - text->size % 8) % 8);
}

static void put(struct cache_making *m, const void *bytes, size_t size) {
    if (size)
        fwrite(bytes, 1, size, m->out);
    m->at += size;
}

/* As a rule the list is the same for all frames: it is kept once for those that follow each other. */
static void add_unused(struct cache_making *m, struct cache_record *r, const char *unused) {
    size_t size = strlen(unused) + 1;
    if (m->strings.size < size || memcmp(m->strings.data + m->strings.size - size, unused, size) != 0)
        text_add_bytes(&m->strings, unused, size);
    r->unused_size = (int32_t)size;
    r->unused = m->strings.size - size;
}

static void put_frame(struct cache_making *m, const struct frame *frame) {
    size_t atoms = (size_t)frame->atoms, pairs = frame->npairs > 0 ? (size_t)frame->npairs : 0;
    struct text *arrays = &m->frame;
    struct cache_record r = {.at = m->at,
                             .ordinal = frame->ordinal,
                             .atoms = frame->atoms,
                             .npairs = frame->npairs,
                             .directed = frame->directed,
                             .has_cell = frame->has_cell,
                             .nfields = frame->nfields,
                             .field = m->nfields};
    memcpy(r.cell, frame->cell, sizeof r.cell);
    memcpy(r.pbc, frame->pbc, sizeof frame->pbc);
    text_clear(arrays);
    add_array(arrays, frame->pos, 3 * atoms, sizeof *frame->pos);
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        struct cache_field cached = {.per_atom = field->per_atom, .cols = field->cols};
        memcpy(cached.name, field->name, sizeof cached.name);
        text_add_bytes(&m->fields, &cached, sizeof cached);
        m->nfields++;
        add_array(arrays, field->values, (size_t)field->cols * (field->per_atom ? atoms : 1), sizeof *field->values);
    }
    add_array(arrays, frame->symbols, atoms, sizeof *frame->symbols);
    add_array(arrays, frame->numbers, atoms, sizeof *frame->numbers);
    add_array(arrays, frame->types, atoms, sizeof *frame->types);
    add_array(arrays, frame->pair_i, pairs, sizeof *frame->pair_i);
    add_array(arrays, frame->pair_j, pairs, sizeof *frame->pair_j);
    add_array(arrays, frame->pair_shift, 3 * pairs, sizeof *frame->pair_shift);
    align(arrays);
    r.size = arrays->size;
    r.hash = hash_bytes(0, arrays->data, arrays->size);
    put(m, arrays->data, arrays->size);
    add_unused(m, &r, frame->unused);
    text_add_bytes(&m->records, &r, sizeof r);
    m->frames++;
}

/* Frame after frame, none of which stays in memory. */
static int put_frames(struct cache_making *m, struct extxyz_reader *reader, struct transforms *transforms,
                      struct error *error) {
    for (;;) {
        struct frame *frame;
        int code = extxyz_next(reader, &frame, error);
        if (code || !frame)
            return code;
        code = transforms_apply(transforms, frame, error);
        if (!code)
            put_frame(m, frame);
        if (!code && m->frame.failed)
            code = error_memory(error);
        transforms_forget(transforms, frame);
        frame_free(frame);
        if (code || (code = interrupt_check(error)))
            return code;
    }
}

/* A table's place in the file.  The hash goes on over it. */
static uint64_t put_table(struct cache_making *m, const void *bytes, size_t size, uint64_t *hash) {
    static const char zeros[8];
    uint64_t at = m->at;
    put(m, bytes, size);
    put(m, zeros, (8 - size % 8) % 8);
    *hash = hash_bytes(*hash, bytes, size);
    return at;
}

/* In the order of cache_hash_tables. */
static void put_tables(struct cache_making *m, const struct cache_source *source, const char *warnings) {
    struct cache_head head = {.source_size = source->size,
                              .source_hash = source->hash,
                              .tables = m->at,
                              .key_size = source->key.size,
                              .frames = m->frames,
                              .nfields = m->nfields,
                              .strings_size = m->strings.size,
                              .warnings_size = strlen(warnings)};
    uint64_t hash = 0;
    memcpy(head.magic, cache_magic, sizeof cache_magic);
    head.strings = put_table(m, m->strings.data, m->strings.size, &hash);
    head.records = put_table(m, m->records.data, m->records.size, &hash);
    head.fields = put_table(m, m->fields.data, m->fields.size, &hash);
    head.key = put_table(m, source->key.data, source->key.size, &hash);
    head.warnings = put_table(m, warnings, strlen(warnings), &hash);
    head.size = m->at;
    head.hash = hash_bytes(hash, &head, sizeof head);
    fseek(m->out, 0, SEEK_SET);
    fwrite(&head, sizeof head, 1, m->out);
}

int cache_make(struct cache_source *source, const char *cache, const struct extxyz_keys *keys,
               struct transforms *transforms, int *unwritten, struct error *error) {
    struct cache_making m = {.out = NULL};
    struct file_writer *writer = NULL;
    struct extxyz_reader *reader = NULL;
    struct error why = {0};
    struct cache_head head = {.size = 0};
    *unwritten = file_writer_open_own(&writer, cache, &why) != 0;
    if (*unwritten)
        return 0;
    m.out = file_writer_stream(writer);
    put(&m, &head, sizeof head);
    int code = extxyz_open_file(&reader, source->name, source->name, 1, keys, error);
    if (!code)
        code = put_frames(&m, reader, transforms, error);
    if (!code) {
        source->size = extxyz_size(reader);
        source->hash = extxyz_hash(reader);
        if (!m.frames)
            code = error_at(error, ERROR_DATA, source->name, 0, 0, "%s", extxyz_nothing(reader));
    }
    if (!code && (m.records.failed || m.fields.failed || m.strings.failed))
        code = error_memory(error);
    if (!code)
        put_tables(&m, source, extxyz_warnings(reader));
    if (code)
        file_writer_abort(writer);
    else
        *unwritten = file_writer_commit(writer, &why) != 0;
    extxyz_close(reader);
    text_free(&m.frame);
    text_free(&m.records);
    text_free(&m.fields);
    text_free(&m.strings);
    return code;
}
