#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include "reference.h"
#include "base/memory.h"
#include "train/core/state.h"

static struct variable *add(struct state *state, const char *name, enum state_type type, size_t count, int big) {
    struct error error = {0};
    struct variable *variable = state_add(state, name, type, count, big, &error);
    cr_assert_not_null(variable, "%s", error.message);
    return variable;
}

static void fill(void *data, size_t count, double first) {
    for (size_t k = 0; k < count; k++)
        ((double *)data)[k] = first + (double)k;
}

Test(state, variables_are_zeroed_aligned_and_found_by_name) {
    struct state *state = state_new();
    struct variable *big = add(state, "moments", STATE_F32, 1000, 1), *small = add(state, "epoch", STATE_I64, 1, 0);
    cr_expect_eq((uintptr_t)big->data % 64, 0);
    cr_expect_eq((uintptr_t)big->next % 64, 0);
    for (int k = 0; k < 1000; k++)
        cr_expect_eq(((float *)big->data)[k], 0);
    cr_expect_eq(state_find(state, "epoch"), small);
    cr_expect_null(state_find(state, "epochs"));
    cr_expect_eq(state_count(state), 2);
    struct error error = {0};
    cr_expect_null(state_add(state, "epoch", STATE_F64, 2, 0, &error));
    cr_expect(strstr(error.message, "epoch"));
    state_remove(state, "mom");
    cr_expect_eq(state_count(state), 1);
    cr_expect_eq(state_at(state, 0), small);
    state_free(state);
}

Test(state, commit_swaps_what_was_written_and_rollback_forgets_it) {
    struct state *state = state_new();
    struct variable *big = add(state, "weights", STATE_F64, 100, 1), *other = add(state, "average", STATE_F64, 100, 1);
    struct variable *small = add(state, "step", STATE_I64, 3, 0);
    int64_t *step = small->data;
    void *first = big->data, *second = big->next, *rest = other->data;

    state_begin(state);
    fill(big->next, 100, 5);
    big->written = 1;
    step[1] = 7;
    state_commit(state);
    cr_expect_eq(big->data, second);
    cr_expect_eq(big->next, first);
    cr_expect_eq(other->data, rest);
    cr_expect_eq(((double *)big->data)[99], 104);
    cr_expect_eq(step[1], 7);

    state_begin(state);
    fill(big->next, 100, 50);
    big->written = 1;
    step[1] = 8;
    state_rollback(state);
    state_commit(state);
    cr_expect_eq(big->data, second);
    cr_expect_eq(((double *)big->data)[99], 104);
    cr_expect_eq(small->data, step, "a small variable stays in place");
    cr_expect_eq(step[1], 7);
    state_free(state);
}

Test(state, resizing_within_a_batch_is_undone_by_rollback) {
    for (size_t length = 0; length < 40; length += 13) {
        struct state *state = state_new();
        struct variable *list = add(state, "history", STATE_F64, 0, 0);
        cr_expect_eq(state_resize(state, list, 20, NULL), 0);
        fill(list->data, 20, 1);
        state_begin(state);
        cr_expect_eq(state_resize(state, list, length, NULL), 0);
        fill(list->data, length, 100);
        cr_expect_eq(state_resize(state, list, length / 2, NULL), 0);
        state_rollback(state);
        cr_expect_eq(list->count, 20);
        for (int k = 0; k < 20; k++)
            cr_expect_eq(((double *)list->data)[k], 1 + k);
        /* and the next batch works on it as on any other */
        state_begin(state);
        ((double *)list->data)[19] = 0;
        cr_expect_eq(state_resize(state, list, 30, NULL), 0);
        cr_expect_eq(((double *)list->data)[29], 0);
        state_commit(state);
        cr_expect_eq(list->count, 30);
        struct variable *big = add(state, "fixed", STATE_F64, 3, 1);
        struct error error = {0};
        cr_expect_eq(state_resize(state, big, 4, &error), ERROR_STATE);
        state_free(state);
    }
}

Test(state, an_adopted_slab_follows_the_commits) {
    void *slab = memory_new(1024), *empty = NULL;
    fill(slab, 100, 1);
    struct state *state = state_new();
    struct error error = {0};
    struct variable *variable = state_adopt(state, "weights", STATE_F64, 100, &slab, &error);
    cr_assert_not_null(variable);
    cr_assert_not_null(state_adopt(state, "nothing", STATE_F32, 0, &empty, &error));
    cr_expect(state_is_adopted(variable));
    cr_expect_eq(variable->data, slab);
    cr_expect_eq(((double *)variable->next)[42], 43, "what no batch writes is the same in both buffers");
    void *before = slab;
    state_begin(state);
    fill(variable->next, 10, 200);
    variable->written = 1;
    state_commit(state);
    cr_expect_neq(slab, before);
    cr_expect_eq(slab, variable->data);
    cr_expect_eq(((double *)slab)[9], 209);
    cr_expect_eq(((double *)slab)[99], 100);
    state_free(state);
    memory_free(slab);
    memory_free(empty);
}

Test(state, snapshots_put_everything_back) {
    struct state *state = state_new();
    struct variable *big = add(state, "weights", STATE_F64, 100, 1), *list = add(state, "list", STATE_F64, 0, 0);
    fill(big->data, 100, 1);
    state_resize(state, list, 5, NULL);
    fill(list->data, 5, 1);
    uint64_t hash = state_hash(state);
    struct snapshot *snapshot = state_save(state);
    cr_assert_not_null(snapshot);
    cr_expect_gt(snapshot_size(snapshot), 105 * 8);

    state_begin(state);
    fill(big->next, 100, 7);
    big->written = 1;
    state_resize(state, list, 9, NULL);
    state_commit(state);
    cr_expect_neq(state_hash(state), hash);
    struct error error = {0};
    cr_expect_eq(state_restore(state, snapshot, &error), 0, "%s", error.message);
    cr_expect_eq(state_hash(state), hash);
    cr_expect_eq(list->count, 5);
    cr_expect_eq(((double *)big->next)[99], 100, "both buffers of a big one agree after restoring");

    add(state, "more", STATE_I64, 1, 0);
    cr_expect_eq(state_restore(state, snapshot, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "more"));
    state_remove(state, "more");
    state_remove(state, "list");
    error = (struct error){0};
    cr_expect_eq(state_restore(state, snapshot, &error), ERROR_STATE);
    cr_expect(strstr(error.message, "list"));
    snapshot_free(snapshot);
    state_free(state);
}

Test(state, the_hash_sees_names_and_bytes_but_not_the_order) {
    struct state *one = state_new(), *two = state_new();
    add(one, "a", STATE_F64, 2, 0);
    add(one, "b", STATE_F64, 2, 1);
    add(two, "b", STATE_F64, 2, 1);
    struct variable *a = add(two, "a", STATE_F64, 2, 0);
    cr_expect_eq(state_hash(one), state_hash(two));
    ((unsigned char *)a->data)[15] = 1;
    cr_expect_neq(state_hash(one), state_hash(two));
    state_free(one);
    state_free(two);
}

static struct state *example(double first) {
    struct state *state = state_new();
    fill(add(state, "weights", STATE_F64, 50, 1)->data, 50, first);
    fill(add(state, "fixed", STATE_F64, 3, 0)->data, 3, first);
    struct variable *list = add(state, "list", STATE_F64, 0, 0);
    state_resize(state, list, (size_t)first, NULL);
    fill(list->data, list->count, first);
    *(unsigned char *)add(state, "flag", STATE_U8, 1, 0)->data = (unsigned char)first;
    return state;
}

Test(state, a_checkpoint_brings_it_back) {
    struct error error = {0};
    struct state *state = example(7), *other = example(2);
    struct safetensors *file = safetensors_new(), *read = NULL;
    char path[64];
    snprintf(path, sizeof path, "/tmp/fettle-state-%d.safetensors", (int)getpid());
    cr_assert_eq(state_store(state, file, &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_write(file, path, &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_read(&read, path, &error), 0, "%s", error.message);
    cr_assert_eq(state_load(other, read, NULL, NULL, &error), 0, "%s", error.message);
    cr_expect_eq(state_hash(other), state_hash(state));

    /* what does not fit is named, and nothing has changed */
    add(other, "missing", STATE_F64, 1, 0);
    uint64_t hash = state_hash(other);
    cr_expect_eq(state_load(other, read, NULL, NULL, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "state.missing"), "%s", error.message);
    cr_expect_eq(state_hash(other), hash);
    state_remove(other, "missing");
    state_remove(other, "fixed");
    add(other, "fixed", STATE_F64, 4, 0);
    error = (struct error){0};
    cr_expect_eq(state_load(other, read, NULL, NULL, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "state.fixed") && strstr(error.message, "3 numbers"), "%s", error.message);
    state_remove(other, "fixed");
    add(other, "fixed", STATE_F32, 3, 0);
    error = (struct error){0};
    cr_expect_eq(state_load(other, read, NULL, NULL, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "F64"), "%s", error.message);
    unlink(path);
    safetensors_free(file);
    safetensors_free(read);
    state_free(state);
    state_free(other);
}

/* A name of its own for each number, in files; a number out of its range is named, and nothing has changed. */
Test(state, fields_and_ranges) {
    static const struct state_range few = {-1, 5, 0};
    static const struct state_field fields[] = {{"first", &few}, {NULL, NULL}, {"last", &state_flag}};
    static const struct {
        const char *name;
        int k;
        double value;
        const char *told;
    } cases[] = {{"numbers", 0, 6, "state.numbers.first"},
                 {"numbers", 0, -2, "state.numbers.first"},
                 {"numbers", 2, 2, "state.numbers.last"},
                 {"numbers", 1, 99, NULL},
                 {"share", 0, NAN, "state.share"},
                 {"share", 1, -INFINITY, "state.share"},
                 {"coefficient", 0, INFINITY, "from -1.79"},
                 {"coefficient", 0, NAN, NULL},
                 {"best", 0, -INFINITY, NULL},
                 {"best", 0, NAN, "state.best"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct error error = {0};
        struct state *both[2];
        for (int s = 0; s < 2; s++) {
            both[s] = state_new();
            add(both[s], "numbers", STATE_I64, 3, 0)->fields = fields;
            add(both[s], "share", STATE_F64, 2, 0)->range = &state_nonnegative;
            add(both[s], "coefficient", STATE_F64, 1, 0)->range = &state_nullable;
            add(both[s], "best", STATE_F64, 1, 0)->range = &state_ordered;
        }
        struct variable *hostile = state_find(both[0], cases[k].name);
        if (hostile->type == STATE_I64)
            ((int64_t *)hostile->data)[cases[k].k] = (int64_t)cases[k].value;
        else
            ((double *)hostile->data)[cases[k].k] = cases[k].value;
        struct safetensors *file = safetensors_new();
        cr_assert_eq(state_store(both[0], file, &error), 0, "%s", error.message);
        cr_expect(safetensors_find(file, "state.numbers.last") && !safetensors_find(file, "state.numbers"));
        cr_expect(state_stored(file, state_find(both[1], "numbers")));
        uint64_t before = state_hash(both[1]);
        cr_expect_eq(state_load(both[1], file, NULL, NULL, &error), cases[k].told ? ERROR_DATA : 0, "%s",
                     error.message);
        cr_expect(!cases[k].told || strstr(error.message, cases[k].told), "%s", error.message);
        cr_expect(!cases[k].told || state_hash(both[1]) == before);
        cr_expect_eq(((int64_t *)state_find(both[1], "numbers")->data)[1], 0, "files do not have it");
        safetensors_free(file);
        state_free(both[0]);
        state_free(both[1]);
    }
}
