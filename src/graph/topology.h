/* Who neighbours whom in a batch: what the kernels need of the atoms, pairs and frames.
 *
 * A pair p joins atom i and atom j (with an image shift); its vector is r_p = x_j - x_i + S.cell.  An edge is a
 * directed neighbour relation (centre, neighbour).  Where all cutoffs are symmetric each pair carries two edges,
 * (i, j) with sign +1 and (j, i) with sign -1 (its vector is -r_p); otherwise each edge has a pair of its own,
 * with sign +1.  All that depends on the distance is thus computed once a pair. */
#ifndef FETTLE_GRAPH_TOPOLOGY_H
#define FETTLE_GRAPH_TOPOLOGY_H

enum dim { DIM_STATIC, DIM_ATOMS, DIM_PAIRS, DIM_FRAMES, DIM_COUNT };

/* Index arrays: a value of a target row for each row of a source dimension. */
enum index_kind {
    INDEX_TYPE,       /* atoms -> types */
    INDEX_PAIR_TYPE,  /* pairs -> type_i * types + type_j */
    INDEX_FRAME,      /* atoms -> frames, ascending */
    INDEX_PAIR_FRAME, /* pairs -> frames, ascending */
    INDEX_PAIR_I,     /* pairs -> atoms */
    INDEX_PAIR_J,     /* pairs -> atoms */
    INDEX_CATEGORY,   /* atoms -> categories of the first categorical field; the next ones follow */
    INDEX_CATEGORY_LAST = INDEX_CATEGORY + 7,
    INDEX_COUNT
};

/* What an index array runs over: pairs or atoms. */
enum dim index_dim(int index);

/* Edges by one of their ends, as compressed rows. */
struct edge_rows {
    int *row;          /* [atoms + 1] */
    int *other;        /* [edges] the atom at the other end */
    int *pair;         /* [edges] */
    signed char *sign; /* [edges] +1 or -1 */
};

struct topology {
    int dim[DIM_COUNT]; /* sizes; dim[DIM_STATIC] is unused */
    int edges;
    int types;
    int *index[INDEX_COUNT];                  /* NULL where absent */
    struct edge_rows by_centre, by_neighbour; /* where pairs carry two edges they share all arrays but the sign */
};

/* Fills the arrays of both tables of edges from the atoms of the pairs. */
void topology_fill_rows(struct topology *t);

#endif
