#include "data/frame/frame.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/frame/mapped.h"

struct frame *frame_new(int atoms) {
    if (atoms < 0)
        return NULL;
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return NULL;
    size_t n = atoms ? (size_t)atoms : 1;
    frame->atoms = atoms;
    frame->pos = calloc(n, 3 * sizeof *frame->pos);
    frame->numbers = calloc(n, sizeof *frame->numbers);
    frame->symbols = calloc(n, sizeof *frame->symbols);
    frame->types = malloc(n * sizeof *frame->types);
    frame->source = frame->unused = "";
    frame->npairs = -1;
    if (!frame->pos || !frame->numbers || !frame->symbols || !frame->types) {
        frame_free(frame);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        frame->types[i] = -1;
    return frame;
}

void frame_drop(const struct frame *frame, void *array) {
    const struct mapped *map = frame->map;
    if (!map || (char *)array < map->data || (char *)array >= map->data + map->size)
        free(array);
}

void frame_free(struct frame *frame) {
    if (!frame)
        return;
    for (int k = 0; k < frame->nfields; k++)
        frame_drop(frame, frame->fields[k].values);
    free(frame->fields);
    frame_drop(frame, frame->pos);
    frame_drop(frame, frame->numbers);
    frame_drop(frame, frame->symbols);
    frame_drop(frame, frame->types);
    frame_drop(frame, frame->pair_i);
    frame_drop(frame, frame->pair_j);
    frame_drop(frame, frame->pair_shift);
    free(frame);
}

static int *copy_ints(const int *values, size_t count) {
    int *copy = malloc((count ? count : 1) * sizeof *copy);
    if (copy && count)
        memcpy(copy, values, count * sizeof *copy);
    return copy;
}

struct frame *frame_copy(const struct frame *frame) {
    struct frame *copy = frame_new(frame->atoms);
    if (!copy)
        return NULL;
    size_t n = (size_t)frame->atoms;
    memcpy(copy->pos, frame->pos, n * 3 * sizeof *copy->pos);
    memcpy(copy->numbers, frame->numbers, n * sizeof *copy->numbers);
    memcpy(copy->symbols, frame->symbols, n * sizeof *copy->symbols);
    memcpy(copy->types, frame->types, n * sizeof *copy->types);
    memcpy(copy->cell, frame->cell, sizeof copy->cell);
    memcpy(copy->pbc, frame->pbc, sizeof copy->pbc);
    copy->has_cell = frame->has_cell;
    copy->source = frame->source;
    copy->ordinal = frame->ordinal;
    copy->unused = frame->unused;
    copy->directed = frame->directed;
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        if (!frame_set_field(copy, field->name, field->per_atom, field->cols, field->values))
            goto failed;
    }
    if (frame->npairs >= 0) {
        size_t pairs = (size_t)frame->npairs;
        copy->pair_i = copy_ints(frame->pair_i, pairs);
        copy->pair_j = copy_ints(frame->pair_j, pairs);
        copy->pair_shift = copy_ints(frame->pair_shift, 3 * pairs);
        if (!copy->pair_i || !copy->pair_j || !copy->pair_shift)
            goto failed;
        copy->npairs = frame->npairs;
    }
    return copy;
failed:
    frame_free(copy);
    return NULL;
}

const struct field *frame_field(const struct frame *frame, const char *name) {
    for (int k = 0; k < frame->nfields; k++)
        if (strcmp(frame->fields[k].name, name) == 0)
            return &frame->fields[k];
    return NULL;
}

double *frame_set_field(struct frame *frame, const char *name, int per_atom, int cols, const double *values) {
    if (cols < 1 || strlen(name) >= sizeof frame->fields->name)
        return NULL;
    size_t count = (size_t)cols * (per_atom ? (size_t)frame->atoms : 1);
    double *stored = calloc(count ? count : 1, sizeof *stored);
    if (!stored)
        return NULL;
    if (values && count)
        memcpy(stored, values, count * sizeof *stored);
    struct field *field = (struct field *)frame_field(frame, name);
    if (!field) {
        struct field *fields = realloc(frame->fields, (size_t)(frame->nfields + 1) * sizeof *fields);
        if (!fields) {
            free(stored);
            return NULL;
        }
        frame->fields = fields;
        field = &fields[frame->nfields++];
        memset(field, 0, sizeof *field);
        strcpy(field->name, name);
    }
    frame_drop(frame, field->values);
    field->per_atom = per_atom != 0;
    field->cols = cols;
    field->values = stored;
    return stored;
}

void frame_remove_field(struct frame *frame, const char *name) {
    struct field *field = (struct field *)frame_field(frame, name);
    if (!field)
        return;
    frame_drop(frame, field->values);
    struct field *last = &frame->fields[--frame->nfields];
    memmove(field, field + 1, (size_t)(last - field) * sizeof *field);
}

double frame_volume(const struct frame *frame) {
    if (!frame->has_cell)
        return 0;
    const double *a = frame->cell, *b = a + 3, *c = a + 6;
    return fabs(a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) +
                a[2] * (b[0] * c[1] - b[1] * c[0]));
}

const char *frame_label(const struct frame *frame, char *out, size_t size) {
    const char *source = frame->source && frame->source[0] ? frame->source : NULL;
    snprintf(out, size, "frame %ld%s%s", frame->ordinal, source ? " of " : "", source ? source : "");
    return out;
}

struct directed_pair {
    int i, j, shift[3];
};

static int directed_order(const void *left, const void *right) {
    const struct directed_pair *a = left, *b = right;
    const int x[5] = {a->i, a->j, a->shift[0], a->shift[1], a->shift[2]};
    const int y[5] = {b->i, b->j, b->shift[0], b->shift[1], b->shift[2]};
    for (int k = 0; k < 5; k++)
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    return 0;
}

int frame_make_directed(struct frame *frame, struct error *error) {
    if (frame->directed || frame->npairs < 0)
        return 0;
    size_t pairs = (size_t)frame->npairs, edges = 2 * pairs;
    if (edges > INT32_MAX)
        return error_set(error, ERROR_MEMORY, "a frame with %zu edges is too large", edges);
    struct directed_pair *list = malloc((edges ? edges : 1) * sizeof *list);
    int *pair_i = malloc((edges ? edges : 1) * sizeof *pair_i);
    int *pair_j = malloc((edges ? edges : 1) * sizeof *pair_j);
    int *pair_shift = malloc((edges ? edges : 1) * 3 * sizeof *pair_shift);
    if (!list || !pair_i || !pair_j || !pair_shift) {
        free(list);
        free(pair_i);
        free(pair_j);
        free(pair_shift);
        return error_memory(error);
    }
    for (size_t p = 0; p < pairs; p++) {
        const int *shift = &frame->pair_shift[3 * p];
        list[2 * p] = (struct directed_pair){frame->pair_i[p], frame->pair_j[p], {shift[0], shift[1], shift[2]}};
        list[2 * p + 1] = (struct directed_pair){frame->pair_j[p], frame->pair_i[p], {-shift[0], -shift[1], -shift[2]}};
    }
    qsort(list, edges, sizeof *list, directed_order);
    for (size_t e = 0; e < edges; e++) {
        pair_i[e] = list[e].i;
        pair_j[e] = list[e].j;
        memcpy(&pair_shift[3 * e], list[e].shift, sizeof list[e].shift);
    }
    free(list);
    frame_drop(frame, frame->pair_i);
    frame_drop(frame, frame->pair_j);
    frame_drop(frame, frame->pair_shift);
    frame->pair_i = pair_i;
    frame->pair_j = pair_j;
    frame->pair_shift = pair_shift;
    frame->npairs = (int)edges;
    frame->directed = 1;
    return 0;
}
