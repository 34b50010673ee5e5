#include "graph/run/inverse.h"

#include <stdlib.h>
#include <string.h>

static int index_sizes(const struct topology *t, int index, int *sources) {
    *sources = t->dim[index_dim(index)];
    switch (index) {
    case INDEX_TYPE:
        return t->types;
    case INDEX_PAIR_TYPE:
        return t->types * t->types;
    case INDEX_FRAME:
    case INDEX_PAIR_FRAME:
        return t->dim[DIM_FRAMES];
    case INDEX_PAIR_I:
    case INDEX_PAIR_J:
        return t->dim[DIM_ATOMS];
    default: {
        int most = 0;
        for (int k = 0; k < *sources; k++)
            most = t->index[index][k] >= most ? t->index[index][k] + 1 : most;
        return most;
    }
    }
}

int inverse_make(struct inverses *inverses, int index, const struct topology *t, int least_rows) {
    struct inverse *inverse = &inverses->of[index];
    size_t *capacity = inverses->capacity[index];
    int sources, rows = index_sizes(t, index, &sources);
    if (rows < least_rows)
        rows = least_rows;
    size_t need_rows = (size_t)rows + 2, need_members = (size_t)sources + 1;
    if (need_rows > capacity[0]) {
        free(inverse->row);
        capacity[0] = inverse->row ? need_rows * 5 / 4 : need_rows;
        inverse->row = malloc(capacity[0] * sizeof *inverse->row);
    }
    if (need_members > capacity[1]) {
        capacity[1] = inverse->member ? need_members * 5 / 4 : need_members;
        free(inverse->member);
        inverse->member = malloc(capacity[1] * sizeof *inverse->member);
    }
    if (!inverse->row || !inverse->member) {
        capacity[0] = capacity[1] = 0;
        free(inverse->row);
        free(inverse->member);
        inverse->row = inverse->member = NULL;
        return -1;
    }
    const int *target = t->index[index];
    memset(inverse->row, 0, need_rows * sizeof *inverse->row);
    for (int k = 0; k < sources; k++)
        inverse->row[target[k] + 2]++;
    for (int r = 0; r < rows; r++)
        inverse->row[r + 2] += inverse->row[r + 1];
    for (int k = 0; k < sources; k++)
        inverse->member[inverse->row[target[k] + 1]++] = k;
    return 0;
}

void inverses_free(struct inverses *inverses) {
    for (int k = 0; k < INDEX_COUNT; k++) {
        free(inverses->of[k].row);
        free(inverses->of[k].member);
    }
}
