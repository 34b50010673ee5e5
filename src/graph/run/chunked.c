#include "graph/run/chunked.h"

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "graph/op/leaf.h"
#include "graph/run/chunks.h"
#include "graph/run/sweeps.h"
#include "graph/run/workspace.h"

enum { LEAST_ROWS = 4 };

/* A transport between a chunk and all rows. */
enum move_kind {
    MOVE_IN,      /* rows that follow each other */
    MOVE_GATHER,  /* rows of the chunk's atoms */
    MOVE_OUT,     /* rows that follow each other */
    MOVE_SCATTER, /* the chunk's atoms' rows are added */
    MOVE_SUM      /* all numbers are added */
};

struct move {
    enum move_kind kind;
    const struct layout *layout;
    enum dtype dtype;
    char *whole, *part;
    long rows, part_rows, begin; /* of the whole, of the part; where the part begins */
    const int *atoms;
};

struct buffer {
    char *data;
    size_t capacity;
};

/* Where a passed value lies. */
struct place {
    int first;     /* value that had the place before all others, or itself */
    int last;      /* of the first: sweep that wants the place last */
    int inherited; /* by a value that the last sweep to want this one makes */
    size_t offset; /* in kept */
    int given;     /* to a value; else it is only counted */
};

struct chunked {
    const struct plan *whole;
    struct sweeps *sweeps;
    int largest; /* number of inputs or outputs of a sweep at most */
    void **inputs, **outputs;
    struct move *moves;
    int nmoves;
    struct chunks chunks[DIM_COUNT];
    struct buffer kept, local;   /* passed values; what is copied of a chunk */
    struct workspace *workspace; /* of one sweep after the other */
    struct place *places;        /* [passed] */

    /* the run that was begun: */
    struct program_binding binding;
    const struct topology *topology;
    struct team *team;
    int next;  /* sweep */
    int stage; /* outputs of stages before it are there */
};

static int reserve(struct buffer *buffer, size_t size) {
    if (size <= buffer->capacity)
        return 0;
    size = (size + size / 8 + 4095) / 4096 * 4096;
    memory_free(buffer->data);
    buffer->data = memory_new(size);
    buffer->capacity = buffer->data ? size : 0;
    return buffer->data ? 0 : -1;
}

static size_t bytes_of(const struct node *node, long rows) {
    return ((size_t)rows * (size_t)node->layout->cols * dtype_size(node->dtype) + 127) / 64 * 64;
}

/* ---------------------------------------------------------------- where passed values lie
 *
 * A value lives from the sweep that makes it to the last that wants it.  Where a sweep makes rows that take the place
 * of rows it wants and nobody does afterwards (sums that grow from sweep to sweep), each chunk copies its own first. */

static int may_inherit(const struct chunked *c, const struct passed *heir, const struct passed *before) {
    const struct node *a = heir->node, *b = before->node;
    return before->last == heir->made && before->made < heir->made && a->dim != DIM_STATIC && a->dim == b->dim &&
           a->dim == c->sweeps->sweeps[heir->made].domain && a->layout == b->layout && a->dtype == b->dtype;
}

static void find_inherited(struct chunked *c) {
    const struct sweeps *all = c->sweeps;
    for (int k = 0; k < all->npassed; k++)
        c->places[k] = (struct place){.first = k, .last = all->passed[k].last};
    for (int sweep = 0; sweep < all->count; sweep++)
        for (int k = 0; k < all->npassed; k++)
            for (int j = 0; j < all->npassed && all->passed[k].made == sweep && c->places[k].first == k; j++)
                if (!c->places[j].inherited && may_inherit(c, &all->passed[k], &all->passed[j])) {
                    c->places[j].inherited = 1;
                    c->places[k].first = c->places[j].first;
                    c->places[c->places[k].first].last = all->passed[k].last;
                }
}

static size_t size_of_passed(const struct chunked *c, const struct topology *t, int k) {
    const struct node *node = c->sweeps->passed[k].node;
    return bytes_of(node, node_rows_now(node, t));
}

/* The lowest offset at which a value lies beside all that have a place and live at the same time. */
static size_t find_place(const struct chunked *c, const struct topology *t, int k) {
    const struct passed *passed = c->sweeps->passed;
    size_t size = size_of_passed(c, t, k), at = 0;
    for (int again = 1; again;) {
        again = 0;
        for (int j = 0; j < c->sweeps->npassed; j++) {
            const struct place *other = &c->places[j];
            size_t end = other->offset + size_of_passed(c, t, j);
            if (other->given && passed[j].made <= c->places[k].last && passed[k].made <= other->last &&
                other->offset < at + size && at < end) {
                at = end;
                again = 1;
            }
        }
    }
    return at;
}

/* The largest first, which leaves the fewest gaps. */
static int place_kept(struct chunked *c, const struct topology *t) {
    int count = c->sweeps->npassed;
    size_t total = 0;
    for (int k = 0; k < count; k++)
        c->places[k].given = 0;
    for (;;) {
        int next = -1;
        for (int k = 0; k < count; k++)
            if (c->places[k].first == k && !c->places[k].given &&
                (next < 0 || size_of_passed(c, t, k) > size_of_passed(c, t, next)))
                next = k;
        if (next < 0)
            break;
        size_t at = find_place(c, t, next), end = at + size_of_passed(c, t, next);
        c->places[next].offset = at;
        c->places[next].given = 1;
        total = end > total ? end : total;
    }
    return reserve(&c->kept, total + 64);
}

/* ---------------------------------------------------------------- making and freeing */

int chunked_make(struct chunked **out, const struct plan *whole, struct error *error) {
    struct chunked *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return error_memory(error);
    c->whole = whole;
    int code = sweeps_make(&c->sweeps, whole, error);
    if (code)
        goto out;
    for (int s = 0; s < c->sweeps->count; s++) {
        const struct sweep *sweep = &c->sweeps->sweeps[s];
        int inputs = sweep->plan ? sweep->plan->ninputs : 0;
        c->largest = inputs > c->largest ? inputs : c->largest;
        c->largest = sweep->nroots > c->largest ? sweep->nroots : c->largest;
    }
    c->inputs = calloc((size_t)c->largest + 1, sizeof *c->inputs);
    c->outputs = calloc((size_t)c->largest + 1, sizeof *c->outputs);
    c->moves = calloc(2 * (size_t)c->largest + 1, sizeof *c->moves);
    c->places = calloc((size_t)c->sweeps->npassed + 1, sizeof *c->places);
    c->workspace = workspace_new();
    if (!c->workspace || !c->inputs || !c->outputs || !c->moves || !c->places)
        code = error_memory(error);
    else
        find_inherited(c);
out:
    if (code)
        chunked_free(c);
    else
        *out = c;
    return code;
}

void chunked_free(struct chunked *c) {
    if (!c)
        return;
    sweeps_free(c->sweeps);
    free(c->inputs);
    free(c->outputs);
    free(c->moves);
    free(c->places);
    for (int d = 0; d < DIM_COUNT; d++)
        chunks_free(&c->chunks[d]);
    memory_free(c->kept.data);
    memory_free(c->local.data);
    workspace_free(c->workspace);
    free(c);
}

size_t chunked_memory(const struct chunked *c) {
    return c->kept.capacity + c->local.capacity + workspace_bytes(c->workspace);
}

static char *kept(const struct chunked *c, int passed) {
    return c->kept.data + c->places[c->places[passed].first].offset;
}

/* ---------------------------------------------------------------- moving rows */

static void add_numbers(char *to, const char *from, size_t bytes, enum dtype dtype) {
    if (dtype == F32) {
        float *x = (float *)to;
        const float *y = (const float *)from;
        for (size_t k = 0; k < bytes / sizeof *x; k++)
            x[k] += y[k];
    } else {
        double *x = (double *)to;
        const double *y = (const double *)from;
        for (size_t k = 0; k < bytes / sizeof *x; k++)
            x[k] += y[k];
    }
}

static void move_rows(const struct move *move, long begin, long end) {
    size_t number = dtype_size(move->dtype);
    for (int b = 0; b < move->layout->nblocks; b++) {
        size_t row = (size_t)move->layout->blocks[b].mid * (size_t)move->layout->blocks[b].mul * number;
        size_t before = (size_t)move->layout->offset[b] * number;
        char *whole = move->whole + before * (size_t)move->rows;
        char *part = move->part + before * (size_t)move->part_rows;
        if (move->kind == MOVE_IN || move->kind == MOVE_OUT) {
            char *rows = whole + (size_t)(move->begin + begin) * row, *mine = part + (size_t)begin * row;
            memcpy(move->kind == MOVE_IN ? mine : rows, move->kind == MOVE_IN ? rows : mine,
                   (size_t)(end - begin) * row);
            continue;
        }
        for (long r = begin; r < end; r++) {
            char *theirs = whole + (size_t)move->atoms[r] * row, *mine = part + (size_t)r * row;
            if (move->kind == MOVE_GATHER)
                memcpy(mine, theirs, row);
            else
                add_numbers(theirs, mine, row, move->dtype);
        }
    }
}

static void move_member(void *context, int member, int members) {
    const struct chunked *c = context;
    for (int k = 0; k < c->nmoves; k++) {
        const struct move *move = &c->moves[k];
        long rows = move->kind == MOVE_SUM ? move->part_rows * move->layout->cols : move->part_rows;
        long begin = rows * member / members, end = rows * (member + 1) / members;
        size_t number = dtype_size(move->dtype);
        if (move->kind == MOVE_SUM)
            add_numbers(move->whole + (size_t)begin * number, move->part + (size_t)begin * number,
                        (size_t)(end - begin) * number, move->dtype);
        else
            move_rows(move, begin, end);
    }
}

static void run_moves(struct chunked *c) {
    if (c->nmoves && c->team)
        team_run(c->team, move_member, c);
    else if (c->nmoves)
        move_member(c, 0, 1);
    c->nmoves = 0;
}

/* ---------------------------------------------------------------- sweeps */

/* The passed value that a leaf stands for, or -1. */
static int passed_of(const struct chunked *c, const struct node *leaf) {
    int k = c->sweeps->npassed - 1;
    while (k >= 0 && c->sweeps->passed[k].leaf != leaf)
        k--;
    return k;
}

/* All rows of an input of a sweep's plan: a passed value, or an input of the whole. */
static char *source_of(const struct chunked *c, const struct node *leaf) {
    int passed = passed_of(c, leaf);
    if (passed >= 0)
        return kept(c, passed);
    const char *name = ((const struct input_attr *)leaf->attr)->name;
    for (int k = 0; k < c->whole->ninputs; k++)
        if (!strcmp(plan_input_name(c->whole, k), name))
            return (char *)c->binding.inputs[k];
    return NULL;
}

static int run_plan(struct chunked *c, const struct plan *plan, const struct program_binding *binding,
                    struct error *error) {
    int code = workspace_begin(c->workspace, plan, c->team, binding, NULL, error);
    if (!code)
        workspace_run(c->workspace, 0, plan->nstages - 1);
    return code;
}

/* Memory that a chunk takes for a value: rows that lie in one piece can be used where they are, unless they are to be
 * `replaced` meanwhile. */
static char *borrow(char *whole, const struct node *node, enum dim domain, const struct chunk *chunk, long all,
                    int replaced, char **local, struct move *move, enum move_kind kind) {
    if (node->dim == domain && node->layout->nblocks == 1 && !replaced)
        return whole + (size_t)chunk->begin * (size_t)node->layout->cols * dtype_size(node->dtype);
    long rows = node_rows_now(node, &chunk->topology);
    *move = (struct move){.kind = kind,
                          .layout = node->layout,
                          .dtype = node->dtype,
                          .whole = whole,
                          .part = *local,
                          .rows = all,
                          .part_rows = rows,
                          .begin = chunk->begin,
                          .atoms = chunk->atoms};
    *local += bytes_of(node, rows);
    return move->part;
}

static int run_chunk(struct chunked *c, const struct sweep *sweep, const struct chunk *chunk, struct error *error) {
    const struct plan *plan = sweep->plan;
    const struct topology *t = &chunk->topology, *whole = c->topology;
    enum dim domain = sweep->domain;
    int nouts = 0;
    size_t need = 64;
    for (int k = 0; k < plan->ninputs; k++)
        need += bytes_of(plan->inputs[k], node_rows_now(plan->inputs[k], t));
    for (int k = 0; k < sweep->nroots; k++) {
        const struct node *node = c->sweeps->passed[sweep->roots[k]].node;
        need += bytes_of(node, node_rows_now(node, t));
    }
    if (reserve(&c->local, need))
        return error_memory(error);
    char *local = c->local.data;
    c->nmoves = 0;
    for (int k = 0; k < plan->ninputs; k++) {
        const struct node *leaf = plan->inputs[k];
        char *source = source_of(c, leaf);
        struct move move = {.layout = NULL};
        c->inputs[k] = source;
        if (!source || leaf->dim == DIM_STATIC || leaf->dim == DIM_FRAMES)
            continue;
        int passed = passed_of(c, leaf), replaced = 0;
        if (passed >= 0)
            replaced = c->places[passed].inherited && &c->sweeps->sweeps[c->sweeps->passed[passed].last] == sweep;
        c->inputs[k] = borrow(source, leaf, domain, chunk, node_rows_now(leaf, whole), replaced, &local, &move,
                              leaf->dim == domain ? MOVE_IN : MOVE_GATHER);
        if (move.layout)
            c->moves[c->nmoves++] = move;
    }
    run_moves(c);
    struct move *outs = c->moves + c->largest;
    for (int k = 0; k < sweep->nroots; k++) {
        const struct node *node = c->sweeps->passed[sweep->roots[k]].node;
        struct move move = {.layout = NULL};
        enum move_kind kind = node->dim == domain ? MOVE_OUT : node->dim == DIM_ATOMS ? MOVE_SCATTER : MOVE_SUM;
        c->outputs[k] =
            borrow(kept(c, sweep->roots[k]), node, domain, chunk, node_rows_now(node, whole), 0, &local, &move, kind);
        if (move.layout)
            outs[nouts++] = move;
    }
    struct program_binding own = {.topology = t,
                                  .inputs = (const void *const *)c->inputs,
                                  .params = {c->binding.params[F32], c->binding.params[F64]},
                                  .outputs = c->outputs};
    int code = run_plan(c, plan, &own, error);
    if (code)
        return code;
    memmove(c->moves, outs, (size_t)nouts * sizeof *outs);
    c->nmoves = nouts;
    run_moves(c);
    return 0;
}

static int run_whole(struct chunked *c, const struct sweep *sweep, struct error *error) {
    for (int k = 0; k < sweep->plan->ninputs; k++)
        c->inputs[k] = source_of(c, sweep->plan->inputs[k]);
    for (int k = 0; k < sweep->nroots; k++)
        c->outputs[k] = kept(c, sweep->roots[k]);
    struct program_binding own = c->binding;
    own.inputs = (const void *const *)c->inputs;
    own.outputs = c->outputs;
    return run_plan(c, sweep->plan, &own, error);
}

static int run_sweep(struct chunked *c, const struct sweep *sweep, struct error *error) {
    const struct topology *t = c->topology;
    int code = 0;
    if (sweep->domain == DIM_STATIC)
        return run_whole(c, sweep, error);
    for (int k = 0; k < sweep->nroots; k++) {
        const struct node *node = c->sweeps->passed[sweep->roots[k]].node;
        if (node->dim != sweep->domain) /* chunks add to it */
            memset(kept(c, sweep->roots[k]), 0, bytes_of(node, node_rows_now(node, t)));
    }
    const struct chunks *chunks = &c->chunks[sweep->domain];
    for (int k = 0; k < chunks->count && !code; k++)
        if (!c->binding.may_stop || !(code = interrupt_check(error)))
            code = run_chunk(c, sweep, &chunks->chunk[k], error);
    return code;
}

/* Rows of a chunk, so that no sweep takes more than so many bytes for it. */
static int chunk_rows(const struct chunked *c, enum dim domain, size_t bytes) {
    size_t most = 1;
    for (int s = 0; s < c->sweeps->count; s++) {
        const struct sweep *sweep = &c->sweeps->sweeps[s];
        size_t row = 0;
        if (sweep->domain != domain || !sweep->plan)
            continue;
        for (int k = 0; k < sweep->plan->nstorages; k++) {
            const struct storage *storage = &sweep->plan->storages[k];
            /* a chunk's pairs share atoms */
            row += storage->dim == domain ? storage->row : storage->dim == DIM_ATOMS ? storage->row / 4 : 0;
        }
        most = row > most ? row : most;
    }
    size_t rows = bytes / most;
    return rows < LEAST_ROWS ? LEAST_ROWS : rows > (1 << 24) ? 1 << 24 : (int)rows;
}

int chunked_begin(struct chunked *c, struct team *team, const struct program_binding *binding, size_t chunk_bytes,
                  struct error *error) {
    c->binding = *binding;
    c->topology = binding->topology;
    c->team = team;
    c->next = c->stage = 0;
    for (int d = DIM_ATOMS; d <= DIM_PAIRS; d++)
        if (chunks_cut(&c->chunks[d], team, c->topology, (enum dim)d, chunk_rows(c, (enum dim)d, chunk_bytes)))
            return error_memory(error);
    if (place_kept(c, c->topology))
        return error_set(error, ERROR_MEMORY, "not enough memory for a batch of %d atoms and %d edges",
                         c->topology->dim[DIM_ATOMS], c->topology->edges);
    return 0;
}

int chunked_run(struct chunked *c, int stage, struct error *error) {
    int last = c->next - 1, code = 0;
    for (int k = 0; k < c->sweeps->nresults; k++) {
        int made = c->sweeps->passed[c->sweeps->results[k]].made;
        last = c->whole->outputs[k].stage <= stage && made > last ? made : last;
    }
    for (; c->next <= last && !code; c->next++)
        if (c->sweeps->sweeps[c->next].plan)
            code = run_sweep(c, &c->sweeps->sweeps[c->next], error);
    for (int k = 0; k < c->sweeps->nresults && !code; k++) {
        const struct node *node = c->sweeps->passed[c->sweeps->results[k]].node;
        if (c->whole->outputs[k].stage >= c->stage && c->whole->outputs[k].stage <= stage && c->binding.outputs &&
            c->binding.outputs[k])
            memcpy(c->binding.outputs[k], kept(c, c->sweeps->results[k]),
                   (size_t)node_rows_now(node, c->topology) * (size_t)node->layout->cols * dtype_size(node->dtype));
    }
    c->stage = stage + 1;
    return code;
}

const void *chunked_output(const struct chunked *c, int output, long *rows) {
    const struct node *node = c->sweeps->passed[c->sweeps->results[output]].node;
    if (rows)
        *rows = node_rows_now(node, c->topology);
    return kept(c, c->sweeps->results[output]);
}
