#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "data/frame/batch.h"
#include "support.h"

static const struct batch_options two_types = {.types = 2};

static struct frame *labelled(struct random_stream *stream, int atoms, unsigned pbc, int directed) {
    struct frame *frame = random_frame(stream, atoms, 5, 0.2, pbc);
    struct error error = {0};
    double energy = uniform(stream, -1, 1);
    cr_assert_eq(frame_neighbours(frame, 4, directed, 0, &error), 0, "%s", error.message);
    frame_set_field(frame, "total_energy", 0, 1, &energy);
    frame_set_field(frame, "forces", 1, 3, frame->pos);
    return frame;
}

/* Rows of edges against the pairs themselves. */
static void check_rows(const struct batch *batch) {
    const struct topology *t = &batch->topology;
    const int *pi = t->index[INDEX_PAIR_I], *pj = t->index[INDEX_PAIR_J];
    for (int side = 0; side < 2; side++) {
        const struct edge_rows *rows = side ? &t->by_neighbour : &t->by_centre;
        cr_assert_eq(rows->row[0], 0);
        cr_assert_eq(rows->row[batch->atoms], batch->edges);
        int forward = 0;
        for (int a = 0; a < batch->atoms; a++)
            for (int e = rows->row[a]; e < rows->row[a + 1]; e++) {
                int p = rows->pair[e], centre = rows->sign[e] > 0 ? pi[p] : pj[p];
                int neighbour = rows->sign[e] > 0 ? pj[p] : pi[p];
                cr_assert_eq(a, side ? neighbour : centre);
                cr_assert_eq(rows->other[e], side ? centre : neighbour);
                forward += rows->sign[e] > 0;
                if (e > rows->row[a])
                    cr_assert_geq(rows->other[e], rows->other[e - 1], "sorted");
            }
        cr_assert_eq(forward, batch->pairs, "each pair once");
    }
}

Test(batch, join) {
    struct random_stream stream;
    random_seed(&stream, 31);
    struct batch *batch = NULL;
    struct error error = {0};
    for (int round = 0; round < 6; round++) {
        struct frame *frames[4];
        int n = 1 + round % 4, atoms = 0, pairs = 0, edges = 0;
        for (int k = 0; k < n; k++) {
            int directed = round == 5 || round == 3;
            frames[k] = labelled(&stream, 1 + (3 * round + 2 * k) % 7, (unsigned)(round + k) % 8, directed);
            atoms += frames[k]->atoms;
            pairs += frames[k]->npairs;
            edges += frames[k]->npairs * (directed ? 1 : 2);
        }
        int code = batch_join(&batch, (const struct frame *const *)frames, n, &two_types, &error);
        cr_assert_eq(code, 0, "%s", error.message);
        cr_assert(batch->atoms == atoms && batch->pairs == pairs && batch->edges == edges && batch->frames == n);
        check_rows(batch);
        const struct topology *t = &batch->topology;
        for (int k = 0; k < n; k++) {
            int first = batch->frame_atoms[k];
            cr_assert_eq(batch->frame_atoms[k + 1] - first, frames[k]->atoms);
            cr_assert_float_eq(batch->inverse_volume[k] * frame_volume(frames[k]), 1, 1e-12);
            cr_assert_eq(batch->num_atoms[k], frames[k]->atoms);
            cr_assert_eq(batch_input(batch, "target:total_energy")[k],
                         frame_field(frames[k], "total_energy")->values[0]);
            for (int i = 0; i < frames[k]->atoms; i++) {
                cr_assert_eq(t->index[INDEX_TYPE][first + i], frames[k]->types[i]);
                cr_assert_eq(t->index[INDEX_FRAME][first + i], k);
                for (int c = 0; c < 3; c++) {
                    cr_assert_eq(batch_input(batch, "pos")[3 * (first + i) + c], frames[k]->pos[3 * i + c]);
                    cr_assert_eq(batch_input(batch, "target:forces")[3 * (first + i) + c], frames[k]->pos[3 * i + c]);
                }
            }
            for (int p = batch->frame_pairs[k]; p < batch->frame_pairs[k + 1]; p++) {
                int i = t->index[INDEX_PAIR_I][p], j = t->index[INDEX_PAIR_J][p];
                double r2 = 0;
                for (int c = 0; c < 3; c++)
                    r2 += pow(batch->pos[3 * j + c] - batch->pos[3 * i + c] + batch->pair_shift[3 * p + c], 2);
                cr_assert_leq(r2, 16 * (1 + 1e-12));
                cr_assert_eq(t->index[INDEX_PAIR_TYPE][p], 2 * t->index[INDEX_TYPE][i] + t->index[INDEX_TYPE][j]);
                cr_assert_eq(t->index[INDEX_PAIR_FRAME][p], k);
            }
        }
        cr_assert_null(batch_input(batch, "target:stress"));
        cr_assert_null(batch_input(batch, "nonsense"));
        for (int k = 0; k < n; k++)
            frame_free(frames[k]);
    }
    batch_free(batch);
}

Test(batch, no_edges) {
    struct batch *batch = NULL;
    struct error error = {0};
    struct frame *frame = frame_new(2);
    frame->types[0] = frame->types[1] = 0;
    frame->pos[0] = 50;
    cr_assert_eq(frame_neighbours(frame, 4, 0, 0, &error), 0);
    cr_assert_eq(batch_join(&batch, (const struct frame *const *)&frame, 1, &two_types, &error), 0);
    cr_assert(batch->pairs == 0 && batch->edges == 0 && isnan(batch->inverse_volume[0]));
    check_rows(batch);
    batch_free(batch);
    frame_free(frame);
}

Test(batch, refusals) {
    struct batch *batch = NULL;
    struct error error = {0};
    struct frame *frame = frame_new(1);
    const struct frame *const *frames = (const struct frame *const *)&frame;
    strcpy(frame->symbols[0], "Zn");
    cr_assert_eq(batch_join(&batch, frames, 1, &two_types, &error), ERROR_STATE);
    cr_assert(strstr(error.message, "NeighborListTransform"));
    cr_assert_eq(frame_neighbours(frame, 4, 0, 0, NULL), 0);
    memset(&error, 0, sizeof error);
    cr_assert_eq(batch_join(&batch, frames, 1, &two_types, &error), ERROR_STATE);
    cr_assert(strstr(error.message, "ChemicalSpeciesToAtomTypeMapper") && strstr(error.message, "Zn"));
    frame->types[0] = 2;
    memset(&error, 0, sizeof error);
    cr_assert_eq(batch_join(&batch, frames, 1, &two_types, &error), ERROR_VALUE);
    frame->types[0] = 1;
    cr_assert_eq(batch_join(&batch, frames, 1, &two_types, &error), 0);
    struct frame *other = frame_copy(frame);
    const struct frame *const both[] = {frame, other};
    other->directed = 1;
    memset(&error, 0, sizeof error);
    cr_assert_eq(batch_join(&batch, both, 2, &two_types, &error), ERROR_STATE);
    cr_assert(strstr(error.message, "another kind"));
    frame_free(other);
    batch_free(batch);
    frame_free(frame);
}

Test(batch, categories) {
    static const char *const fields[] = {"charge"};
    static const int low[] = {-2}, high[] = {2};
    const struct batch_options options = {
        .types = 2, .ncategories = 1, .category_fields = fields, .category_min = low, .category_max = high};
    struct random_stream stream;
    struct batch *batch = NULL;
    struct error error = {0};
    random_seed(&stream, 3);
    struct frame *frames[2] = {labelled(&stream, 3, 7, 0), labelled(&stream, 2, 7, 0)};
    const struct frame *const *list = (const struct frame *const *)frames;
    cr_assert_eq(batch_join(&batch, list, 2, &options, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "charge"));
    double charge[2] = {-1, 2};
    frame_set_field(frames[0], "charge", 0, 1, &charge[0]);
    frame_set_field(frames[1], "charge", 0, 1, &charge[1]);
    cr_assert_eq(batch_join(&batch, list, 2, &options, NULL), 0);
    cr_assert_eq(batch->topology.index[INDEX_CATEGORY][2], 1);
    cr_assert_eq(batch->topology.index[INDEX_CATEGORY][3], 4);
    charge[0] = 3;
    frame_set_field(frames[0], "charge", 0, 1, charge);
    cr_assert_eq(batch_join(&batch, list, 2, &options, NULL), ERROR_DATA);
    charge[0] = 0.5;
    frame_set_field(frames[0], "charge", 0, 1, charge);
    cr_assert_eq(batch_join(&batch, list, 2, &options, NULL), ERROR_DATA);
    frame_free(frames[0]);
    frame_free(frames[1]);
    batch_free(batch);
}
