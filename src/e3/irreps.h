/* Irreps of O(3): direct sums such as 5x0o+3x0e+4x1o, in e3nn's notation and order (by l, then odd before even). */
#ifndef FETTLE_E3_IRREPS_H
#define FETTLE_E3_IRREPS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "graph/graph.h"

enum { IRREP_MAX_L = 11 };

struct irrep {
    int l;
    int p; /* +1 even, -1 odd */
};

struct irreps_entry {
    int mul;
    struct irrep ir;
};

/* A value; the entries live in the arena they were made in. After a failed allocation it is empty, and the arena
 * tells. */
struct irreps {
    int count;
    const struct irreps_entry *entries;
};

static inline int irrep_dim(struct irrep ir) {
    return 2 * ir.l + 1;
}
static inline int irrep_equal(struct irrep a, struct irrep b) {
    return a.l == b.l && a.p == b.p;
}
/* -1, 0, 1: e3nn's order. */
int irrep_compare(struct irrep a, struct irrep b);
/* The irreps of the product, |l1-l2| first; returns how many. */
int irrep_product(struct irrep a, struct irrep b, struct irrep out[2 * IRREP_MAX_L + 1]);
/* "1o" into out. */
int irrep_parse(struct irrep *out, const char *text, struct error *error);
const char *irrep_name(char out[8], struct irrep ir);

int irreps_parse(struct irreps *out, const char *text, struct arena *arena, struct error *error);
void irreps_print(const struct irreps *irreps, struct text *out);
struct irreps irreps_new(const struct irreps_entry *entries, int count, struct arena *arena);
/* 1x0e+1x1o+1x2e+...: the harmonics of a vector. */
struct irreps irreps_harmonics(int l_max, struct arena *arena);

/* Stable. position[k] (may be NULL) becomes the place of entry k in the result. */
struct irreps irreps_sort(const struct irreps *irreps, int *position, struct arena *arena);
/* Neighbours of the same irrep become one; those of multiplicity 0 go. group[k] (may be NULL) becomes the entry of
 * the result that holds entry k, first[k] (may be NULL) the channel in it where entry k begins. */
struct irreps irreps_simplify(const struct irreps *irreps, int *group, int *first, struct arena *arena);
struct irreps irreps_concat(const struct irreps *a, const struct irreps *b, struct arena *arena);
/* The entries whose irrep occurs in keep. */
struct irreps irreps_filter(const struct irreps *irreps, const struct irreps *keep, struct arena *arena);

int irreps_dim(const struct irreps *irreps);   /* sum of mul * (2l+1) */
int irreps_num(const struct irreps *irreps);   /* sum of mul */
int irreps_l_max(const struct irreps *irreps); /* -1 if empty */
int irreps_has(const struct irreps *irreps, struct irrep ir);
int irreps_equal(const struct irreps *a, const struct irreps *b);
/* Whether some product of an entry of a with one of b holds ir. */
int irreps_reach(const struct irreps *a, const struct irreps *b, struct irrep ir);
/* The layout of features of these irreps: one block an entry. blocks has room for irreps->count. */
void irreps_blocks(const struct irreps *irreps, struct block *blocks);

#endif
