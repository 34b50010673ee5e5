/* What a data set holds, and what is odd about it: counts, ranges of labels, neighbours, copies. */
#ifndef FETTLE_DATA_SET_SURVEY_H
#define FETTLE_DATA_SET_SURVEY_H

#include <stdint.h>
#include "data/set/dataset.h"

/* Of numbers that are finite. */
struct spread {
    size_t count, odd; /* odd: NaN or infinite, in none of the others */
    double low, high, mean, deviation, rms;
    size_t high_at; /* frame that has the number of the largest absolute value */
};

struct survey_field {
    char name[64];
    int per_atom;
    size_t frames;        /* that have it */
    struct spread values; /* total_energy: of each frame, per atom; rows of an atom: their norms; else each number */
};

struct survey_text {
    const char *text; /* the data set's */
    size_t frames;
};

struct survey {
    size_t frames, atoms, periodic; /* periodic: in any direction */
    int least_atoms, most_atoms;    /* of a frame */
    int ntypes;
    size_t *types;            /* [ntypes] atoms; those without a type are counted nowhere */
    size_t with_neighbours;   /* frames whose neighbours are known; what follows is of these */
    struct spread neighbours; /* of an atom; low 0: see isolated */
    size_t isolated;          /* atoms without any */
    double shortest;          /* A between two atoms; infinite without pairs */
    size_t shortest_at;       /* frame */
    int shortest_i, shortest_j;
    size_t nfields;
    struct survey_field *fields;
    size_t nunused;
    struct survey_text *unused; /* keys of the files that no field was made of, as a frame lists them */
    size_t copies, first_copy;  /* frames with species, positions and cell of an earlier one; the first */
    uint64_t *prints;           /* [frames] of species, positions and cell, ascending */
};

int survey_make(struct survey *out, const struct dataset *dataset, int ntypes, struct error *error);
void survey_free(struct survey *survey);
/* Frames of one that are in the other as well. */
size_t survey_shared(const struct survey *survey, const struct survey *other);

#endif
