/* Files that are never left half-written: written aside, synced, renamed. */
#ifndef FETTLE_BASE_FILE_H
#define FETTLE_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>
#include "base/error.h"

struct file_writer; /* a temporary file beside the target */

/* Opens PATH.tmp-HOST-PID for writing, and removes such files of processes that were killed.  file_writer_commit
 * flushes, syncs, renames it onto path and syncs the folder; file_writer_abort removes it.  Both free the writer.  A
 * write that failed (a full disk) is reported by commit, which then removes the temporary file and leaves the old
 * target as it was. */
int file_writer_open(struct file_writer **out, const char *path, struct error *error);
FILE *file_writer_stream(struct file_writer *writer);
int file_writer_commit(struct file_writer *writer, struct error *error);
void file_writer_abort(struct file_writer *writer);

int file_write_all(int fd, const char *data, size_t size); /* 0, or the errno */

/* The whole file, with a terminating zero that size does not count.  Freed by free(). */
int file_read(const char *path, char **data, size_t *size, struct error *error);
int file_make_directories(const char *path, struct error *error);
int file_exists(const char *path);
/* The absolute name of the file that writing to path would write, links and .. followed; it need not be there, nor the
 * folders above it.  NULL where nobody can tell: behind a link that leads nowhere, with .. in what is not there, out of
 * memory.  Freed by free(). */
char *file_place(const char *path);
int file_is_below(const char *path, const char *folder); /* its place is in the folder, or in one of that */

#endif
