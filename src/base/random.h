/* PyTorch's CPU random stream: one mt19937.  The same seed gives the same numbers. */
#ifndef FETTLE_BASE_RANDOM_H
#define FETTLE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_WORDS = 624 };

struct random_stream {
    uint32_t state[RANDOM_WORDS];
    int position;
    int has_next_normal; /* the second number of a pair that randn has kept */
    double next_normal;
};

void random_seed(struct random_stream *stream, uint64_t seed);
uint32_t random_u32(struct random_stream *stream);
uint64_t random_u64(struct random_stream *stream);

/* torch.rand, torch.randn and uniform_(low, high) for a tensor of count numbers of the given type. */
void random_uniform_f64(struct random_stream *stream, double *out, size_t count, double low, double high);
void random_uniform_f32(struct random_stream *stream, float *out, size_t count, double low, double high);
void random_normal_f64(struct random_stream *stream, double *out, size_t count);
void random_normal_f32(struct random_stream *stream, float *out, size_t count);

/* torch.randperm(count). */
void random_permutation(struct random_stream *stream, int64_t *out, size_t count);

#endif
