/* The couplings of a whole model. A tensor product needs, per pair, the harmonics contracted with the coupling
 * coefficients: M[m1 * d3 + m3] = sqrt(2 l3 + 1) sum_m2 w3j(l1, l2, l3)[m1, m2, m3] Y_l2[m2]. Each triple that any
 * layer uses stands once in one tensor, which all layers share. */
#ifndef FETTLE_MODEL_COUPLING_H
#define FETTLE_MODEL_COUPLING_H

#include "model/emit/build.h"
#include "model/emit/emitter.h"

struct coupling_plan;

struct coupling_plan *coupling_plan_new(struct build *build);
/* The first column of the triple, which is added if it is new; all with l2 = 0 share one column that holds 1 (see
 * tp_path.identity in graph.h). -1, with the error set, where memory runs out. */
int coupling_plan_add(struct coupling_plan *plan, struct build *build, int l1, int l2, int l3);
/* M from harmonics, plain [pairs, (l_max+1)^2] with Y_l at column l*l. NULL if no layer uses any. */
struct node *coupling_emit(const struct coupling_plan *plan, struct emitter *emitter, struct node *harmonics);

#endif
