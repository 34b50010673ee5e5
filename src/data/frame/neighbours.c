/* Neighbour pairs by cell lists.  Space is cut into bins along the cell's own directions (those that are not periodic
 * get unit vectors at right angles to the rest), so that sheared cells need no special care; a cell smaller than the
 * cutoff has one bin that is visited once per image.  A cell so sheared that its planes are close together has many
 * images for nothing: there the shortest vectors of the same lattice take its place, and images are counted in cells of
 * the frame again in the end. */
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "data/frame/frame.h"
#include "data/frame/lattice.h"

static const double same_place = 1e-6; /* A */
static const double most_images = 1e7; /* of the cell within the cutoff */
static const double most_steps = 1e10;
enum { CANDIDATES_AT_ONCE = 1 << 20 };

struct grid {
    double basis[9];   /* rows: directions the bins run along, A */
    double inverse[9]; /* columns: reciprocal vectors, so that s = x . inverse */
    double low[3];     /* where bin 0 begins, in units of basis (0 along periodic directions) */
    double width[3];   /* of a bin, in units of basis */
    int bins[3];
    int reach[3];     /* bins to look at on either side */
    int reduced;      /* basis are other vectors of the lattice: */
    int64_t whole[9]; /* rows: each as a sum of cell vectors */
};

struct pair_list {
    int *i, *j, *shift;
    size_t count, capacity, limit;
};

struct candidate {
    int j, shift[3];
};

static double dot(const double *a, const double *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(double *out, const double *a, const double *b) {
    double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
    out[0] = x;
    out[1] = y;
    out[2] = z;
}

/* Unit vectors for the directions that are not periodic; 0 if the periodic ones are dependent. */
static int complete_basis(double *basis, const struct frame *frame) {
    int done[3];
    for (int d = 0; d < 3; d++) {
        done[d] = frame->pbc[d] != 0;
        memcpy(&basis[3 * d], &frame->cell[3 * d], 3 * sizeof *basis);
    }
    for (int d = 0; d < 3; d++) {
        if (done[d])
            continue;
        const double *others[2];
        int count = 0;
        for (int e = 0; e < 3; e++)
            if (done[e])
                others[count++] = &basis[3 * e];
        double v[3] = {0, 0, 0};
        if (count == 2) {
            cross(v, others[0], others[1]);
        } else if (count == 1) {
            /* at right angles to the other one: cross it with the axis it has least of */
            int least = 0;
            for (int c = 1; c < 3; c++)
                if (fabs(others[0][c]) < fabs(others[0][least]))
                    least = c;
            double axis[3] = {least == 0, least == 1, least == 2};
            cross(v, others[0], axis);
        } else {
            v[d] = 1;
        }
        double length = sqrt(dot(v, v));
        if (!(length > 0) || !isfinite(length))
            return 0;
        for (int c = 0; c < 3; c++)
            basis[3 * d + c] = v[c] / length;
        done[d] = 1;
    }
    return 1;
}

/* Inverse of the basis; 0 if it is singular or not finite. */
static int invert(double *inverse, const double *m) {
    double c[9];
    cross(c, m + 3, m + 6);
    cross(c + 3, m + 6, m);
    cross(c + 6, m, m + 3);
    double det = dot(m, c);
    double scale = sqrt(dot(m, m)) * sqrt(dot(m + 3, m + 3)) * sqrt(dot(m + 6, m + 6));
    if (!isfinite(det) || !(fabs(det) > 1e-10 * scale))
        return 0;
    for (int r = 0; r < 3; r++)
        for (int k = 0; k < 3; k++)
            inverse[3 * r + k] = c[3 * k + r] / det;
    return 1;
}

/* Distance between the planes a basis vector apart. */
static double plane_distance(const double *inverse, int d) {
    const double column[3] = {inverse[d], inverse[3 + d], inverse[6 + d]};
    return 1 / sqrt(dot(column, column));
}

static double count_images(const double *inverse, const unsigned char *pbc, double r_max) {
    double images = 1;
    for (int d = 0; d < 3; d++)
        if (pbc[d])
            images *= 2 * ceil(r_max / plane_distance(inverse, d)) + 1;
    return images;
}

/* The basis, and how many images of its cell there are within the cutoff. */
static int make_basis(struct grid *grid, const struct frame *frame, double r_max, double *images, struct error *error) {
    char label[300];
    struct grid other = {.reduced = 1};
    if (!complete_basis(grid->basis, frame))
        goto singular;
    int fine = invert(grid->inverse, grid->basis);
    *images = fine ? count_images(grid->inverse, frame->pbc, r_max) : INFINITY;
    if (*images > 27) {
        memcpy(other.basis, grid->basis, sizeof other.basis);
        double reduced = INFINITY;
        if (lattice_reduce(other.basis, other.whole, frame->pbc) && invert(other.inverse, other.basis))
            reduced = count_images(other.inverse, frame->pbc, r_max);
        if (reduced < *images / 2) {
            *grid = other;
            *images = reduced;
            fine = 1;
        }
    }
    if (fine)
        return 0;
singular:
    return error_set(error, ERROR_DATA,
                     "%s: the cell vectors along the periodic directions are zero or linearly dependent",
                     frame_label(frame, label, sizeof label));
}

static int make_grid(struct grid *grid, const struct frame *frame, double r_max, struct error *error) {
    char label[300];
    for (int i = 0; i < frame->atoms; i++)
        for (int c = 0; c < 3; c++)
            if (!isfinite(frame->pos[3 * i + c]))
                return error_set(error, ERROR_DATA, "%s: the position of atom %d (%s) is not a finite number",
                                 frame_label(frame, label, sizeof label), i, frame->symbols[i]);
    double budget = 4.0 * frame->atoms + 64, wanted[3], height[3], images = 0;
    int code = make_basis(grid, frame, r_max, &images, error);
    if (code)
        return code;
    if (images > 27 && !(images < most_images && images * frame->atoms * frame->atoms < most_steps))
        return error_set(error, ERROR_MEMORY,
                         "%s: within r_max %g there are %.3g images of the cell, more than can be handled",
                         frame_label(frame, label, sizeof label), r_max, images);
    for (int d = 0; d < 3; d++) {
        const double column[3] = {grid->inverse[d], grid->inverse[3 + d], grid->inverse[6 + d]};
        double low = 0, high = 1;
        height[d] = plane_distance(grid->inverse, d);
        if (!frame->pbc[d]) {
            low = INFINITY;
            high = -INFINITY;
            for (int i = 0; i < frame->atoms; i++) {
                double s = dot(&frame->pos[3 * i], column);
                low = fmin(low, s);
                high = fmax(high, s);
            }
            if (!frame->atoms)
                low = high = 0;
        }
        grid->low[d] = low;
        grid->width[d] = high - low;
        wanted[d] = fmin(fmax(floor((high - low) * height[d] / r_max), 1), 1e9);
    }
    while (wanted[0] * wanted[1] * wanted[2] > budget) {
        int most = wanted[0] >= wanted[1] ? (wanted[0] >= wanted[2] ? 0 : 2) : (wanted[1] >= wanted[2] ? 1 : 2);
        wanted[most] = ceil(wanted[most] / 2);
    }
    for (int d = 0; d < 3; d++) {
        grid->bins[d] = (int)wanted[d];
        grid->width[d] = grid->width[d] > 0 ? grid->width[d] / wanted[d] : 1;
        /* a hair more than needed: positions are rounded when they are put into bins */
        double reach = ceil(r_max / (grid->width[d] * height[d]) * (1 + 1e-9) + 1e-9);
        grid->reach[d] = frame->pbc[d] ? (int)fmin(reach, 1e9) : (int)fmin(reach, wanted[d] - 1);
    }
    return 0;
}

static int grow(struct pair_list *list) {
    size_t capacity = list->capacity ? list->capacity * 2 : 256;
    if (list->count >= list->limit || list->count >= INT_MAX / 4)
        return 0;
    if (capacity > list->limit)
        capacity = list->limit;
    int *i = realloc(list->i, capacity * sizeof *i);
    if (i)
        list->i = i;
    int *j = realloc(list->j, capacity * sizeof *j);
    if (j)
        list->j = j;
    int *shift = realloc(list->shift, capacity * 3 * sizeof *shift);
    if (shift)
        list->shift = shift;
    if (!i || !j || !shift)
        return 0;
    list->capacity = capacity;
    return 1;
}

/* Lists of many small frames stay: what they do not use would be most of it. */
static int *cut(int *values, size_t count) {
    int *smaller = realloc(values, (count ? count : 1) * sizeof *values);
    return smaller ? smaller : values;
}

static int candidate_order(const void *left, const void *right) {
    const struct candidate *a = left, *b = right;
    if (a->j != b->j)
        return a->j < b->j ? -1 : 1;
    for (int d = 0; d < 3; d++)
        if (a->shift[d] != b->shift[d])
            return a->shift[d] < b->shift[d] ? -1 : 1;
    return 0;
}

static void sort_candidates(struct candidate *list, size_t count) {
    if (count > 48) {
        qsort(list, count, sizeof *list, candidate_order);
        return;
    }
    for (size_t k = 1; k < count; k++) {
        struct candidate moved = list[k];
        size_t at = k;
        for (; at > 0 && candidate_order(&list[at - 1], &moved) > 0; at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}

/* Atoms by bin, and how many cells each lies outside of the one at the origin. */
struct bins {
    int *start;   /* [bins + 1] */
    int *atom;    /* [atoms] in the order of bins */
    int *bin;     /* [atoms][3] */
    int *outside; /* [atoms][3] */
};

static int fill_bins(struct bins *bins, const struct grid *grid, const struct frame *frame, struct error *error) {
    int n = frame->atoms;
    size_t total = (size_t)grid->bins[0] * (size_t)grid->bins[1] * (size_t)grid->bins[2];
    bins->start = calloc(total + 1, sizeof *bins->start);
    bins->atom = malloc((size_t)(n + 1) * sizeof *bins->atom);
    bins->bin = malloc((size_t)(n + 1) * 3 * sizeof *bins->bin);
    bins->outside = malloc((size_t)(n + 1) * 3 * sizeof *bins->outside);
    if (!bins->start || !bins->atom || !bins->bin || !bins->outside)
        return error_memory(error);
    for (int i = 0; i < n; i++) {
        for (int d = 0; d < 3; d++) {
            const double column[3] = {grid->inverse[d], grid->inverse[3 + d], grid->inverse[6 + d]};
            double s = dot(&frame->pos[3 * i], column) - grid->low[d], whole = frame->pbc[d] ? floor(s) : 0;
            if (fabs(whole) > 1e8) {
                char label[300];
                return error_set(error, ERROR_DATA, "%s: atom %d (%s) is %.3g cells away from the origin",
                                 frame_label(frame, label, sizeof label), i, frame->symbols[i], fabs(whole));
            }
            double b = floor((s - whole) / grid->width[d]);
            bins->outside[3 * i + d] = (int)whole;
            bins->bin[3 * i + d] = (int)fmin(fmax(b, 0), grid->bins[d] - 1);
        }
    }
#define FLAT(b) (((size_t)(b)[0] * (size_t)grid->bins[1] + (size_t)(b)[1]) * (size_t)grid->bins[2] + (size_t)(b)[2])
    for (int i = 0; i < n; i++)
        bins->start[FLAT(&bins->bin[3 * i]) + 1]++;
    for (size_t b = 0; b < total; b++)
        bins->start[b + 1] += bins->start[b];
    for (int i = n - 1; i >= 0; i--) /* from behind, so that start[b + 1] comes down to the bin's first atom */
        bins->atom[--bins->start[FLAT(&bins->bin[3 * i]) + 1]] = i;
    memmove(bins->start, bins->start + 1, total * sizeof *bins->start);
    bins->start[total] = n;
    return 0;
}

static int floor_divide(int a, int b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* Candidates of atom i from one bin in one image (shift: of that bin, before the atoms' own). */
struct neighbour_search {
    const struct frame *frame;
    const int64_t *whole; /* what image shifts of the basis are in cells; NULL: the same */
    double r_max2;
    int directed;
    struct candidate *found;
    size_t count, capacity;
    int looked_at; /* candidates since it was asked whether to stop */
};

/* From images of the reduced cell to those of the frame's; 0 where they are too far away to be counted. */
static int count_in_cells(const int64_t *whole, int *shift) {
    double cells[3];
    for (int d = 0; d < 3; d++) {
        cells[d] = (double)shift[0] * (double)whole[d] + (double)shift[1] * (double)whole[3 + d] +
                   (double)shift[2] * (double)whole[6 + d];
        if (!(fabs(cells[d]) < 1 << 30))
            return 0;
    }
    for (int d = 0; d < 3; d++)
        shift[d] = (int)cells[d];
    return 1;
}

static int search_bin(struct neighbour_search *search, const struct bins *bins, size_t bin, int i, const int *image,
                      struct error *error) {
    const struct frame *frame = search->frame;
    const double *xi = &frame->pos[3 * i], *cell = frame->cell;
    search->looked_at += bins->start[bin + 1] - bins->start[bin] + 1;
    if (search->looked_at > CANDIDATES_AT_ONCE) {
        search->looked_at = 0;
        int code = interrupt_check(error);
        if (code)
            return code;
    }
    for (int k = bins->start[bin]; k < bins->start[bin + 1]; k++) {
        int j = bins->atom[k];
        if (j < i && !search->directed)
            continue;
        int shift[3];
        for (int d = 0; d < 3; d++)
            shift[d] = image[d] + bins->outside[3 * i + d] - bins->outside[3 * j + d];
        if (search->whole && !count_in_cells(search->whole, shift)) {
            char label[300];
            return error_set(error, ERROR_DATA,
                             "%s: the cell is so sheared that atoms %d (%s) and %d (%s) are more "
                             "than 1e9 cells apart",
                             frame_label(frame, label, sizeof label), i, frame->symbols[i], j, frame->symbols[j]);
        }
        if (i == j) {
            int sign = shift[0] ? shift[0] : shift[1] ? shift[1] : shift[2];
            if (sign == 0 || (sign < 0 && !search->directed))
                continue;
        }
        double r2 = 0;
        for (int c = 0; c < 3; c++) {
            double image_c = shift[0] * cell[c] + shift[1] * cell[3 + c] + shift[2] * cell[6 + c];
            double r = (frame->pos[3 * j + c] - xi[c]) + image_c;
            r2 += r * r;
        }
        if (!(r2 <= search->r_max2))
            continue;
        if (r2 < same_place * same_place) {
            char label[300];
            return error_set(error, ERROR_DATA, "%s: atoms %d (%s) and %d (%s) are on one place",
                             frame_label(frame, label, sizeof label), i, frame->symbols[i], j, frame->symbols[j]);
        }
        if (search->count == search->capacity) {
            size_t capacity = search->capacity ? 2 * search->capacity : 128;
            struct candidate *found = realloc(search->found, capacity * sizeof *found);
            if (!found)
                return error_memory(error);
            search->found = found;
            search->capacity = capacity;
        }
        search->found[search->count++] = (struct candidate){j, {shift[0], shift[1], shift[2]}};
    }
    return 0;
}

/* All candidates of atom i. */
static int search_atom(struct neighbour_search *search, const struct grid *grid, const struct bins *bins, int i,
                       struct error *error) {
    const int *home = &bins->bin[3 * i], *n = grid->bins;
    int first[3], last[3];
    for (int d = 0; d < 3; d++) {
        first[d] = home[d] - grid->reach[d];
        last[d] = home[d] + grid->reach[d];
        if (!search->frame->pbc[d]) {
            first[d] = first[d] < 0 ? 0 : first[d];
            last[d] = last[d] >= n[d] ? n[d] - 1 : last[d];
        }
    }
    for (int a = first[0]; a <= last[0]; a++) {
        int image[3];
        image[0] = floor_divide(a, n[0]);
        for (int b = first[1]; b <= last[1]; b++) {
            image[1] = floor_divide(b, n[1]);
            for (int c = first[2]; c <= last[2]; c++) {
                image[2] = floor_divide(c, n[2]);
                const int at[3] = {a - image[0] * n[0], b - image[1] * n[1], c - image[2] * n[2]};
                int code = search_bin(search, bins, FLAT(at), i, image, error);
                if (code)
                    return code;
            }
        }
    }
    sort_candidates(search->found, search->count);
    return 0;
}

/* Rough number of pairs, to refuse early what can never fit. */
static double expected_pairs(const struct frame *frame, double r_max, int directed) {
    double n = frame->atoms, volume = frame_volume(frame), edges = n * (n - 1);
    if (frame->pbc[0] && frame->pbc[1] && frame->pbc[2] && volume > 0)
        edges = n * n / volume * 4.18879 * r_max * r_max * r_max;
    else if (n > 0)
        edges = 0;
    return directed ? edges : edges / 2;
}

int frame_neighbours(struct frame *frame, double r_max, int directed, size_t limit_bytes, struct error *error) {
    struct grid grid = {.reduced = 0};
    struct bins bins = {0};
    struct pair_list list = {0};
    struct neighbour_search search = {.frame = frame, .r_max2 = r_max * r_max, .directed = directed};
    int code = 0;
    char label[300];
    const size_t pair_bytes = 5 * sizeof(int);
    if (!(r_max > 0) || !isfinite(r_max))
        return error_set(error, ERROR_VALUE, "r_max is %g: it must be a positive number", r_max);
    list.limit = limit_bytes ? limit_bytes / pair_bytes : INT_MAX / 4;
    if (!list.limit)
        list.limit = 1;
    code = make_grid(&grid, frame, r_max, error);
    if (code)
        goto out;
    double expected = expected_pairs(frame, r_max, directed);
    if (expected > 2.0 * (double)list.limit + 1000)
        goto too_many;
    code = fill_bins(&bins, &grid, frame, error);
    search.whole = grid.reduced ? grid.whole : NULL;
    for (int i = 0; i < frame->atoms && !code; i++) {
        search.count = 0;
        code = search_atom(&search, &grid, &bins, i, error);
        for (size_t k = 0; k < search.count && !code; k++) {
            if (list.count == list.capacity && !grow(&list)) {
                expected = (double)list.count;
                goto too_many;
            }
            list.i[list.count] = i;
            list.j[list.count] = search.found[k].j;
            memcpy(&list.shift[3 * list.count++], search.found[k].shift, 3 * sizeof *list.shift);
        }
    }
    if (code)
        goto out;
    if (!list.capacity && !grow(&list)) {
        code = error_memory(error);
        goto out;
    }
    frame_drop(frame, frame->pair_i);
    frame_drop(frame, frame->pair_j);
    frame_drop(frame, frame->pair_shift);
    frame->pair_i = cut(list.i, list.count);
    frame->pair_j = cut(list.j, list.count);
    frame->pair_shift = cut(list.shift, 3 * list.count);
    frame->npairs = (int)list.count;
    frame->directed = directed != 0;
    memset(&list, 0, sizeof list);
    goto out;
too_many:
    code = error_set(error, ERROR_MEMORY,
                     "%s: r_max %g gives more than %.3g neighbour pairs, more than memory is allowed for; "
                     "is the cutoff in Angstrom?",
                     frame_label(frame, label, sizeof label), r_max, expected);
out:
    free(list.i);
    free(list.j);
    free(list.shift);
    free(search.found);
    free(bins.start);
    free(bins.atom);
    free(bins.bin);
    free(bins.outside);
    return code;
}
