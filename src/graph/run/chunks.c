#include "graph/run/chunks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- pairs */

static int *take(char **at, size_t count) {
    int *taken = (int *)*at;
    *at += count * sizeof *taken;
    return taken;
}

/* place: [atoms of the whole], -1 everywhere, and so again afterwards. */
static int join_pairs(struct chunk *chunk, const struct topology *whole, int *place) {
    size_t pairs = (size_t)(chunk->end - chunk->begin);
    int both = whole->edges == 2 * whole->dim[DIM_PAIRS];
    size_t edges = pairs * (both ? 2 : 1), atoms = 0;
    const int *first = whole->index[INDEX_PAIR_I] + chunk->begin, *second = whole->index[INDEX_PAIR_J] + chunk->begin;
    for (size_t p = 0; p < pairs; p++)
        for (int end = 0; end < 2; end++) {
            int atom = end ? second[p] : first[p];
            if (place[atom] < 0)
                place[atom] = (int)atoms++;
        }
    size_t tables = both ? 1 : 2;
    size_t need = (2 * pairs + tables * 2 * edges + (tables + 1) * (atoms + 1)) * sizeof(int) + 2 * edges;
    if (need > chunk->capacity) {
        free(chunk->block);
        chunk->capacity = need;
        chunk->block = malloc(need);
        if (!chunk->block)
            chunk->capacity = 0;
    }
    struct topology *t = &chunk->topology;
    *t = *whole;
    char *at = chunk->block;
    if (at) {
        t->dim[DIM_ATOMS] = (int)atoms;
        t->dim[DIM_PAIRS] = (int)pairs;
        t->edges = (int)edges;
        for (int k = 0; k < INDEX_COUNT; k++)
            t->index[k] = NULL;
        if (whole->index[INDEX_PAIR_TYPE])
            t->index[INDEX_PAIR_TYPE] = whole->index[INDEX_PAIR_TYPE] + chunk->begin;
        if (whole->index[INDEX_PAIR_FRAME])
            t->index[INDEX_PAIR_FRAME] = whole->index[INDEX_PAIR_FRAME] + chunk->begin;
        t->index[INDEX_PAIR_I] = take(&at, pairs);
        t->index[INDEX_PAIR_J] = take(&at, pairs);
        struct edge_rows *rows[2] = {&t->by_centre, &t->by_neighbour};
        for (size_t k = 0; k < 2; k++) {
            *rows[k] = t->by_centre;
            if (k < tables) {
                rows[k]->row = take(&at, atoms + 1);
                rows[k]->other = take(&at, edges);
                rows[k]->pair = take(&at, edges);
            }
        }
        chunk->atoms = take(&at, atoms + 1);
        for (int k = 0; k < 2; k++, at += edges)
            rows[k]->sign = (signed char *)at;
    }
    for (size_t p = 0; p < pairs; p++) {
        const int ends[2] = {first[p], second[p]};
        for (int end = 0; end < 2 && at; end++) {
            t->index[end ? INDEX_PAIR_J : INDEX_PAIR_I][p] = place[ends[end]];
            chunk->atoms[place[ends[end]]] = ends[end];
        }
    }
    for (size_t p = 0; p < pairs; p++)
        place[first[p]] = place[second[p]] = -1;
    if (!at)
        return -1;
    topology_fill_rows(t);
    return 0;
}

/* ---------------------------------------------------------------- atoms */

static void slice_atoms(struct chunk *chunk, const struct topology *whole) {
    struct topology *t = &chunk->topology;
    *t = *whole;
    t->dim[DIM_ATOMS] = chunk->end - chunk->begin;
    t->dim[DIM_PAIRS] = t->edges = 0;
    memset(&t->by_centre, 0, sizeof t->by_centre);
    memset(&t->by_neighbour, 0, sizeof t->by_neighbour);
    for (int k = 0; k < INDEX_COUNT; k++)
        t->index[k] = index_dim(k) == DIM_PAIRS || !whole->index[k] ? NULL : whole->index[k] + chunk->begin;
}

/* ---------------------------------------------------------------- both */

struct cutting {
    struct chunks *chunks;
    const struct topology *whole;
    enum dim dim;
    atomic_int failed;
};

static void cut_member(void *context, int member, int members) {
    struct cutting *cutting = context;
    const struct topology *whole = cutting->whole;
    int *place = cutting->chunks->place + (size_t)member * (size_t)whole->dim[DIM_ATOMS];
    if (cutting->dim == DIM_PAIRS)
        for (int a = 0; a < whole->dim[DIM_ATOMS]; a++)
            place[a] = -1;
    for (int k = member; k < cutting->chunks->count; k += members) {
        struct chunk *chunk = &cutting->chunks->chunk[k];
        if (cutting->dim == DIM_ATOMS)
            slice_atoms(chunk, whole);
        else if (join_pairs(chunk, whole, place))
            atomic_store(&cutting->failed, 1);
    }
}

int chunks_cut(struct chunks *chunks, struct team *team, const struct topology *whole, enum dim dim, int rows) {
    int all = whole->dim[dim], count = (all + rows - 1) / rows, members = team ? team_size(team) : 1;
    size_t places = dim == DIM_PAIRS ? (size_t)members * (size_t)whole->dim[DIM_ATOMS] : 0;
    if (count > chunks->capacity) {
        struct chunk *more = realloc(chunks->chunk, (size_t)count * sizeof *more);
        if (!more)
            return -1;
        memset(more + chunks->capacity, 0, (size_t)(count - chunks->capacity) * sizeof *more);
        chunks->chunk = more;
        chunks->capacity = count;
    }
    if (places > chunks->place_size) {
        int *more = realloc(chunks->place, places * sizeof *more);
        if (!more)
            return -1;
        chunks->place = more;
        chunks->place_size = places;
    }
    chunks->count = count;
    for (int k = 0; k < count; k++) {
        chunks->chunk[k].begin = (int)((long)all * k / count);
        chunks->chunk[k].end = (int)((long)all * (k + 1) / count);
    }
    struct cutting cutting = {.chunks = chunks, .whole = whole, .dim = dim};
    if (team)
        team_run(team, cut_member, &cutting);
    else
        cut_member(&cutting, 0, 1);
    return atomic_load(&cutting.failed) ? -1 : 0;
}

void chunks_free(struct chunks *chunks) {
    for (int k = 0; k < chunks->capacity; k++)
        free(chunks->chunk[k].block);
    free(chunks->chunk);
    free(chunks->place);
    memset(chunks, 0, sizeof *chunks);
}
