/* Batches joined ahead: the same as those that are not, whatever is asked for and whatever is wanted. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "data/frame/prefetch.h"
#include "support.h"

enum { FRAMES = 12 };

static struct frame *some_frame(int k) {
    struct frame *frame = frame_new(3 + k % 4);
    struct error error = {0};
    cr_assert_not_null(frame);
    frame->source = "";
    for (int i = 0; i < frame->atoms; i++) {
        frame->types[i] = i % 2;
        for (int c = 0; c < 3; c++)
            frame->pos[3 * i + c] = 1.1 * i + 0.01 * k * (c + 1);
    }
    cr_assert_not_null(frame_set_field(frame, "forces", 1, 3, frame->pos));
    cr_assert_eq(frame_neighbours(frame, 2.5, 0, 0, &error), 0, "%s", error.message);
    return frame;
}

static void same(const struct batch *a, const struct batch *b) {
    cr_assert(a->frames == b->frames && a->atoms == b->atoms && a->pairs == b->pairs && a->edges == b->edges);
    cr_expect(!memcmp(a->pos, b->pos, 3 * (size_t)a->atoms * sizeof *a->pos));
    cr_expect(!memcmp(a->source, b->source, (size_t)a->frames * sizeof *a->source));
    cr_expect(!memcmp(a->topology.by_centre.pair, b->topology.by_centre.pair, (size_t)a->edges * sizeof(int)));
    cr_expect(!memcmp(a->topology.by_neighbour.other, b->topology.by_neighbour.other, (size_t)a->edges * sizeof(int)));
    cr_expect(!memcmp(batch_field(a, "forces")->values, batch_field(b, "forces")->values,
                      3 * (size_t)a->atoms * sizeof(double)));
}

Test(prefetch, batches_are_what_they_would_be) {
    struct batch_options options = {.types = 2}, other = {.types = 3};
    struct frame *frames[FRAMES];
    const struct frame *const *all = (const struct frame *const *)frames;
    struct prefetch *ahead = prefetch_new();
    struct batch *got = NULL, *want = NULL;
    struct error error = {0};
    unsigned state = 7;
    long asked = 0;
    for (int k = 0; k < FRAMES; k++)
        frames[k] = some_frame(k);
    for (int round = 0; round < 400; round++) {
        state = state * 1103515245u + 12345u;
        int first = (int)(state >> 16) % (FRAMES - 4), count = 1 + (int)(state >> 20) % 4,
            what = (int)(state >> 24) % 5;
        if (what == 0) {
            prefetch_ask(ahead, all, 4, &options); /* and something else is wanted */
        } else if (what == 1) {
            prefetch_ask(ahead, all + first, count, &other); /* for another model */
        } else if (what >= 3) {
            if (what == 4)
                prefetch_ask(ahead, all + 1, 3, &options); /* a second thought */
            prefetch_ask(ahead, all + first, count, &options);
            asked++;
        }
        cr_assert_eq(prefetch_join(ahead, &got, all + first, count, &options, &error), 0);
        cr_assert_eq(batch_join(&want, all + first, count, &options, &error), 0);
        same(got, want);
    }
    cr_expect_geq(prefetch_served(ahead), asked);
    prefetch_ask(ahead, all, FRAMES, &options); /* nobody comes for it */
    prefetch_free(ahead);
    batch_free(got);
    batch_free(want);
    for (int k = 0; k < FRAMES; k++)
        frame_free(frames[k]);
}

/* What is wrong with a batch is said when it is wanted, and not before. */
Test(prefetch, errors_come_with_the_batch) {
    struct batch_options options = {.types = 2};
    struct frame *frames[2] = {some_frame(0), some_frame(1)};
    const struct frame *const *all = (const struct frame *const *)frames;
    struct prefetch *ahead = prefetch_new();
    struct batch *got = NULL;
    struct error error = {0};
    frames[1]->types[2] = 5;
    prefetch_ask(ahead, all, 2, &options);
    cr_expect_eq(prefetch_join(ahead, &got, all, 1, &options, &error), 0);
    prefetch_ask(ahead, all, 2, &options);
    cr_expect_eq(prefetch_join(ahead, &got, all, 2, &options, &error), ERROR_VALUE);
    cr_expect(strstr(error.message, "type 5"), "%s", error.message);
    frames[1]->types[2] = 1;
    prefetch_ask(ahead, all, 2, &options);
    cr_expect_eq(prefetch_join(ahead, &got, all, 2, &options, &error), 0);
    prefetch_free(ahead);
    batch_free(got);
    frame_free(frames[0]);
    frame_free(frames[1]);
}
