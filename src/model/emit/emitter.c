#include "model/emit/emitter.h"

void emit_module(struct emitter *emitter, const struct module *module) {
    graph_push_module(emitter->graph, module->path);
    module->class->emit(module, emitter);
    graph_pop_module(emitter->graph);
}

struct node *emit_state(struct graph *graph, const struct state_entry *entry) {
    const struct parameter *p = &entry->parameter;
    return graph_param(graph, p->name, p->dtype, p->offset, entry->rows, entry->cols);
}

struct node *emit_number(struct emitter *emitter, enum dtype dtype, double value) {
    return graph_const(emitter->graph, dtype, 1, 1, &value);
}

void *emit_alloc(struct emitter *emitter, size_t count, size_t size) {
    void *memory = arena_alloc(emitter->scratch, count * size + 1);
    if (!memory)
        error_memory(emitter->error);
    return memory;
}

void emit_pair_vectors(struct emitter *emitter) {
    struct graph *graph = emitter->graph;
    if (emitter->vector)
        return;
    struct node *pos = graph_input(graph, "pos", F64, DIM_ATOMS, 0, 3);
    struct node *shift = graph_input(graph, "pair_shift", F64, DIM_PAIRS, 0, 3);
    struct node *difference =
        graph_sub(graph, graph_gather(graph, pos, INDEX_PAIR_J), graph_gather(graph, pos, INDEX_PAIR_I));
    emitter->vector = graph_add(graph, difference, shift);
    struct node *square = graph_mul(graph, emitter->vector, emitter->vector);
    emitter->length = graph_unary(graph, UNARY_POWER, graph_sum(graph, square, AXIS_MUL), 0.5);
}

void emit_pair_energy(struct emitter *emitter, struct node *energy) {
    struct graph *graph = emitter->graph;
    struct node *atomic = graph_cast(graph, graph_pairs_to_centres(graph, energy), F64);
    emitter->atomic_energy = emitter->atomic_energy ? graph_add(graph, emitter->atomic_energy, atomic) : atomic;
}
