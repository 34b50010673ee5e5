/* fettle: evaluate a trained E(3)-equivariant interatomic potential.
 *
 * Units are eV and Angstrom throughout; cell vectors are rows; every array is row-major and belongs to the caller.
 * Frames, atoms and types are counted from 0, in messages as well.
 * Functions that can fail return a status (FETTLE_OK is 0) and fill the caller's struct fettle_error, which may be
 * NULL.  There is no global state.  A handle may be used by several threads: calls on it take turns.  Different handles
 * run at the same time.  A child after fork may use and free its parent's handles: it starts threads of its own.  One
 * that another thread was using during the fork is refused there with FETTLE_ERROR_ARGUMENT. */
#ifndef FETTLE_FETTLE_H
#define FETTLE_FETTLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FETTLE_VERSION_MAJOR 0
#define FETTLE_VERSION_MINOR 1
#define FETTLE_VERSION_PATCH 0

#if defined(__GNUC__)
#define FETTLE_API __attribute__((visibility("default")))
#else
#define FETTLE_API
#endif

/* The version of the library that is linked, "0.1.0". */
FETTLE_API const char *fettle_version(void);

enum fettle_status {
    FETTLE_OK = 0,
    FETTLE_ERROR_ARGUMENT, /* a null pointer, a species or a field that the model does not know, an unusable cell */
    FETTLE_ERROR_FILE,     /* a file that cannot be read, or that is damaged */
    FETTLE_ERROR_MODEL,    /* a model description that does not make a model, weights that do not fit it */
    FETTLE_ERROR_MEMORY,
    FETTLE_ERROR_NUMERIC /* the result is not a finite number */
};

struct fettle_error {
    int status;
    int line, column; /* in `file`, from 1; 0 where there is none */
    char file[256];
    char message[1024];
};

struct fettle_model;

/* Zero-initialise and set what matters; version must be FETTLE_OPTIONS_VERSION. */
#define FETTLE_OPTIONS_VERSION 2
struct fettle_options {
    int version;
    int threads;         /* 0: FETTLE_NUM_THREADS, else OMP_NUM_THREADS, else the processors that the process may use */
    const char *weights; /* a safetensors file whose weights replace those of `path`; NULL: none */
    int raw_weights;     /* take the weights as trained, not their moving average, where the checkpoint has both */
    size_t memory_limit; /* bytes that the neighbour list of one call may take; 0: no limit */
    /* Bytes of buffers beyond which the work for atoms and pairs is done in chunks that stay below it (what has to be
     * kept of each comes on top); 0: 64 MiB.  SIZE_MAX: no bound.  Results differ by rounding.  Since version 2. */
    size_t buffer_memory;
};

/* Opens a checkpoint (*.safetensors), or a model or a whole training config in YAML.  Weights that a YAML model lacks
 * are those of its seed.  options may be NULL. */
FETTLE_API int fettle_open(struct fettle_model **out, const char *path, const struct fettle_options *options,
                           struct fettle_error *error);
FETTLE_API void fettle_free(struct fettle_model *model); /* NULL is allowed */

/* What the model knows.  Strings belong to the model. */
FETTLE_API double fettle_cutoff(const struct fettle_model *model); /* Angstrom */
FETTLE_API int fettle_species_count(const struct fettle_model *model);
FETTLE_API const char *fettle_species(const struct fettle_model *model, int type); /* NULL out of range */
FETTLE_API int fettle_has_forces(const struct fettle_model *model);                /* forces and stress */

/* A number per frame or per atom that some models take besides the positions (a charge state, a functional).  One that
 * the model does not know is an error, so that a slip of the pen is not taken for nothing. */
struct fettle_input {
    const char *name;
    int per_atom;
    int columns;
    const double *values; /* [1 or atoms][columns] */
};

struct fettle_frame {
    size_t atoms;
    const double *positions; /* [atoms][3] */
    /* One of the three, the others NULL: */
    const int *numbers;         /* [atoms] atomic numbers */
    const char *const *species; /* [atoms] names, as fettle_species has them or as the training data had them */
    const int *types;           /* [atoms] indices for fettle_species */
    const double *cell;         /* [3][3]; NULL where there is none */
    int pbc[3];                 /* periodic along each cell vector */
    size_t input_count;
    const struct fettle_input *inputs;
};

/* Where results go; any pointer may be NULL. */
struct fettle_result {
    double energy;
    double *atomic_energy; /* [atoms] */
    double *forces;        /* [atoms][3] */
    double *stress;        /* [3][3], eV per cubic Angstrom, tension positive; NaN where no cell has a volume */
};

/* Evaluates count frames.  Nothing but `results` and what it points to is written, and only on success. */
FETTLE_API int fettle_evaluate(struct fettle_model *model, const struct fettle_frame *frames, size_t count,
                               struct fettle_result *results, struct fettle_error *error);

#ifdef __cplusplus
}
#endif

#endif
