/* PyTorch's CPU generator and the way its distributions draw from it (aten/src/ATen: CPUGeneratorImpl, core
 * TransformationHelper, native/cpu/DistributionTemplates). */
#include "base/random.h"

#include <math.h>

enum { N = RANDOM_WORDS, M = 397 };

void random_seed(struct random_stream *stream, uint64_t seed) {
    stream->state[0] = (uint32_t)seed;
    for (uint32_t k = 1; k < N; k++)
        stream->state[k] = 1812433253u * (stream->state[k - 1] ^ (stream->state[k - 1] >> 30)) + k;
    stream->position = N;
    stream->has_next_normal = 0;
    stream->next_normal = 0;
}

uint32_t random_u32(struct random_stream *stream) {
    uint32_t *s = stream->state;
    if (stream->position >= N) {
        for (int k = 0; k < N; k++) {
            uint32_t y = (s[k] & 0x80000000u) | (s[(k + 1) % N] & 0x7fffffffu);
            s[k] = s[(k + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        stream->position = 0;
    }
    uint32_t y = s[stream->position++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

uint64_t random_u64(struct random_stream *stream) {
    uint64_t first = random_u32(stream);
    return first << 32 | random_u32(stream);
}

static double unit_f64(struct random_stream *stream) {
    return (double)(random_u64(stream) & ((1ull << 53) - 1)) * 0x1p-53;
}

static float unit_f32(struct random_stream *stream) {
    return (float)(random_u32(stream) & ((1u << 24) - 1)) * 0x1p-24f;
}

void random_uniform_f64(struct random_stream *stream, double *out, size_t count, double low, double high) {
    for (size_t k = 0; k < count; k++)
        out[k] = fma(unit_f64(stream), high - low, low);
}

void random_uniform_f32(struct random_stream *stream, float *out, size_t count, double low, double high) {
    float from = (float)low, width = (float)high - (float)low;
    for (size_t k = 0; k < count; k++)
        out[k] = fmaf(unit_f32(stream), width, from);
}

/* One number; the other of its pair is kept for the next call. */
static double single_normal(struct random_stream *stream) {
    if (stream->has_next_normal) {
        stream->has_next_normal = 0;
        return stream->next_normal;
    }
    double u1 = unit_f64(stream), u2 = unit_f64(stream);
    double r = sqrt(-2.0 * log1p(-u2)), theta = 2.0 * M_PI * u1;
    stream->next_normal = r * sin(theta);
    stream->has_next_normal = 1;
    return r * cos(theta);
}

static void sixteen_f64(double *data) {
    for (int j = 0; j < 8; j++) {
        double u1 = 1 - data[j], u2 = data[j + 8];
        double r = sqrt(-2 * log(u1)), theta = 2.0 * M_PI * u2;
        data[j] = r * cos(theta);
        data[j + 8] = r * sin(theta);
    }
}

static void sixteen_f32(float *data) {
    for (int j = 0; j < 8; j++) {
        float u1 = 1 - data[j], u2 = data[j + 8];
        float r = sqrtf(-2 * logf(u1)), theta = 2.0f * (float)M_PI * u2;
        data[j] = r * cosf(theta);
        data[j + 8] = r * sinf(theta);
    }
}

void random_normal_f64(struct random_stream *stream, double *out, size_t count) {
    if (count < 16) {
        for (size_t k = 0; k < count; k++)
            out[k] = single_normal(stream);
        return;
    }
    random_uniform_f64(stream, out, count, 0, 1);
    for (size_t k = 0; k + 16 <= count; k += 16)
        sixteen_f64(out + k);
    if (count % 16) {
        random_uniform_f64(stream, out + count - 16, 16, 0, 1);
        sixteen_f64(out + count - 16);
    }
}

void random_normal_f32(struct random_stream *stream, float *out, size_t count) {
    if (count < 16) {
        for (size_t k = 0; k < count; k++)
            out[k] = (float)single_normal(stream);
        return;
    }
    random_uniform_f32(stream, out, count, 0, 1);
    for (size_t k = 0; k + 16 <= count; k += 16)
        sixteen_f32(out + k);
    if (count % 16) {
        random_uniform_f32(stream, out + count - 16, 16, 0, 1);
        sixteen_f32(out + count - 16);
    }
}

void random_permutation(struct random_stream *stream, int64_t *out, size_t count) {
    for (size_t k = 0; k < count; k++)
        out[k] = (int64_t)k;
    for (size_t k = 0; k + 1 < count; k++) {
        size_t z = random_u32(stream) % (count - k);
        int64_t keep = out[k];
        out[k] = out[k + z];
        out[k + z] = keep;
    }
}
