/* Loggers that a config asks for beside metrics.csv: TensorBoardLogger. */
#ifndef FETTLE_TRAIN_LOGGERS_H
#define FETTLE_TRAIN_LOGGERS_H

#include "config/node.h"

struct trainer;

/* One logger of trainer.logger: the arguments of those that are written here; others pass. */
int logger_check(const struct config_node *config, struct error *error);
/* In the folder of the run, once its other files are open.  from: the step at which a run goes on, 0 where it takes the
 * place of another, else -1. */
int loggers_open(struct trainer *trainer, int64_t from, struct error *error);
void loggers_close(struct trainer *trainer);
/* A row that could not be written is told once and is no reason to stop. */
void loggers_row(struct trainer *trainer, int64_t epoch, int64_t step, size_t count, const char *const *names,
                 const double *values);
/* The run went back to where it stands now. */
void loggers_back(struct trainer *trainer);

#endif
