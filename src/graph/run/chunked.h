/* Runs a plan sweep by sweep (sweeps.h), each sweep chunk by chunk, in bounded memory: besides what passes between
 * sweeps, only one chunk's values are there at a time. */
#ifndef FETTLE_GRAPH_CHUNKED_H
#define FETTLE_GRAPH_CHUNKED_H

#include "base/team.h"
#include "graph/run/binding.h"
#include "graph/run/plan.h"

struct chunked;

/* For the outputs, inputs and stages of a plan, which lives as long. */
int chunked_make(struct chunked **out, const struct plan *whole, struct error *error);
void chunked_free(struct chunked *chunked);

/* As program_begin; chunk_bytes: of buffers that one chunk may take. */
int chunked_begin(struct chunked *chunked, struct team *team, const struct program_binding *binding, size_t chunk_bytes,
                  struct error *error);
/* Goes on until all outputs of a stage, and of those before it, are there. */
int chunked_run(struct chunked *chunked, int stage, struct error *error);
const void *chunked_output(const struct chunked *chunked, int output, long *rows);
size_t chunked_memory(const struct chunked *chunked);

#endif
