/* A model: a tree of modules that own parameters and emit the graph. */
#ifndef FETTLE_MODEL_MODEL_H
#define FETTLE_MODEL_MODEL_H

#include "base/dtype.h"
#include "base/error.h"
#include "base/text.h"
#include "config/node.h"
#include "data/frame/batch.h"
#include "graph/graph.h"
#include "model/emit/model_outputs.h"
#include "model/emit/parameter.h"
#include "model/file/safetensors.h"

struct model;
struct module;

/* Builds from a builder's arguments (a map with _target_, seed, model_dtype, type_names, ...). */
int model_build(struct model **out, const struct config_node *config, struct error *error);
/* Checks names and types of the arguments only; deferred statistics are fine. For the check before data is read. */
int model_check(const struct config_node *config, struct error *error);
void model_free(struct model *model);

enum dtype model_dtype(const struct model *model);
double model_r_max(const struct model *model);
int model_ntypes(const struct model *model);
const char *const *model_type_names(const struct model *model);
int model_directed(const struct model *model); /* cutoffs are not symmetric: batches need directed pairs */
const struct batch_options *model_batch_options(const struct model *model);
/* The builder's arguments, resolved, as a config of its own (for checkpoints). */
const struct config_node *model_config(const struct model *model);

/* State in the order of NequIP's state_dict; parameters (not buffers) are in the order of parameters(). Within a
 * slab the parameters come first, contiguous and in order, then the buffers. */
int model_nparameters(const struct model *model); /* entries, buffers included */
size_t model_size(const struct model *model);     /* numbers in them, buffers left out */
struct parameter *model_parameter(const struct model *model, int k);
struct parameter *model_find_parameter(const struct model *model, const char *name);
/* A mask, a coupling table, an empty tensor: files may lack it. */
int model_parameter_optional(const struct model *model, int k);
void *model_slab(const struct model *model, enum dtype dtype);
size_t model_slab_size(const struct model *model, enum dtype dtype);      /* numbers, buffers included */
size_t model_trainable_size(const struct model *model, enum dtype dtype); /* numbers that are parameters */

/* str(model) as NequIP prints it. */
void model_print(const struct model *model, struct text *out);

/* The outermost module (see module.h). */
const struct module *model_root(const struct model *model);

/* ---------------------------------------------------------------- weights
 *
 * Names in files are those of NequIP's state_dict, with "model.sole_model." in front or without. Everything is checked
 * before anything is changed: a missing name, another shape, a name of the model that it does not have are errors.
 * Empty tensors, masks and coupling tables may be absent. */

int model_load_weights(struct model *model, const struct safetensors *file, struct error *error);
/* Whether the file holds averaged weights ("ema.ema_weight_N", N counting parameters), and loading these. */
int model_has_average(const struct safetensors *file);
int model_load_average(struct model *model, const struct safetensors *file, struct error *error);
/* Adds the state as "model.sole_model.NAME", and the arguments as metadata "model_config" (JSON). */
int model_store_weights(const struct model *model, struct safetensors *file, struct error *error);

/* Emits the model into a graph. */
int model_emit(const struct model *model, struct graph *graph, int derivatives, struct model_outputs *out,
               struct error *error);
/* The graph node of parameter k (not of buffers), as model_emit made it in this graph; for graph_grad. */
struct node *model_parameter_node(const struct model *model, struct graph *graph, int k);

#endif
