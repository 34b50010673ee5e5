#include "e3/irreps.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int irrep_compare(struct irrep a, struct irrep b) {
    if (a.l != b.l)
        return a.l < b.l ? -1 : 1;
    return (a.p > b.p) - (a.p < b.p);
}

int irrep_product(struct irrep a, struct irrep b, struct irrep out[2 * IRREP_MAX_L + 1]) {
    int count = 0;
    for (int l = abs(a.l - b.l); l <= a.l + b.l; l++)
        out[count++] = (struct irrep){l, a.p * b.p};
    return count;
}

static const char *skip_space(const char *text) {
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* A number of up to 7 digits; NULL if there is none. */
static const char *read_number(const char *text, int *out) {
    int digits = 0;
    for (*out = 0; isdigit((unsigned char)text[digits]); digits++)
        if (digits < 7)
            *out = *out * 10 + (text[digits] - '0');
    return digits == 0 || digits > 7 ? NULL : text + digits;
}

static const char *read_irrep(const char *text, struct irrep *out) {
    text = read_number(text, &out->l);
    if (!text || out->l > IRREP_MAX_L || (*text != 'e' && *text != 'o' && *text != 'y'))
        return NULL;
    /* y is e3nn's word for the parity of a spherical harmonic */
    out->p = *text == 'e' ? 1 : *text == 'o' ? -1 : out->l % 2 ? -1 : 1;
    return text + 1;
}

int irrep_parse(struct irrep *out, const char *text, struct error *error) {
    const char *end = read_irrep(skip_space(text), out);
    if (!end || *skip_space(end))
        return error_set(error, ERROR_VALUE, "\"%s\" is no irrep: expected l (0 to %d) and e or o, as in 1o", text,
                         IRREP_MAX_L);
    return 0;
}

const char *irrep_name(char out[8], struct irrep ir) {
    snprintf(out, 8, "%d%c", ir.l % 1000, ir.p > 0 ? 'e' : 'o');
    return out;
}

int irreps_parse(struct irreps *out, const char *text, struct arena *arena, struct error *error) {
    int capacity = 1;
    for (const char *c = text; *c; c++)
        capacity += *c == '+';
    struct irreps_entry *entries = arena_alloc(arena, (size_t)capacity * sizeof *entries);
    *out = (struct irreps){0, entries};
    if (!entries)
        return error_memory(error);
    const char *c = skip_space(text);
    int count = 0;
    long dim = 0;
    while (*c) {
        struct irreps_entry *entry = &entries[count];
        entry->mul = 1;
        int number;
        const char *after = read_number(c, &number);
        if (after && *skip_space(after) == 'x') {
            entry->mul = number;
            c = skip_space(skip_space(after) + 1);
        }
        c = read_irrep(c, &entry->ir);
        if (!c)
            goto bad;
        count++;
        dim += (long)entry->mul * irrep_dim(entry->ir);
        if (dim > INT_MAX)
            return error_set(error, ERROR_VALUE, "the irreps \"%s\" are too large", text);
        c = skip_space(c);
        if (*c == '+') {
            c = skip_space(c + 1);
            if (!*c)
                goto bad;
        } else if (*c) {
            goto bad;
        }
    }
    out->count = count;
    return 0;
bad:
    return error_set(error, ERROR_VALUE,
                     "\"%s\" are no irreps: expected terms such as 8x1o (l from 0 to %d), joined by +", text,
                     IRREP_MAX_L);
}

void irreps_print(const struct irreps *irreps, struct text *out) {
    char name[8];
    for (int k = 0; k < irreps->count; k++)
        text_format(out, "%s%dx%s", k ? "+" : "", irreps->entries[k].mul, irrep_name(name, irreps->entries[k].ir));
}

struct irreps irreps_new(const struct irreps_entry *entries, int count, struct arena *arena) {
    struct irreps out = {0, arena_copy(arena, entries, (size_t)count * sizeof *entries)};
    if (out.entries)
        out.count = count;
    return out;
}

struct irreps irreps_harmonics(int l_max, struct arena *arena) {
    struct irreps_entry entries[IRREP_MAX_L + 1];
    for (int l = 0; l <= l_max && l <= IRREP_MAX_L; l++)
        entries[l] = (struct irreps_entry){1, {l, l % 2 ? -1 : 1}};
    return irreps_new(entries, (l_max < IRREP_MAX_L ? l_max : IRREP_MAX_L) + 1, arena);
}

struct irreps irreps_sort(const struct irreps *irreps, int *position, struct arena *arena) {
    struct irreps_entry *entries = arena_alloc(arena, ((size_t)irreps->count + 1) * sizeof *entries);
    if (!entries)
        return (struct irreps){0, NULL};
    for (int k = 0; k < irreps->count; k++) {
        int place = 0;
        for (int j = 0; j < irreps->count; j++) {
            int order = irrep_compare(irreps->entries[j].ir, irreps->entries[k].ir);
            place += order < 0 || (order == 0 && j < k);
        }
        entries[place] = irreps->entries[k];
        if (position)
            position[k] = place;
    }
    return (struct irreps){irreps->count, entries};
}

struct irreps irreps_simplify(const struct irreps *irreps, int *group, int *first, struct arena *arena) {
    struct irreps_entry *entries = arena_alloc(arena, ((size_t)irreps->count + 1) * sizeof *entries);
    if (!entries)
        return (struct irreps){0, NULL};
    int count = 0;
    for (int k = 0; k < irreps->count; k++) {
        const struct irreps_entry *entry = &irreps->entries[k];
        int joins = count > 0 && irrep_equal(entries[count - 1].ir, entry->ir);
        if (first)
            first[k] = joins ? entries[count - 1].mul : 0;
        if (joins)
            entries[count - 1].mul += entry->mul;
        else if (entry->mul > 0)
            entries[count++] = *entry;
        if (group)
            group[k] = count - 1;
    }
    return (struct irreps){count, entries};
}

struct irreps irreps_concat(const struct irreps *a, const struct irreps *b, struct arena *arena) {
    struct irreps_entry *entries = arena_alloc(arena, ((size_t)a->count + (size_t)b->count + 1) * sizeof *entries);
    if (!entries)
        return (struct irreps){0, NULL};
    if (a->count)
        memcpy(entries, a->entries, (size_t)a->count * sizeof *entries);
    if (b->count)
        memcpy(entries + a->count, b->entries, (size_t)b->count * sizeof *entries);
    return (struct irreps){a->count + b->count, entries};
}

struct irreps irreps_filter(const struct irreps *irreps, const struct irreps *keep, struct arena *arena) {
    struct irreps_entry *entries = arena_alloc(arena, ((size_t)irreps->count + 1) * sizeof *entries);
    int count = 0;
    for (int k = 0; entries && k < irreps->count; k++)
        if (irreps_has(keep, irreps->entries[k].ir))
            entries[count++] = irreps->entries[k];
    return (struct irreps){count, entries};
}

int irreps_dim(const struct irreps *irreps) {
    int dim = 0;
    for (int k = 0; k < irreps->count; k++)
        dim += irreps->entries[k].mul * irrep_dim(irreps->entries[k].ir);
    return dim;
}

int irreps_num(const struct irreps *irreps) {
    int num = 0;
    for (int k = 0; k < irreps->count; k++)
        num += irreps->entries[k].mul;
    return num;
}

int irreps_l_max(const struct irreps *irreps) {
    int l_max = -1;
    for (int k = 0; k < irreps->count; k++)
        if (irreps->entries[k].ir.l > l_max)
            l_max = irreps->entries[k].ir.l;
    return l_max;
}

int irreps_has(const struct irreps *irreps, struct irrep ir) {
    for (int k = 0; k < irreps->count; k++)
        if (irrep_equal(irreps->entries[k].ir, ir))
            return 1;
    return 0;
}

int irreps_equal(const struct irreps *a, const struct irreps *b) {
    if (a->count != b->count)
        return 0;
    for (int k = 0; k < a->count; k++)
        if (a->entries[k].mul != b->entries[k].mul || !irrep_equal(a->entries[k].ir, b->entries[k].ir))
            return 0;
    return 1;
}

int irreps_reach(const struct irreps *a, const struct irreps *b, struct irrep ir) {
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < b->count; j++) {
            struct irrep x = a->entries[i].ir, y = b->entries[j].ir;
            if (a->entries[i].mul > 0 && b->entries[j].mul > 0 && x.p * y.p == ir.p && abs(x.l - y.l) <= ir.l &&
                ir.l <= x.l + y.l)
                return 1;
        }
    return 0;
}

void irreps_blocks(const struct irreps *irreps, struct block *blocks) {
    for (int k = 0; k < irreps->count; k++)
        blocks[k] = (struct block){irrep_dim(irreps->entries[k].ir), irreps->entries[k].mul};
}
