#include <criterion/criterion.h>
#include <string.h>
#include "data/set/loader.h"

static void check_epochs(const struct loader_settings *settings, const int64_t expected[3][5]) {
    struct loader loader;
    struct loader_streams stream;
    int64_t order[10];
    loader_init(&loader, 10, settings);
    loader_streams_init(&stream, 456);
    for (int epoch = 0; epoch < 3; epoch++) {
        loader_epoch(&loader, &stream, order);
        for (int k = 0; k < 5; k++)
            cr_assert_eq(order[k], expected[epoch][k], "epoch %d, frame %d", epoch, k);
    }
}

static const int64_t one_batch[3][5] = {{7, 2, 4, 6, 8}, {5, 2, 6, 4, 9}, {4, 8, 0, 2, 7}};
static const int64_t short_batch[3][5] = {{7, 2, 4, 6, 8}, {7, 5, 8, 1, 6}, {8, 6, 2, 5, 9}};

/* Orders that torch's DataLoader gave. */
Test(loader, shuffle) {
    check_epochs(&(struct loader_settings){.batch_size = 10, .shuffle = 1}, one_batch);
    check_epochs(&(struct loader_settings){.batch_size = 5, .shuffle = 1}, one_batch);
    check_epochs(&(struct loader_settings){.batch_size = 3, .shuffle = 1}, short_batch);
    check_epochs(&(struct loader_settings){.batch_size = 3, .shuffle = 1, .drop_last = 1}, one_batch);
    check_epochs(&(struct loader_settings){.batch_size = 5, .shuffle = 1, .num_workers = 1}, short_batch);
}

/* What torch.multinomial gave after torch.manual_seed(123), twice. */
Test(loader, weights) {
    static const double weights[] = {0.5, 1, 0, 2.5, 1e-3, 3, 1, 0.25, 4, 1};
    static const struct {
        int64_t drawn, expected[2][13];
        int replacement;
    } cases[] = {{13, {{5, 0, 6, 1, 5, 5, 7, 6, 9, 1, 8, 1, 3}, {3, 3, 5, 8, 5, 7, 3, 3, 8, 8, 5, 6, 5}}, 1},
                 {6, {{1, 3, 9, 5, 8, 0}, {1, 3, 5, 9, 8, 6}}, 0},
                 {1, {{1}, {1}}, 1},
                 {1, {{1}, {1}}, 0}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct loader loader;
        struct loader_streams streams;
        int64_t order[13], room[10];
        double shares[10];
        struct loader_settings settings = {.batch_size = 4,
                                           .sampler = SAMPLER_WEIGHTED,
                                           .drawn = cases[c].drawn,
                                           .from = 10,
                                           .replacement = cases[c].replacement,
                                           .weights = weights,
                                           .room = room,
                                           .shares = shares};
        loader_init(&loader, 10, &settings);
        loader_streams_init(&streams, 456);
        for (int epoch = 0; epoch < 2; epoch++) {
            loader_epoch(&loader, &streams, order);
            for (int64_t k = 0; k < cases[c].drawn; k++)
                cr_expect_eq(order[k], cases[c].expected[epoch][k], "case %zu, epoch %d, frame %d", c, epoch, (int)k);
        }
    }
}

/* A limit that ends the epoch before the short batch leaves the stream as a full one would. */
Test(loader, limit) {
    struct loader loader;
    struct loader_streams stream;
    int64_t order[10];
    loader_init(&loader, 10, &(struct loader_settings){.batch_size = 3, .shuffle = 1});
    loader_streams_init(&stream, 456);
    cr_assert_eq(loader_batches(&loader), 4);
    loader.limit = 2;
    cr_assert_eq(loader_batches(&loader), 2);
    loader_epoch(&loader, &stream, order);
    loader_epoch(&loader, &stream, order);
    cr_assert_arr_eq(order, one_batch[1], sizeof one_batch[1]);
}

Test(loader, batches) {
    struct loader loader;
    struct loader_streams stream;
    int64_t order[10], first, size, seen = 0;
    loader_init(&loader, 10, &(struct loader_settings){.batch_size = 4});
    loader_streams_init(&stream, 1);
    loader_epoch(&loader, &stream, order);
    cr_assert_eq(loader_batches(&loader), 3);
    for (int64_t k = 0; k < 3; k++) {
        loader_batch(&loader, k, &first, &size);
        cr_assert_eq(first, seen);
        seen += size;
    }
    cr_assert_eq(seen, 10);
    for (int64_t k = 0; k < 10; k++)
        cr_assert_eq(order[k], k);
    loader.settings.drop_last = 1;
    cr_assert_eq(loader_batches(&loader), 2);
}

/* A copy of the stream goes on as the original does. */
Test(loader, copy) {
    struct loader loader;
    struct loader_streams stream, copy;
    int64_t order[10], again[10];
    loader_init(&loader, 10, &(struct loader_settings){.batch_size = 3, .shuffle = 1});
    loader_streams_init(&stream, 9);
    loader_epoch(&loader, &stream, order);
    copy = stream;
    loader_epoch(&loader, &stream, order);
    loader_epoch(&loader, &copy, again);
    cr_assert_arr_eq(order, again, sizeof order);
}

/* What a config asks of workers that are never started does not overflow. */
Test(loader, no_number_of_workers_is_too_large) {
    struct loader loader;
    struct loader_streams stream;
    int64_t order[10];
    loader_init(&loader, 10,
                &(struct loader_settings){
                    .batch_size = 5, .shuffle = 1, .num_workers = INT64_MAX, .prefetch_factor = INT64_MAX});
    loader_streams_init(&stream, 456);
    loader_epoch(&loader, &stream, order);
    loader_epoch(&loader, &stream, order);
    cr_assert_arr_eq(order, short_batch[1], sizeof short_batch[1]);
}

Test(loader, split) {
    int64_t sizes[4];
    const char *why;
    const int integers[4] = {1, 1, 1, 1}, reals[4] = {0};
    cr_assert_eq(loader_split(30, (double[]){0.7, 0.2, 0.1}, reals, 3, sizes, &why), 0);
    cr_assert(sizes[0] == 21 && sizes[1] == 6 && sizes[2] == 3);
    cr_assert_eq(loader_split(11, (double[]){0.5, 0.3, 0.2}, reals, 3, sizes, &why), 0);
    cr_assert(sizes[0] == 6 && sizes[1] == 3 && sizes[2] == 2); /* 5, 3, 2 and one left over */
    cr_assert_eq(loader_split(13, (double[]){0.25, 0.25, 0.25, 0.25}, reals, 4, sizes, &why), 0);
    cr_assert(sizes[0] == 4 && sizes[1] == 3 && sizes[3] == 3);
    cr_assert_eq(loader_split(10, (double[]){7, 3}, integers, 2, sizes, &why), 0);
    cr_assert(sizes[0] == 7 && sizes[1] == 3);
    cr_assert_eq(loader_split(10, (double[]){7, 2}, integers, 2, sizes, &why), -1);
    cr_assert(strstr(why, "counts"));
    cr_assert_eq(loader_split(10, (double[]){0.7, 0.2}, reals, 2, sizes, &why), -1);
    cr_assert(strstr(why, "fractions"));
    cr_assert_eq(loader_split(10, (double[]){1.5, -0.5}, reals, 2, sizes, &why), -1);
}
