/* e3nn's Gate. Its input is scalars, gates and gated entries, sorted as irreps and merged; its output is the scalars
 * through their activations, then the gated entries, each channel times its gate through an activation. */
#include "model/module/modules.h"
#include "model/module/activation.h"

/* Channels that go through one activation together: count channels of an input block. */
struct gate_piece {
    const struct activation *act;
    int block, first, count;
    int is_gate, offset; /* of its first channel among all scalars, or among all gates */
};

struct gate {
    struct irreps in, out;
    int nscalars; /* entries of out that are scalars */
    int npieces, nsources;
    struct gate_piece *pieces;
    struct gate_source { /* where a gated entry's values stand in the input */
        int block, first;
    } * sources;          /* [out.count - nscalars] */
    struct block *blocks; /* of out */
    struct block *gates;  /* of the gates: one component each */
    struct block *gated;
};

static void gate_repr(const struct module *module, struct text *text) {
    const struct gate *gate = module->data;
    text_add(text, "Gate (");
    irreps_print(&gate->in, text);
    text_add(text, " -> ");
    irreps_print(&gate->out, text);
    text_add(text, ")");
}

static const struct module_class gate_class = {"Gate", NULL, gate_repr, NULL};

/* The parity of f(x) for a scalar of parity p: 0 where there is none. */
static int activated_parity(const struct activation *act, int p) {
    return p > 0 ? 1 : act->parity;
}

static int no_parity(struct build *build, const struct activation *act) {
    return error_set(build->error, ERROR_VALUE,
                     "the nonlinearity %s cannot act on odd scalars: it is neither even nor odd (tanh and abs can)",
                     act->name);
}

static void *alloc(struct build *build, int count, size_t size) {
    void *memory = arena_alloc(build->arena, ((size_t)count + 1) * size);
    if (!memory)
        error_memory(build->error);
    return memory;
}

struct module *gate_new(struct build *build, const struct irreps *scalars, const struct irreps *gated,
                        struct irrep gate_irrep, const struct activation *const scalar_acts[2],
                        const struct activation *const gate_acts[2]) {
    struct module *module = module_new(build, &gate_class, sizeof(struct gate));
    if (!module)
        return NULL;
    struct gate *gate = module->data;
    struct arena *arena = build->arena;

    /* what stands where: three simplified parts, joined, sorted, merged */
    struct irreps_entry gate_entry = {irreps_num(gated), gate_irrep};
    struct irreps parts[3] = {irreps_simplify(scalars, NULL, NULL, arena),
                              irreps_new(&gate_entry, gate_entry.mul > 0, arena),
                              irreps_simplify(gated, NULL, NULL, arena)};
    struct irreps joined = irreps_concat(&parts[0], &parts[1], arena);
    joined = irreps_concat(&joined, &parts[2], arena);
    int total = joined.count;
    int *position = alloc(build, total, sizeof *position), *group = alloc(build, total, sizeof *group);
    int *first = alloc(build, total, sizeof *first);
    gate->pieces = alloc(build, total, sizeof *gate->pieces);
    gate->sources = alloc(build, total, sizeof *gate->sources);
    struct irreps_entry *out = alloc(build, scalars->count + total, sizeof *out);
    if (!position || !group || !first || !gate->pieces || !gate->sources || !out)
        return NULL;
    struct irreps sorted = irreps_sort(&joined, position, arena);
    gate->in = irreps_simplify(&sorted, group, first, arena);

    int offset = 0;
    for (int k = 0; k < parts[0].count + parts[1].count; k++) {
        int is_gate = k >= parts[0].count, p = joined.entries[k].ir.p, place = position[k];
        const struct activation *act = (is_gate ? gate_acts : scalar_acts)[p < 0];
        if (!activated_parity(act, p)) {
            no_parity(build, act);
            return NULL;
        }
        if (is_gate)
            offset = 0;
        gate->pieces[gate->npieces++] =
            (struct gate_piece){act, group[place], first[place], joined.entries[k].mul, is_gate, offset};
        offset += joined.entries[k].mul;
    }
    /* the output: scalars as declared, gated entries merged; the gate's parity multiplies theirs */
    int count = 0;
    for (int k = 0; k < scalars->count; k++) {
        int p = scalars->entries[k].ir.p;
        out[count++] = (struct irreps_entry){scalars->entries[k].mul, {0, activated_parity(scalar_acts[p < 0], p)}};
    }
    gate->nscalars = count;
    int gate_parity = activated_parity(gate_acts[gate_irrep.p < 0], gate_irrep.p);
    for (int k = 0; k < parts[2].count; k++) {
        int place = position[parts[0].count + parts[1].count + k];
        gate->sources[gate->nsources++] = (struct gate_source){group[place], first[place]};
        struct irreps_entry entry = parts[2].entries[k];
        entry.ir.p *= gate_parity;
        out[count++] = entry;
    }
    gate->out = irreps_new(out, count, arena);
    gate->blocks = alloc(build, count, sizeof *gate->blocks);
    gate->gates = alloc(build, count, sizeof *gate->gates);
    gate->gated = alloc(build, count, sizeof *gate->gated);
    if (!gate->blocks || !gate->gates || !gate->gated)
        return NULL;
    irreps_blocks(&gate->out, gate->blocks);
    for (int k = 0; k < gate->nsources; k++) {
        gate->gated[k] = gate->blocks[gate->nscalars + k];
        gate->gates[k] = (struct block){1, gate->gated[k].mul};
    }
    struct irreps gated_out = {gate->nsources, gate->out.entries + gate->nscalars};
    struct module *mul = elementwise_product_new(build, &parts[2], &parts[1], &gated_out, irreps_num(&gated_out));
    return module_add(build, module, "mul", mul) ? module : NULL;
}

struct irreps gate_irreps_in(const struct module *module) {
    return ((const struct gate *)module->data)->in;
}

struct irreps gate_irreps_out(const struct module *module) {
    return ((const struct gate *)module->data)->out;
}

/* Copies channels [offset, offset + count) of a row of channels into consecutive blocks: entries for graph_remap. */
static int spread_channels(struct remap_entry *entries, const struct block *blocks, int nblocks, int offset, int count,
                           double factor) {
    int n = 0, begin = 0;
    for (int b = 0; b < nblocks; b++) {
        int from = offset > begin ? offset : begin;
        int end = begin + blocks[b].mul, to = offset + count < end ? offset + count : end;
        if (from < to)
            entries[n++] = (struct remap_entry){0, 0, from - offset, b, 0, from - begin, to - from, factor};
        begin = end;
    }
    return n;
}

struct node *gate_apply(const struct module *module, struct emitter *emitter, struct node *x) {
    const struct gate *gate = module->data;
    struct graph *graph = emitter->graph;
    struct remap_entry *entries = emit_alloc(emitter, (size_t)gate->out.count + 1, sizeof *entries);
    struct node *out = NULL, *gates = NULL;
    if (!entries)
        return x;
    graph_push_module(graph, module->path);
    for (int k = 0; k < gate->npieces;) {
        /* neighbours in the input that share an activation go through it together */
        const struct gate_piece *piece = &gate->pieces[k];
        int joined = piece->count, last = k + 1;
        while (last < gate->npieces && gate->pieces[last].act == piece->act &&
               gate->pieces[last].block == piece->block && gate->pieces[last].first == piece->first + joined)
            joined += gate->pieces[last++].count;
        struct block row = {1, joined};
        struct remap_entry take = {piece->block, 0, piece->first, 0, 0, 0, joined, 1};
        struct node *act = graph_unary(graph, piece->act->kind, graph_remap(graph, x, &row, 1, &take, 1), 0);
        for (int begin = 0; k < last; begin += gate->pieces[k++].count) {
            const struct gate_piece *part = &gate->pieces[k];
            int n = part->is_gate ? spread_channels(entries, gate->gates, gate->nsources, part->offset, part->count,
                                                    part->act->factor)
                                  : spread_channels(entries, gate->blocks, gate->nscalars, part->offset, part->count,
                                                    part->act->factor);
            for (int e = 0; e < n; e++)
                entries[e].src_mul += begin;
            struct node **sum = part->is_gate ? &gates : &out;
            struct node *copy = part->is_gate ? graph_remap(graph, act, gate->gates, gate->nsources, entries, n)
                                              : graph_remap(graph, act, gate->blocks, gate->out.count, entries, n);
            *sum = *sum ? graph_add(graph, *sum, copy) : copy;
        }
    }
    if (gates) {
        for (int k = 0; k < gate->nsources; k++)
            entries[k] = (struct remap_entry){gate->sources[k].block, -1, gate->sources[k].first, k, -1, 0,
                                              gate->gated[k].mul,     1};
        struct node *values = graph_remap(graph, x, gate->gated, gate->nsources, entries, gate->nsources);
        struct node *product = graph_mul(graph, values, gates);
        for (int k = 0; k < gate->nsources; k++)
            entries[k] = (struct remap_entry){k, -1, 0, gate->nscalars + k, -1, 0, gate->gated[k].mul, 1};
        struct node *placed = graph_remap(graph, product, gate->blocks, gate->out.count, entries, gate->nsources);
        out = out ? graph_add(graph, out, placed) : placed;
    }
    graph_pop_module(graph);
    return out ? out : x;
}
