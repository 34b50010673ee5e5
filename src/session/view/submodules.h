/* The modules of a model, by their paths. */
#ifndef FETTLE_SESSION_SUBMODULES_H
#define FETTLE_SESSION_SUBMODULES_H

#include "model/emit/module.h"
#include "session/names.h"

session_names modules_complete;
/* By its path, or by an end of it that no other module has. */
int session_find_module(struct session *session, const char *path, const struct module **out, struct error *error);
/* Whether a parameter of this name is one of a module, or of those in it; "" is the model. */
int module_holds(const char *name, const char *path);
/* Prints a module and its parameters; NULL: the whole model. */
int info_module(struct session *session, const char *path, struct error *error);

#endif
