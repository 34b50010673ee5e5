/* For the program itself: the model behind a handle of the public C API (include/fettle/fettle.h). */
#ifndef FETTLE_MODEL_API_H
#define FETTLE_MODEL_API_H

#include "config/node.h"
#include "fettle/fettle.h"
#include "model/model.h"

/* Belongs to the handle. */
struct model *fettle_inner(struct fettle_model *handle);

/* The whole training config that the handle was opened from; NULL where it was a model alone. */
const struct config_node *fettle_inner_config(const struct fettle_model *handle);

/* Index of the type that the data's species stands for, as the config's mapper has it; -1 if it is unknown. */
int fettle_inner_type(const struct fettle_model *handle, const char *species);

/* Whether the model takes such an input besides the positions. */
int fettle_inner_takes(const struct fettle_model *handle, const char *input);

/* Between the two kinds of errors.  Nothing interrupts where there is no front end: no status of the library's own. */
enum { FETTLE_INTERRUPTED = -1 };
int fettle_error_export(struct fettle_error *out, const struct error *error);
int fettle_error_import(struct error *out, const struct fettle_error *error);

#endif
