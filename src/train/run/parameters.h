/* Parameters by name: frozen and thawed, drawn anew. */
#ifndef FETTLE_TRAIN_RUN_PARAMETERS_H
#define FETTLE_TRAIN_RUN_PARAMETERS_H

#include "base/error.h"
#include "base/text.h"

struct trainer;

int parameters_open(struct trainer *trainer, struct error *error);
int parameters_train(const struct trainer *trainer); /* there is one that is not frozen */
void parameters_sync(struct trainer *trainer);       /* the model's flags follow the state */
int parameters_check_state(const struct trainer *trainer, struct error *error);
int parameters_freeze(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error);
int parameters_reinit(struct trainer *trainer, int count, const char *const *words, struct text *report,
                      struct error *error);

#endif
