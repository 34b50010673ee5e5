#include "data/set/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"

/* ---------------------------------------------------------------- spreads */

static void spread_begin(struct spread *spread) {
    *spread = (struct spread){.low = INFINITY, .high = -INFINITY};
}

/* mean and rms hold the sums until the end; deviation is Welford's sum of squares, which does not cancel. */
static void spread_add(struct spread *spread, double value, size_t frame) {
    if (!isfinite(value)) {
        spread->odd++;
        return;
    }
    double largest = fmax(fabs(spread->low), fabs(spread->high)), before = spread->mean;
    if (!spread->count || fabs(value) > largest)
        spread->high_at = frame;
    spread->count++;
    spread->mean += (value - before) / (double)spread->count;
    spread->deviation += (value - before) * (value - spread->mean);
    spread->rms += value * value;
    spread->low = fmin(spread->low, value);
    spread->high = fmax(spread->high, value);
}

static void spread_end(struct spread *spread) {
    if (!spread->count) {
        *spread = (struct spread){.odd = spread->odd};
        return;
    }
    spread->deviation = sqrt(spread->deviation / (double)spread->count);
    spread->rms = sqrt(spread->rms / (double)spread->count);
}

/* ---------------------------------------------------------------- frames */

static struct survey_field *field_of(struct survey *survey, const struct field *field) {
    for (size_t k = 0; k < survey->nfields; k++)
        if (!strcmp(survey->fields[k].name, field->name))
            return &survey->fields[k];
    struct survey_field *grown = realloc(survey->fields, (survey->nfields + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    survey->fields = grown;
    struct survey_field *added = &grown[survey->nfields++];
    *added = (struct survey_field){.per_atom = field->per_atom};
    memcpy(added->name, field->name, sizeof added->name);
    spread_begin(&added->values);
    return added;
}

static int add_fields(struct survey *survey, const struct frame *frame, size_t index) {
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        struct survey_field *out = field_of(survey, field);
        int rows = field->per_atom ? frame->atoms : 1;
        if (!out)
            return -1;
        out->frames++;
        for (int r = 0; r < rows; r++) {
            const double *row = field->values + (size_t)r * (size_t)field->cols;
            double square = 0;
            for (int c = 0; c < field->cols; c++) {
                square += row[c] * row[c];
                if (!field->per_atom)
                    spread_add(&out->values, strcmp(field->name, "total_energy") ? row[c] : row[c] / frame->atoms,
                               index);
            }
            if (field->per_atom)
                spread_add(&out->values, field->cols > 1 ? sqrt(square) : row[0], index);
        }
    }
    return 0;
}

static int add_unused(struct survey *survey, const char *text) {
    if (!*text)
        return 0;
    for (size_t k = 0; k < survey->nunused; k++)
        if (!strcmp(survey->unused[k].text, text)) {
            survey->unused[k].frames++;
            return 0;
        }
    struct survey_text *grown = realloc(survey->unused, (survey->nunused + 1) * sizeof *grown);
    if (!grown)
        return -1;
    survey->unused = grown;
    grown[survey->nunused++] = (struct survey_text){text, 1};
    return 0;
}

static double pair_length(const struct frame *frame, int p) {
    double square = 0;
    for (int x = 0; x < 3; x++) {
        double d = frame->pos[3 * frame->pair_j[p] + x] - frame->pos[3 * frame->pair_i[p] + x];
        for (int c = 0; c < 3; c++)
            d += frame->pair_shift[3 * p + c] * frame->cell[3 * c + x];
        square += d * d;
    }
    return sqrt(square);
}

static int add_neighbours(struct survey *survey, const struct frame *frame, size_t index) {
    if (frame->npairs < 0)
        return 0;
    int *count = calloc((size_t)frame->atoms + 1, sizeof *count);
    if (!count)
        return -1;
    survey->with_neighbours++;
    for (int p = 0; p < frame->npairs; p++) {
        double length = pair_length(frame, p);
        count[frame->pair_i[p]]++;
        if (!frame->directed)
            count[frame->pair_j[p]]++;
        if (length < survey->shortest) {
            survey->shortest = length;
            survey->shortest_at = index;
            survey->shortest_i = frame->pair_i[p];
            survey->shortest_j = frame->pair_j[p];
        }
    }
    for (int a = 0; a < frame->atoms; a++) {
        spread_add(&survey->neighbours, count[a], index);
        survey->isolated += count[a] == 0;
    }
    free(count);
    return 0;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t k = 0; k < size; k++)
        hash = (hash ^ bytes[k]) * 0x100000001B3u;
    return hash;
}

static uint64_t print_of(const struct frame *frame) {
    uint64_t hash = 0xCBF29CE484222325u;
    hash = mix(hash, frame->pos, 3 * (size_t)frame->atoms * sizeof *frame->pos);
    hash = mix(hash, frame->symbols, (size_t)frame->atoms * sizeof *frame->symbols);
    hash = mix(hash, frame->pbc, sizeof frame->pbc);
    return mix(hash, frame->cell, sizeof frame->cell);
}

struct numbered_print {
    uint64_t print;
    size_t frame;
};

static int by_print(const void *a, const void *b) {
    const struct numbered_print *x = a, *y = b;
    return x->print != y->print ? (x->print > y->print) - (x->print < y->print)
                                : (x->frame > y->frame) - (x->frame < y->frame);
}

static int find_copies(struct survey *survey, const struct dataset *dataset, struct error *error) {
    struct numbered_print *all = calloc(dataset->count + 1, sizeof *all);
    survey->prints = calloc(dataset->count + 1, sizeof *survey->prints);
    if (!all || !survey->prints) {
        free(all);
        return error_memory(error);
    }
    for (size_t f = 0; f < dataset->count; f++) {
        int code = interrupt_check(error);
        if (code) {
            free(all);
            return code;
        }
        all[f] = (struct numbered_print){print_of(dataset->frames[f]), f};
    }
    qsort(all, dataset->count, sizeof *all, by_print);
    for (size_t f = 0; f < dataset->count; f++) {
        survey->prints[f] = all[f].print;
        if (f && all[f].print == all[f - 1].print) {
            if (!survey->copies++ || all[f].frame < survey->first_copy)
                survey->first_copy = all[f].frame;
        }
    }
    free(all);
    return 0;
}

static int add_frame(struct survey *out, const struct frame *frame, size_t f, struct error *error) {
    int code = interrupt_check(error);
    if (code)
        return code;
    out->atoms += (size_t)frame->atoms;
    out->least_atoms = !f || frame->atoms < out->least_atoms ? frame->atoms : out->least_atoms;
    out->most_atoms = frame->atoms > out->most_atoms ? frame->atoms : out->most_atoms;
    out->periodic += frame->pbc[0] || frame->pbc[1] || frame->pbc[2];
    for (int a = 0; a < frame->atoms; a++)
        if (frame->types[a] >= 0 && frame->types[a] < out->ntypes)
            out->types[frame->types[a]]++;
    if (add_fields(out, frame, f) || add_unused(out, frame->unused) || add_neighbours(out, frame, f))
        return error_memory(error);
    return 0;
}

int survey_make(struct survey *out, const struct dataset *dataset, int ntypes, struct error *error) {
    *out = (struct survey){.frames = dataset->count, .ntypes = ntypes, .shortest = INFINITY};
    out->types = calloc((size_t)ntypes + 1, sizeof *out->types);
    spread_begin(&out->neighbours);
    int code = out->types ? dataset_check(dataset, error) : error_memory(error);
    if (!code)
        code = find_copies(out, dataset, error);
    for (size_t f = 0; f < dataset->count && !code; f++)
        code = add_frame(out, dataset->frames[f], f, error);
    spread_end(&out->neighbours);
    for (size_t k = 0; k < out->nfields; k++)
        spread_end(&out->fields[k].values);
    if (!code)
        code = dataset_check(dataset, error);
    if (code)
        survey_free(out);
    return code;
}

void survey_free(struct survey *survey) {
    free(survey->types);
    free(survey->fields);
    free(survey->unused);
    free(survey->prints);
    *survey = (struct survey){0};
}

size_t survey_shared(const struct survey *survey, const struct survey *other) {
    size_t shared = 0, j = 0;
    for (size_t k = 0; k < survey->frames; k++) {
        while (j < other->frames && other->prints[j] < survey->prints[k])
            j++;
        shared += j < other->frames && other->prints[j] == survey->prints[k];
    }
    return shared;
}
