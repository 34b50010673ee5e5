/* Programs, looked into and timed. */
#ifndef FETTLE_TRAIN_RUN_INSPECT_H
#define FETTLE_TRAIN_RUN_INSPECT_H

#include "train/run/trainer.h"

/* The batch under way, or the last one, or, before any, the first frames of the training data, through a program that
 * keeps every value: calls for each result of the module of this path, as numbers, in the order of the program.  State,
 * gradients and metrics stay as they are. */
struct instruction_info;
int trainer_results(struct trainer *trainer, const char *path,
                    void (*call)(void *context, const struct instruction_info *info, const double *values,
                                 size_t count),
                    void *context, struct error *error);

/* Runs one of them so many times on that batch, with the weights of training as they are; program_instruction and
 * graph/run/profile.h then tell where the time went.  Nothing of the state changes.  ERROR_STATE while a batch is under
 * way. */
int trainer_time_program(struct trainer *trainer, int evaluation, int runs, struct error *error);

#endif
