/* The random stream of numpy.random.default_rng: PCG64 seeded by a SeedSequence, normal numbers by the ziggurat.  The
 * same seed gives the same numbers. */
#ifndef FETTLE_BASE_RANDOM_NUMPY_H
#define FETTLE_BASE_RANDOM_NUMPY_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 numpy_wide; /* no other spelling passes -Wpedantic */

struct numpy_stream {
    numpy_wide state, increment;
    double width[256], density[256]; /* of the ziggurat's layers */
    uint64_t inside[256];            /* below it a number lies in the layer above as well, and is taken at once */
};

void numpy_seed(struct numpy_stream *stream, uint64_t seed);
uint64_t numpy_u64(struct numpy_stream *stream);
double numpy_uniform(struct numpy_stream *stream); /* from 0 to 1 */
double numpy_normal(struct numpy_stream *stream);  /* mean 0, standard deviation 1 */

#endif
