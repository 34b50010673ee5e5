/* Runs a program sweep by sweep (sweeps.h), each sweep chunk by chunk, in bounded memory: besides what passes between
 * sweeps, only one chunk's values are there at a time. */
#ifndef FETTLE_GRAPH_CHUNKED_H
#define FETTLE_GRAPH_CHUNKED_H

#include "graph/graph.h"
#include "graph/program.h"

struct chunked;

/* As program_build: output_stages says which stage of a run brings each output, names what the inputs are called. Both,
 * and the graph, live as long. */
int chunked_make(struct chunked **out, struct graph *graph, struct node *const *outputs, const int *output_stages,
                 int noutputs, const char *const *names, int nnames, struct error *error);
void chunked_free(struct chunked *chunked);

/* As program_begin; chunk_bytes: of buffers that one chunk may take. */
int chunked_begin(struct chunked *chunked, struct team *team, const struct program_binding *binding, size_t chunk_bytes,
                  struct error *error);
/* Goes on until all outputs of a stage, and of those before it, are there. */
int chunked_run(struct chunked *chunked, int stage, struct error *error);
const void *chunked_output(const struct chunked *chunked, int output, long *rows, int *cols);
size_t chunked_memory(const struct chunked *chunked);

#endif
