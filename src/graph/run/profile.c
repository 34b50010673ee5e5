#include "graph/run/profile.h"

#include <stdlib.h>
#include <string.h>

static int by_time(const void *a, const void *b) {
    const struct profile_row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

int profile_make(struct profile *out, const struct program *program, enum profile_key key, struct error *error) {
    int n = program_instructions(program);
    *out = (struct profile){.rows = calloc((size_t)n + 1, sizeof *out->rows)};
    if (!out->rows)
        return error_memory(error);
    for (int i = 0; i < n; i++) {
        struct instruction_info info;
        program_instruction(program, i, &info);
        const char *name = key == PROFILE_OP ? info.op : info.module ? info.module : "";
        size_t k = 0;
        while (k < out->count && strcmp(out->rows[k].name, name) != 0)
            k++;
        if (k == out->count)
            out->rows[out->count++].name = name;
        out->rows[k].instructions++;
        out->rows[k].seconds += info.seconds;
        out->rows[k].flops += info.flops;
        out->seconds += info.seconds;
    }
    qsort(out->rows, out->count, sizeof *out->rows, by_time);
    return 0;
}

void profile_free(struct profile *profile) {
    free(profile->rows);
    *profile = (struct profile){0};
}

struct timed {
    double seconds;
    int instruction;
};

static int longest_first(const void *a, const void *b) {
    const struct timed *x = a, *y = b;
    return x->seconds != y->seconds ? (x->seconds < y->seconds) - (x->seconds > y->seconds)
                                    : x->instruction - y->instruction;
}

int *profile_order(const struct program *program) {
    int n = program_instructions(program);
    struct timed *timed = calloc((size_t)n + 1, sizeof *timed);
    int *order = calloc((size_t)n + 1, sizeof *order);
    for (int i = 0; timed && order && i < n; i++) {
        struct instruction_info info;
        program_instruction(program, i, &info);
        timed[i] = (struct timed){info.seconds, i};
    }
    if (timed && order) {
        qsort(timed, (size_t)n, sizeof *timed, longest_first);
        for (int i = 0; i < n; i++)
            order[i] = timed[i].instruction;
    } else {
        free(order);
        order = NULL;
    }
    free(timed);
    return order;
}
