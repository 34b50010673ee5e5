#include "graph/topology.h"

#include <string.h>

enum dim index_dim(int index) {
    return index == INDEX_PAIR_TYPE || index == INDEX_PAIR_FRAME || index == INDEX_PAIR_I || index == INDEX_PAIR_J
               ? DIM_PAIRS
               : DIM_ATOMS;
}

/* Compressed rows by counting.  Going through pairs in order leaves every row in the order of its pairs. */
static void fill_rows(const struct topology *t, struct edge_rows *rows, const int *centre, const int *other, int both) {
    int *row = rows->row, atoms = t->dim[DIM_ATOMS], pairs = t->dim[DIM_PAIRS];
    memset(row, 0, (size_t)(atoms + 1) * sizeof *row);
    for (int p = 0; p < pairs; p++) {
        row[centre[p] + 1]++;
        if (both)
            row[other[p] + 1]++;
    }
    for (int a = 0; a < atoms; a++)
        row[a + 1] += row[a];
    for (int p = 0; p < pairs; p++)
        for (int back = 0; back <= both; back++) {
            int at = row[back ? other[p] : centre[p]]++;
            rows->other[at] = back ? centre[p] : other[p];
            rows->pair[at] = p;
            rows->sign[at] = back ? -1 : 1;
        }
    /* row[a] is the end of row a by now */
    memmove(row + 1, row, (size_t)atoms * sizeof *row);
    row[0] = 0;
}

void topology_fill_rows(struct topology *t) {
    const int *first = t->index[INDEX_PAIR_I], *second = t->index[INDEX_PAIR_J];
    int both = t->edges == 2 * t->dim[DIM_PAIRS];
    fill_rows(t, &t->by_centre, first, second, both);
    if (!both)
        fill_rows(t, &t->by_neighbour, second, first, 0);
    for (int e = 0; both && e < t->edges; e++)
        t->by_neighbour.sign[e] = (signed char)-t->by_centre.sign[e];
}
