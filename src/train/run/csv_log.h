/* metrics.csv as Lightning's CSV logger writes it: one row a call, columns sorted by name, all of them in the header
 * (the file is rewritten, aside and renamed, when a new column comes). */
#ifndef FETTLE_TRAIN_CSV_LOG_H
#define FETTLE_TRAIN_CSV_LOG_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct csv_log;

/* keep >= 0: goes on with a file that is there, its first `keep` rows; what is cut off is kept as PATH.cut.  Cells are
 * quoted and read as Python's csv module does it.  A file that cannot be read, or is no such table (ERROR_DATA, with
 * its line), is an error, and stays as it is. */
int csv_log_open(struct csv_log **out, const char *path, int64_t keep, struct error *error);
void csv_log_free(struct csv_log *log);
/* epoch < 0: the cell stays empty.  ERROR_IO: the row waits, in memory, with those before it; the file is as it was,
 * and the next row, or csv_log_write, tries again. */
int csv_log_row(struct csv_log *log, int64_t epoch, int64_t step, size_t count, const char *const *names,
                const double *values, struct error *error);
int csv_log_write(struct csv_log *log, struct error *error);
int csv_log_waits(const struct csv_log *log);    /* whether rows wait */
int64_t csv_log_rows(const struct csv_log *log); /* with those that wait */
/* Back to the first `keep` rows; what is cut off goes to PATH.cut.  On an error all is as it was. */
int csv_log_cut(struct csv_log *log, int64_t keep, struct error *error);

#endif
