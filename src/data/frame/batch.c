#include "data/frame/batch.h"
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "data/frame/mapped.h"

/* One block that only grows: a batch is laid out in it in two passes, the first of which only counts. */
struct field_block {
    char *data;
    size_t size, capacity;
};

enum { ALIGNMENT = 64 };

static void *take(struct field_block *block, size_t count, size_t size, int counting) {
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *at = counting ? NULL : block->data + block->size;
    block->size += bytes;
    return at;
}

/* What the frames amount to. */
struct totals {
    size_t frames, atoms, pairs, edges;
};

static int add_up(struct totals *totals, const struct frame *const *frames, int nframes, struct error *error) {
    char label[300];
    *totals = (struct totals){.frames = (size_t)nframes};
    for (int k = 0; k < nframes; k++) {
        const struct frame *frame = frames[k];
        if (frame->npairs < 0)
            return error_set(error, ERROR_STATE,
                             "%s has no neighbour list: a NeighborListTransform is missing among the data's transforms",
                             frame_label(frame, label, sizeof label));
        if (frame->directed != frames[0]->directed)
            return error_set(error, ERROR_STATE, "%s has neighbours of another kind than the frames it is joined with",
                             frame_label(frame, label, sizeof label));
        totals->atoms += (size_t)frame->atoms;
        totals->pairs += (size_t)frame->npairs;
        totals->edges += (size_t)frame->npairs * (frame->directed ? 1 : 2);
    }
    if (totals->atoms > INT_MAX / 4 || totals->edges > INT_MAX / 4)
        return error_set(error, ERROR_MEMORY, "a batch of %zu atoms and %zu edges is too large", totals->atoms,
                         totals->edges);
    return 0;
}

/* Fields of the first frame that all the others have too. */
static int common_fields(const struct frame *const *frames, int nframes, const struct field *field,
                         struct error *error) {
    for (int k = 1; k < nframes; k++) {
        const struct field *other = frame_field(frames[k], field->name);
        if (!other)
            return 0;
        if (other->cols != field->cols || other->per_atom != field->per_atom) {
            char label[300];
            error_set(error, ERROR_DATA, "%s: %s has %d numbers%s, but %d%s in another frame of the batch",
                      frame_label(frames[k], label, sizeof label), field->name, other->cols,
                      other->per_atom ? " an atom" : "", field->cols, field->per_atom ? " an atom" : "");
            return -1;
        }
    }
    return 1;
}

static void lay_out_rows(struct topology *t, struct field_block *block, const struct totals *n, int counting) {
    struct edge_rows *rows[] = {&t->by_centre, &t->by_neighbour};
    for (int k = 0; k < 2; k++) {
        *rows[k] = t->by_centre;
        if (k == 0 || n->edges != 2 * n->pairs) {
            rows[k]->row = take(block, n->atoms + 1, sizeof(int), counting);
            rows[k]->other = take(block, n->edges, sizeof(int), counting);
            rows[k]->pair = take(block, n->edges, sizeof(int), counting);
        }
        rows[k]->sign = take(block, n->edges, 1, counting);
    }
}

/* Places everything; with counting only block->size means something afterwards. */
static int lay_out(struct batch *batch, struct field_block *block, const struct totals *n,
                   const struct frame *const *frames, const struct batch_options *options, int counting,
                   struct error *error) {
    block->size = 0;
    struct topology *t = &batch->topology;
    batch->frame_atoms = take(block, n->frames + 1, sizeof(int), counting);
    batch->frame_pairs = take(block, n->frames + 1, sizeof(int), counting);
    batch->pos = take(block, 3 * n->atoms, sizeof(double), counting);
    batch->pair_shift = take(block, 3 * n->pairs, sizeof(double), counting);
    batch->inverse_volume = take(block, n->frames, sizeof(double), counting);
    batch->num_atoms = take(block, n->frames, sizeof(double), counting);
    batch->source = take(block, n->frames, sizeof(struct frame *), counting);
    t->index[INDEX_TYPE] = take(block, n->atoms, sizeof(int), counting);
    t->index[INDEX_FRAME] = take(block, n->atoms, sizeof(int), counting);
    t->index[INDEX_PAIR_TYPE] = take(block, n->pairs, sizeof(int), counting);
    t->index[INDEX_PAIR_FRAME] = take(block, n->pairs, sizeof(int), counting);
    t->index[INDEX_PAIR_I] = take(block, n->pairs, sizeof(int), counting);
    t->index[INDEX_PAIR_J] = take(block, n->pairs, sizeof(int), counting);
    for (int k = 0; k < options->ncategories; k++)
        t->index[INDEX_CATEGORY + k] = take(block, n->atoms, sizeof(int), counting);
    lay_out_rows(t, block, n, counting);
    batch->fields = take(block, (size_t)(frames[0]->nfields ? frames[0]->nfields : 1), sizeof *batch->fields, counting);
    batch->nfields = 0;
    for (int k = 0; k < frames[0]->nfields; k++) {
        const struct field *field = &frames[0]->fields[k];
        int common = common_fields(frames, (int)n->frames, field, error);
        if (common < 0)
            return ERROR_DATA;
        if (!common)
            continue;
        size_t count = (field->per_atom ? n->atoms : n->frames) * (size_t)field->cols;
        double *values = take(block, count, sizeof *values, counting);
        if (!counting) {
            batch->fields[batch->nfields] = *field;
            batch->fields[batch->nfields++].values = values;
        }
    }
    return 0;
}

static void copy_fields(struct batch *batch, const struct frame *frame, int k) {
    for (int f = 0; f < batch->nfields; f++) {
        const struct field *to = &batch->fields[f], *from = frame_field(frame, to->name);
        size_t cols = (size_t)to->cols, rows = to->per_atom ? (size_t)frame->atoms : 1;
        size_t first = to->per_atom ? (size_t)batch->frame_atoms[k] : (size_t)k;
        if (rows)
            memcpy(to->values + first * cols, from->values, rows * cols * sizeof *to->values);
    }
}

static int copy_atoms(struct batch *batch, const struct frame *frame, int k, const struct batch_options *options,
                      struct error *error) {
    int first = batch->frame_atoms[k];
    int *types = batch->topology.index[INDEX_TYPE] + first, *frames = batch->topology.index[INDEX_FRAME] + first;
    if (frame->atoms)
        memcpy(batch->pos + 3 * (size_t)first, frame->pos, 3 * (size_t)frame->atoms * sizeof *batch->pos);
    for (int i = 0; i < frame->atoms; i++) {
        int type = frame->types[i]; /* read once: it may lie in a file that somebody writes to (see mapped_check) */
        if (type < 0 || type >= options->types) {
            char label[300];
            frame_label(frame, label, sizeof label);
            if (type < 0)
                return error_set(error, ERROR_STATE,
                                 "%s: atom %d (%s) has no type: a ChemicalSpeciesToAtomTypeMapper is missing among the "
                                 "data's transforms",
                                 label, i, frame->symbols[i]);
            return error_set(error, ERROR_VALUE, "%s: atom %d (%s) is of type %d, but the model has %d type%s", label,
                             i, frame->symbols[i], type, options->types, options->types == 1 ? "" : "s");
        }
        types[i] = type;
        frames[i] = k;
    }
    return 0;
}

/* What lies in memory is what it was checked for; a file may have been written to since. */
static int copy_pairs(struct batch *batch, const struct frame *frame, int k, int types, struct error *error) {
    const struct topology *t = &batch->topology;
    const int *type = t->index[INDEX_TYPE] + batch->frame_atoms[k];
    unsigned atoms = (unsigned)frame->atoms, wrong = 0;
    size_t first = (size_t)batch->frame_pairs[k];
    int base = batch->frame_atoms[k];
    int *pair_i = t->index[INDEX_PAIR_I] + first, *pair_j = t->index[INDEX_PAIR_J] + first;
    int *pair_type = t->index[INDEX_PAIR_TYPE] + first, *pair_frame = t->index[INDEX_PAIR_FRAME] + first;
    double *shift = batch->pair_shift + 3 * first;
    const double *cell = frame->cell;
    for (int p = 0; p < frame->npairs; p++) {
        int i = frame->pair_i[p], j = frame->pair_j[p];
        const int *s = &frame->pair_shift[3 * p];
        if ((unsigned)i >= atoms || (unsigned)j >= atoms) {
            wrong = 1;
            break;
        }
        pair_i[p] = base + i;
        pair_j[p] = base + j;
        pair_type[p] = type[i] * types + type[j];
        pair_frame[p] = k;
        for (int c = 0; c < 3; c++)
            shift[3 * p + c] = s[0] * cell[c] + s[1] * cell[3 + c] + s[2] * cell[6 + c];
    }
    char label[300];
    return wrong ? error_set(error, ERROR_DATA, "%s has a neighbour that is none of its atoms",
                             frame_label(frame, label, sizeof label))
                 : 0;
}

static int copy_categories(struct batch *batch, const struct frame *frame, int k, const struct batch_options *options,
                           struct error *error) {
    for (int c = 0; c < options->ncategories; c++) {
        char label[300];
        const char *name = options->category_fields[c];
        const struct field *field = frame_field(frame, name);
        if (!field || field->per_atom || field->cols != 1)
            return error_set(error, ERROR_DATA, "%s has no %s, which the model embeds (one integer a frame)",
                             frame_label(frame, label, sizeof label), name);
        double value = field->values[0];
        int low = options->category_min[c], high = options->category_max[c];
        if (!(value >= low && value <= high) || value != floor(value))
            return error_set(error, ERROR_DATA, "%s: %s is %g, but the model embeds the integers from %d to %d",
                             frame_label(frame, label, sizeof label), name, value, low, high);
        int *index = batch->topology.index[INDEX_CATEGORY + c] + batch->frame_atoms[k];
        for (int i = 0; i < frame->atoms; i++)
            index[i] = (int)value - low;
    }
    return 0;
}

static int fill(struct batch *batch, const struct frame *const *frames, const struct batch_options *options,
                struct error *error) {
    batch->frame_atoms[0] = batch->frame_pairs[0] = 0;
    for (int k = 0; k < batch->frames; k++) {
        const struct frame *frame = frames[k];
        batch->source[k] = frame;
        batch->frame_atoms[k + 1] = batch->frame_atoms[k] + frame->atoms;
        batch->frame_pairs[k + 1] = batch->frame_pairs[k] + frame->npairs;
        double volume = frame_volume(frame);
        batch->inverse_volume[k] = volume > 0 ? 1 / volume : NAN;
        batch->num_atoms[k] = frame->atoms;
        int code = copy_atoms(batch, frame, k, options, error);
        if (!code)
            code = copy_categories(batch, frame, k, options, error);
        if (!code)
            code = copy_pairs(batch, frame, k, options->types, error);
        if (code)
            return code;
        copy_fields(batch, frame, k);
    }
    topology_fill_rows(&batch->topology);
    return 0;
}

/* What was copied was right if the files in which frames lie are still what they were. */
static int check_maps(const struct frame *const *frames, int nframes, struct error *error) {
    const struct mapped *last = NULL;
    int code = 0;
    for (int k = 0; k < nframes && !code; k++)
        if (frames[k]->map && frames[k]->map != last)
            code = mapped_check(last = frames[k]->map, error);
    return code;
}

int batch_join(struct batch **out, const struct frame *const *frames, int nframes, const struct batch_options *options,
               struct error *error) {
    struct totals totals;
    struct batch layout = {0};
    if (nframes < 1)
        return error_set(error, ERROR_STATE, "a batch of no frames");
    if (options->ncategories > INDEX_CATEGORY_LAST - INDEX_CATEGORY + 1)
        return error_set(error, ERROR_VALUE, "%d categorical fields: at most %d are possible", options->ncategories,
                         INDEX_CATEGORY_LAST - INDEX_CATEGORY + 1);
    int code = add_up(&totals, frames, nframes, error);
    if (code)
        return code;
    if (!*out) {
        struct batch *batch = calloc(1, sizeof *batch);
        struct field_block *block = calloc(1, sizeof *block);
        if (!batch || !block) {
            free(batch);
            free(block);
            return error_memory(error);
        }
        batch->arena = block;
        *out = batch;
    }
    struct field_block *block = (*out)->arena;
    code = lay_out(&layout, block, &totals, frames, options, 1, error);
    if (code)
        return code;
    if (block->size > block->capacity) {
        size_t capacity = (block->size + block->size / 4 + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
        char *data = aligned_alloc(ALIGNMENT, capacity);
        if (!data)
            return error_set(error, ERROR_MEMORY, "out of memory for a batch of %zu edges", totals.edges);
        free(block->data);
        block->data = data;
        block->capacity = capacity;
    }
    layout = (struct batch){.arena = block,
                            .frames = nframes,
                            .atoms = (int)totals.atoms,
                            .pairs = (int)totals.pairs,
                            .edges = (int)totals.edges};
    layout.topology.types = options->types;
    layout.topology.edges = layout.edges;
    layout.topology.dim[DIM_ATOMS] = layout.atoms;
    layout.topology.dim[DIM_PAIRS] = layout.pairs;
    layout.topology.dim[DIM_FRAMES] = layout.frames;
    lay_out(&layout, block, &totals, frames, options, 0, NULL);
    **out = layout;
    code = fill(*out, frames, options, error);
    struct error cause = {0};
    int changed = check_maps(frames, nframes, &cause);
    if (!changed)
        return code;
    if (error) /* which tells why, if there was another error */
        *error = cause;
    return changed;
}

void batch_free(struct batch *batch) {
    if (!batch)
        return;
    struct field_block *block = batch->arena;
    free(block->data);
    free(block);
    free(batch);
}

const struct field *batch_field(const struct batch *batch, const char *name) {
    for (int k = 0; k < batch->nfields; k++)
        if (strcmp(batch->fields[k].name, name) == 0)
            return &batch->fields[k];
    return NULL;
}

const double *batch_input(const struct batch *batch, const char *name) {
    static const char target[] = "target:";
    if (strncmp(name, target, sizeof target - 1) == 0) {
        const struct field *field = batch_field(batch, name + sizeof target - 1);
        return field ? field->values : NULL;
    }
    if (strcmp(name, "pos") == 0)
        return batch->pos;
    if (strcmp(name, "pair_shift") == 0)
        return batch->pair_shift;
    if (strcmp(name, "inverse_volume") == 0)
        return batch->inverse_volume;
    if (strcmp(name, "num_atoms") == 0)
        return batch->num_atoms;
    return NULL;
}
