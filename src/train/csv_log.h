/* metrics.csv as Lightning's CSV logger writes it: one row a call, columns sorted by name, all of them in the header
 * (the file is rewritten, aside and renamed, when a new column comes). */
#ifndef FETTLE_TRAIN_CSV_LOG_H
#define FETTLE_TRAIN_CSV_LOG_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct csv_log;

/* keep >= 0: goes on with a file that is there, its first `keep` rows; what is cut off is kept as PATH.cut. */
int csv_log_open(struct csv_log **out, const char *path, int64_t keep, struct error *error);
void csv_log_free(struct csv_log *log);
/* epoch < 0: the cell stays empty. */
int csv_log_row(struct csv_log *log, int64_t epoch, int64_t step, size_t count, const char *const *names,
                const double *values, struct error *error);
int64_t csv_log_rows(const struct csv_log *log);

#endif
