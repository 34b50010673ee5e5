#include "model/module/coupling.h"
#include "e3/wigner.h"

#include <math.h>

struct coupling {
    int l1, l2, l3, offset;
    struct coupling *next;
};

struct coupling_plan {
    struct coupling *first, *last;
    int cols;
};

struct coupling_plan *coupling_plan_new(struct build *build) {
    struct coupling_plan *plan = arena_alloc(build->arena, sizeof *plan);
    if (!plan)
        error_memory(build->error);
    return plan;
}

static int columns(const struct coupling *c) {
    return c->l2 == 0 ? 1 : (2 * c->l1 + 1) * (2 * c->l3 + 1);
}

int coupling_plan_add(struct coupling_plan *plan, struct build *build, int l1, int l2, int l3) {
    if (l2 == 0)
        l1 = l3 = 0;
    for (const struct coupling *c = plan->first; c; c = c->next)
        if (c->l1 == l1 && c->l2 == l2 && c->l3 == l3)
            return c->offset;
    struct coupling *c = arena_alloc(build->arena, sizeof *c);
    if (!c) {
        error_memory(build->error);
        return -1;
    }
    *c = (struct coupling){l1, l2, l3, plan->cols, NULL};
    if (plan->last)
        plan->last->next = c;
    else
        plan->first = c;
    plan->last = c;
    plan->cols += columns(c);
    return c->offset;
}

struct node *coupling_emit(const struct coupling_plan *plan, struct emitter *emitter, struct node *harmonics) {
    size_t capacity = 0;
    int d_max = 1;
    for (const struct coupling *c = plan->first; c; c = c->next) {
        capacity += (size_t)columns(c) * (size_t)(2 * c->l2 + 1);
        int l = c->l1 > c->l2 ? c->l1 : c->l2;
        l = l > c->l3 ? l : c->l3;
        d_max = 2 * l + 1 > d_max ? 2 * l + 1 : d_max;
    }
    if (!capacity)
        return NULL;
    double *w = emit_alloc(emitter, (size_t)d_max * (size_t)d_max * (size_t)d_max, sizeof *w);
    struct remap_entry *entries = emit_alloc(emitter, capacity, sizeof *entries);
    if (!w || !entries)
        return harmonics;
    int count = 0;
    for (const struct coupling *c = plan->first; c; c = c->next) {
        int d2 = 2 * c->l2 + 1, d3 = 2 * c->l3 + 1;
        if (wigner_3j(c->l1, c->l2, c->l3, w)) {
            error_set(emitter->error, ERROR_STATE, "no coupling of l = %d and %d to %d", c->l1, c->l2, c->l3);
            return harmonics;
        }
        for (int m1 = 0; m1 < 2 * c->l1 + 1; m1++)
            for (int m2 = 0; m2 < d2; m2++)
                for (int m3 = 0; m3 < d3; m3++) {
                    double value = w[(m1 * d2 + m2) * d3 + m3];
                    if (value != 0)
                        entries[count++] = (struct remap_entry){
                            0, 0, c->l2 * c->l2 + m2, 0, 0, c->offset + m1 * d3 + m3, 1, sqrt(d3) * value};
                }
    }
    struct block block = {1, plan->cols};
    return graph_remap(emitter->graph, harmonics, &block, 1, entries, count);
}
