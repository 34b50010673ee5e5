/* SeedSequence and PCG64 (XSL RR 128/64) by M. O'Neill, the ziggurat by Marsaglia and Tsang, J. Stat. Softw. 5, 8
 * (2000), with 256 layers, as numpy has them. */
#include "base/random_numpy.h"
#include <math.h>

enum { POOL = 4, LAYERS = 256 };

static uint32_t fold(uint32_t value) {
    return value ^ value >> 16;
}

static uint32_t hash_word(uint32_t value, uint32_t *constant) {
    value ^= *constant;
    *constant *= 0x931e8875u;
    return fold(value * *constant);
}

static uint32_t mix_words(uint32_t x, uint32_t y) {
    return fold(0xca01f9ddu * x - 0x4973f715u * y);
}

/* The first four words of a SeedSequence's state. */
static void spread_seed(uint64_t seed, uint64_t words[4]) {
    uint32_t pool[POOL], constant = 0x43b0d7e5u;
    const uint32_t entropy[POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0, 0};
    for (int k = 0; k < POOL; k++)
        pool[k] = hash_word(entropy[k], &constant);
    for (int from = 0; from < POOL; from++)
        for (int to = 0; to < POOL; to++)
            if (from != to)
                pool[to] = mix_words(pool[to], hash_word(pool[from], &constant));
    constant = 0x8b51f9ddu;
    for (int k = 0; k < 8; k++) {
        uint32_t value = pool[k % POOL] ^ constant;
        constant *= 0x58f38dedu;
        value = fold(value * constant);
        words[k / 2] = k % 2 ? words[k / 2] | (uint64_t)value << 32 : value;
    }
}

static void step(struct numpy_stream *stream) {
    const numpy_wide factor = ((numpy_wide)2549297995355413924u << 64) + 4865540595714422341u;
    stream->state = stream->state * factor + stream->increment;
}

/* Layers of equal area under exp(-x^2/2), the last of which reaches from `tail` to infinity. */
static const double tail = 3.6541528853610087963519472518, inverse_tail = 0.27366123732975827203338247596;

/* In double and with this area of a layer, rounded as it is, the numbers are numpy's but for their last digit or two.
 */
static void lay_ziggurat(struct numpy_stream *stream) {
    const double range = 0x1p52, area = 0.004928673233974652;
    double edge = tail, density = exp(-0.5 * tail * tail), base = area / density;
    stream->inside[0] = (uint64_t)(tail / base * range);
    stream->inside[1] = 0;
    stream->width[0] = base / range;
    stream->width[LAYERS - 1] = tail / range;
    stream->density[0] = 1;
    stream->density[LAYERS - 1] = density;
    for (int k = LAYERS - 2; k >= 1; k--) {
        double next = sqrt(-2 * log(area / edge + density));
        stream->inside[k + 1] = (uint64_t)(next / edge * range);
        stream->width[k] = next / range;
        stream->density[k] = density = exp(-0.5 * next * next);
        edge = next;
    }
}

void numpy_seed(struct numpy_stream *stream, uint64_t seed) {
    uint64_t words[4];
    spread_seed(seed, words);
    stream->increment = ((numpy_wide)words[2] << 64 | words[3]) << 1 | 1;
    stream->state = 0;
    step(stream);
    stream->state += (numpy_wide)words[0] << 64 | words[1];
    step(stream);
    lay_ziggurat(stream);
}

uint64_t numpy_u64(struct numpy_stream *stream) {
    step(stream);
    uint64_t high = (uint64_t)(stream->state >> 64), mixed = high ^ (uint64_t)stream->state;
    unsigned turn = (unsigned)(high >> 58);
    return mixed >> turn | mixed << (-turn & 63);
}

double numpy_uniform(struct numpy_stream *stream) {
    return (double)(numpy_u64(stream) >> 11) * 0x1p-53;
}

static double draw_tail(struct numpy_stream *stream, int negative) {
    for (;;) {
        double x = -inverse_tail * log1p(-numpy_uniform(stream)), y = -log1p(-numpy_uniform(stream));
        if (y + y > x * x)
            return negative ? -(tail + x) : tail + x;
    }
}

double numpy_normal(struct numpy_stream *stream) {
    for (;;) {
        uint64_t bits = numpy_u64(stream), layer = bits & 255, size = bits >> 9 & 0xfffffffffffffu;
        double x = (double)size * stream->width[layer];
        if (bits >> 8 & 1)
            x = -x;
        if (size < stream->inside[layer])
            return x;
        if (!layer)
            return draw_tail(stream, (int)(size >> 8 & 1));
        double low = stream->density[layer], high = stream->density[layer - 1];
        if ((high - low) * numpy_uniform(stream) + low < exp(-0.5 * x * x))
            return x;
    }
}
