/* Frames out of nothing: rattled, strained fcc alloys and short molecular dynamics, labelled by EMT. */
#ifndef FETTLE_DATA_SET_GENERATE_H
#define FETTLE_DATA_SET_GENERATE_H

#include "base/random.h"
#include "data/set/dataset.h"
#include "data/set/emt.h"

struct generate_alloy {
    int nelements;
    const int *elements;       /* atomic numbers */
    const double *composition; /* [elements] weights, NULL: equal */
    int repeat[3];             /* of the cubic cell of four atoms */
    double lattice_constant;   /* A; 0: the mean of the atoms' own */
    double rattle;             /* standard deviation of each coordinate, A */
    double strain;             /* standard deviation of each component of the strain */
};

/* One labelled frame, drawn from the stream. */
int generate_alloy(struct frame **out, const struct generate_alloy *options, struct random_stream *stream,
                   struct emt *emt, struct error *error);

struct generate_md {
    double temperature; /* K: of the initial velocities, and of the thermostat */
    double timestep;    /* fs */
    double friction;    /* 1/fs; 0: velocity Verlet, else Langevin (BAOAB) */
    long equilibrate;   /* steps before the first frame */
    long interval;      /* steps between frames */
};

/* count labelled frames of a trajectory from start, added to the data set. */
int generate_md(struct dataset *dataset, const struct frame *start, const struct generate_md *options, size_t count,
                struct random_stream *stream, struct emt *emt, struct error *error);

#endif
