/* PyTorch's streams: every number here was drawn by torch 2.x on a CPU. */
#include <criterion/criterion.h>
#include <math.h>

#include "base/random.h"
#include "base/random_numpy.h"

static const double randn20[20] = {
    0x1.ccd631b47ac04p-1,  -0x1.37cc71df2d4adp+1, -0x1.26dfe839abb25p-2, 0x1.e97b5db1429dbp+0,  0x1.2e2c62815206ap+0,
    -0x1.8cd34a9906bf4p-2, -0x1.e10d9277f1af2p-2, 0x1.abda15bee8aa5p+0,  0x1.533a9b1c34e12p-1,  0x1.41985583f0ec7p-3,
    0x1.3e8e8bd1e87a9p-3,  -0x1.44e18a2bd97e4p-1, 0x1.0a49426416b83p-2,  -0x1.7b997a6d2d2c8p+1, 0x1.7f9ced3283ab7p-3,
    0x1.ed0d0313ffdbfp-3,  -0x1.9d3d03b144a0bp-1, 0x1.a8445176627c7p-2,  -0x1.2961cacd398b4p+0, 0x1.5858f7e81d729p-1};
static const double randn5[5] = {-0x1.371d48cba4832p+1, 0x1.8243dc944cfc4p-1, 0x1.9a3d711629aefp+0,
                                 -0x1.24a0930962edep+0, -0x1.50e0d2026b362p-3};

/* exp, log and cos may differ in the last bit between C libraries */
static int near(double a, double b) {
    return fabs(a - b) <= 1e-15 * fmax(1, fabs(b));
}

Test(random, normal_numbers) {
    struct random_stream stream;
    double numbers[20];
    random_seed(&stream, 456);
    random_normal_f64(&stream, numbers, 20);
    for (int k = 0; k < 20; k++)
        cr_expect(near(numbers[k], randn20[k]), "%d: %.17g", k, numbers[k]);
    random_seed(&stream, 456);
    random_normal_f64(&stream, numbers, 5);
    for (int k = 0; k < 5; k++)
        cr_expect(near(numbers[k], randn5[k]), "%d: %.17g", k, numbers[k]);
}

Test(random, normal_numbers_f32) {
    static const int places[] = {0, 15, 16, 17, 32};
    static const double want[] = {0.8035005331039429, 0.05645979568362236, -0.6991990208625793, 0.5286509394645691,
                                  0.7809295654296875};
    struct random_stream stream;
    float numbers[33];
    random_seed(&stream, 456);
    random_normal_f32(&stream, numbers, 33);
    for (int k = 0; k < 5; k++)
        cr_expect(fabs(numbers[places[k]] - want[k]) < 1e-6, "%d: %.9g", places[k], (double)numbers[places[k]]);
}

Test(random, uniform_numbers) {
    static const double want[] = {0.6420150066280941, 0.2597579151763153, 0.36082761942715424};
    struct random_stream stream;
    double numbers[3];
    random_seed(&stream, (1ull << 32) + 5); /* only 32 bits of a seed count */
    random_uniform_f64(&stream, numbers, 3, 0, 1);
    for (int k = 0; k < 3; k++)
        cr_expect_eq(numbers[k], want[k], "%.17g", numbers[k]);
    float single;
    random_seed(&stream, 456);
    random_uniform_f64(&stream, numbers, 2, 0, 1);
    cr_expect_eq(numbers[0], 0.45210074447829796);
    cr_expect_eq(numbers[1], 0.9607749707896104);
    random_seed(&stream, 456);
    random_uniform_f32(&stream, &single, 1, 0, 1);
    cr_expect_eq(single, 0.6815125346183777f);
}

Test(random, permutation) {
    static const int64_t want[] = {1, 8, 5, 0, 6, 9, 4, 3, 2, 7};
    struct random_stream stream;
    int64_t numbers[10];
    random_seed(&stream, 456);
    random_permutation(&stream, numbers, 10);
    for (int k = 0; k < 10; k++)
        cr_expect_eq(numbers[k], want[k]);
    random_permutation(&stream, numbers, 1);
    cr_expect_eq(numbers[0], 0);
    random_permutation(&stream, numbers, 0);
}

/* Calls of all kinds on one stream: what randn keeps for its next call survives the others. */
Test(random, one_stream_many_calls) {
    static const int64_t order[] = {0, 1, 8, 7, 5, 6, 3, 2, 4};
    struct random_stream stream;
    double numbers[17];
    float singles[2];
    int64_t permutation[9];
    random_seed(&stream, 7);
    random_normal_f64(&stream, numbers, 3);
    cr_expect(near(numbers[2], 0x1.e4c5cd4ba2dcfp-1));
    random_uniform_f32(&stream, singles, 2, 0, 1);
    cr_expect_eq(singles[1], 0.8512683510780334f);
    random_normal_f32(&stream, singles, 1);
    cr_expect_eq(singles[0], -0x1.1d45a6p+0f);
    random_normal_f64(&stream, numbers, 17);
    cr_expect(near(numbers[16], 0x1.e2a6e12548db6p-1));
    random_permutation(&stream, permutation, 9);
    for (int k = 0; k < 9; k++)
        cr_expect_eq(permutation[k], order[k]);
    random_uniform_f64(&stream, numbers, 2, -sqrt(3), sqrt(3));
    cr_expect_eq(numbers[1], -0x1.29c728303aac6p-4);
    random_uniform_f32(&stream, singles, 2, -sqrt(3), sqrt(3));
    cr_expect_eq(singles[1], 0x1.8249f6p+0f);
}

/* numpy.random.default_rng(seed).normal: its layers' borders and its tail are met in a hundred thousand numbers. */
Test(random, numpys_normal_numbers) {
    static const double first[] = {0.19282119546170398, -0.06550701972209479, 0.435506649441362};
    struct numpy_stream stream;
    double value = 0, largest = 0;
    numpy_seed(&stream, 123456);
    for (int k = 0; k < 3; k++)
        cr_expect_float_eq(numpy_normal(&stream), first[k], 1e-15);
    numpy_seed(&stream, (UINT64_C(1) << 40) + 7);
    for (int k = 0; k < 100000; k++)
        largest = fmax(largest, fabs(value = numpy_normal(&stream)));
    cr_expect_float_eq(value, 0.012871805591095974, 1e-16);
    cr_expect_float_eq(largest, 4.196957644877631, 1e-14);
}
