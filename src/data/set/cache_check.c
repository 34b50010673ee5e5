/* Whether a cache may be believed. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "data/format/extxyz_parts.h"
#include "data/set/cache_file.h"

enum { FARTHEST = 1 << 30 /* cells; neighbour lists know no farther images */ };

static int inside(uint64_t at, uint64_t count, uint64_t each, uint64_t begin, uint64_t end) {
    return at >= begin && at <= end && at % 8 == 0 && count <= (end - at) / each;
}

uint64_t cache_hash_tables(const char *data, const struct cache_head *head) {
    struct cache_head own = *head;
    uint64_t hash = hash_bytes(0, data + head->strings, (size_t)head->strings_size);
    hash = hash_bytes(hash, data + head->records, (size_t)head->frames * sizeof(struct cache_record));
    hash = hash_bytes(hash, data + head->fields, (size_t)head->nfields * sizeof(struct cache_field));
    hash = hash_bytes(hash, data + head->key, (size_t)head->key_size);
    hash = hash_bytes(hash, data + head->warnings, (size_t)head->warnings_size);
    own.hash = 0;
    return hash_bytes(hash, &own, sizeof own);
}

static const char *check_head(const char *data, size_t size, const struct cache_head *head) {
    uint64_t tables = head->tables;
    if (head->size != size || tables < sizeof *head || tables > size)
        return "its size is another one";
    if (!inside(head->strings, head->strings_size, 1, tables, size) ||
        !inside(head->records, head->frames, sizeof(struct cache_record), tables, size) ||
        !inside(head->fields, head->nfields, sizeof(struct cache_field), tables, size) ||
        !inside(head->key, head->key_size, 1, tables, size) ||
        !inside(head->warnings, head->warnings_size, 1, tables, size) || !head->frames)
        return "its tables lie elsewhere";
    return cache_hash_tables(data, head) == head->hash ? NULL : "its tables have another hash";
}

static int is_flag(int32_t value) {
    return value == 0 || value == 1;
}

/* Fields as the reader makes them. */
static int fields_are_sound(const struct cache_field *fields, int count) {
    for (int k = 0; k < count; k++) {
        const struct cache_field *field = &fields[k];
        if (!memchr(field->name, 0, sizeof field->name) || !field->name[0] || !is_flag(field->per_atom) ||
            field->cols < 1)
            return 0;
        const struct xyz_known *known = xyz_known(field->name);
        if (known && (known->per_atom != field->per_atom || known->cols != field->cols))
            return 0;
        for (int j = 0; j < k; j++)
            if (!strcmp(fields[j].name, field->name))
                return 0;
    }
    return 1;
}

static int count_doubles(const struct cache_field *fields, int count, uint64_t atoms, uint64_t most, uint64_t *out) {
    for (int k = 0; k < count; k++) {
        *out += (uint64_t)fields[k].cols * (fields[k].per_atom ? atoms : 1);
        if (*out > most)
            return 0;
    }
    return 1;
}

static const char *check_record(const char *data, const struct cache_head *head, uint64_t f,
                                const struct cache_record *before) {
    const struct cache_record *r = (const struct cache_record *)(data + head->records) + f;
    const struct cache_field *fields = (const struct cache_field *)(data + head->fields);
    uint64_t doubles = 0;
    int periodic = r->pbc[0] | r->pbc[1] | r->pbc[2];
    if (r->atoms < 1 || r->npairs < -1 || !is_flag(r->directed) || !is_flag(r->has_cell) || periodic > 1 ||
        (periodic && !r->has_cell) || r->ordinal < 0 || (before && r->ordinal <= before->ordinal))
        return "a frame is impossible";
    for (int k = 0; k < 9; k++)
        if (!isfinite(r->cell[k]))
            return "a cell is not finite";
    if (r->nfields < 0 || r->field > head->nfields || (uint64_t)r->nfields > head->nfields - r->field)
        return "fields lie elsewhere";
    /* as a rule all frames have the same fields */
    if (!(before && before->nfields == r->nfields &&
          !memcmp(fields + before->field, fields + r->field, (size_t)r->nfields * sizeof *fields)) &&
        !fields_are_sound(fields + r->field, r->nfields))
        return "a field is impossible";
    if (r->unused_size < 1 || r->unused > head->strings_size ||
        (uint64_t)r->unused_size > head->strings_size - r->unused ||
        data[head->strings + r->unused + (uint64_t)r->unused_size - 1] != 0)
        return "a list of keys has no end";
    if (!inside(r->at, r->size, 1, sizeof *head, head->tables) ||
        !count_doubles(fields + r->field, r->nfields, (uint64_t)r->atoms, r->size / sizeof(double), &doubles) ||
        cache_lay_out((size_t)r->atoms, r->npairs > 0 ? (size_t)r->npairs : 0, (size_t)doubles).size != r->size)
        return "the arrays of a frame lie elsewhere";
    return NULL;
}

enum cache_verdict cache_check_tables(const char *data, size_t size, const struct cache_source *source,
                                      const char **why) {
    const struct cache_head *head = (const struct cache_head *)data;
    if (size < sizeof *head || memcmp(head->magic, cache_magic, sizeof cache_magic) != 0)
        return CACHE_OTHER;
    if ((*why = check_head(data, size, head)))
        return CACHE_DAMAGED;
    if (head->source_size != source->size || head->key_size != source->key.size ||
        (source->key.size && memcmp(data + head->key, source->key.data, source->key.size) != 0))
        return CACHE_OTHER;
    const struct cache_record *records = (const struct cache_record *)(data + head->records);
    for (uint64_t f = 0; f < head->frames && !*why; f++)
        *why = check_record(data, head, f, f ? &records[f - 1] : NULL);
    return *why ? CACHE_DAMAGED : CACHE_GOOD;
}

/* ---------------------------------------------------------------- frames */

static int all_below(const int *values, size_t count, unsigned bound) {
    unsigned bad = 0;
    for (size_t k = 0; k < count; k++)
        bad |= (unsigned)values[k] >= bound;
    return !bad;
}

static int all_finite(const double *values, size_t count) {
    unsigned bad = 0;
    for (size_t k = 0; k < count; k++)
        bad |= !(fabs(values[k]) <= DBL_MAX);
    return !bad;
}

static int shifts_are_sound(const int *shift, size_t pairs, const unsigned char *pbc) {
    unsigned far = 0, any[3] = {0};
    for (size_t p = 0; p < pairs; p++)
        for (int d = 0; d < 3; d++) {
            unsigned s = (unsigned)shift[3 * p + (size_t)d];
            far |= s + FARTHEST > 2u * FARTHEST;
            any[d] |= s;
        }
    return !far && (pbc[0] || !any[0]) && (pbc[1] || !any[1]) && (pbc[2] || !any[2]);
}

static const char *check_frame(const char *data, const struct cache_record *r, const struct cache_field *fields,
                               int ntypes, int listed) {
    size_t atoms = (size_t)r->atoms, pairs = r->npairs > 0 ? (size_t)r->npairs : 0;
    uint64_t doubles = 0;
    const char *at = data + r->at;
    if (hash_bytes(0, at, (size_t)r->size) != r->hash)
        return "a frame has another hash";
    count_doubles(fields, r->nfields, atoms, r->size, &doubles);
    struct cache_arrays a = cache_lay_out(atoms, pairs, (size_t)doubles);
    for (size_t i = 0; i < atoms; i++)
        if (!at[a.symbols + 8 * i] || at[a.symbols + 8 * i + 7])
            return "a symbol has no end";
    const int *types = (const int *)(at + a.types);
    if (!all_below((const int *)(at + a.numbers), atoms, 119))
        return "an atomic number is none";
    for (size_t i = 0; !ntypes && i < atoms; i++)
        if (types[i] != -1)
            return "a type is none";
    if (ntypes && !all_below(types, atoms, (unsigned)ntypes))
        return "a type is none";
    if (listed != (r->npairs >= 0))
        return "neighbours are missing";
    if (!listed)
        return NULL;
    if (!all_finite((const double *)at, 3 * atoms))
        return "a position is not finite";
    if (!all_below((const int *)(at + a.pair_i), pairs, (unsigned)r->atoms) ||
        !all_below((const int *)(at + a.pair_j), pairs, (unsigned)r->atoms))
        return "a neighbour is none of the atoms";
    return shifts_are_sound((const int *)(at + a.pair_shift), pairs, r->pbc) ? NULL : "an image is too far away";
}

int cache_check_frames(const char *data, const struct transforms *transforms, enum cache_verdict *verdict,
                       const char **why, struct error *error) {
    const struct cache_head *head = (const struct cache_head *)data;
    const struct cache_record *records = (const struct cache_record *)(data + head->records);
    const struct cache_field *fields = (const struct cache_field *)(data + head->fields);
    int ntypes, listed = transforms_r_max(transforms) > 0, code = 0;
    transforms_type_names(transforms, &ntypes);
    for (uint64_t f = 0; f < head->frames && !(code = interrupt_check(error)); f++)
        if ((*why = check_frame(data, &records[f], fields + records[f].field, ntypes, listed)))
            break;
    *verdict = *why ? CACHE_DAMAGED : CACHE_GOOD;
    return code;
}

int cache_is(const char *data, size_t size, uint64_t hash) {
    const struct cache_head *head = (const struct cache_head *)data;
    if (size < sizeof *head || head->hash != hash || check_head(data, size, head))
        return 0;
    const struct cache_record *records = (const struct cache_record *)(data + head->records);
    for (uint64_t f = 0; f < head->frames; f++)
        if (!inside(records[f].at, records[f].size, 1, sizeof *head, head->tables) ||
            hash_bytes(0, data + records[f].at, (size_t)records[f].size) != records[f].hash)
            return 0;
    return 1;
}
