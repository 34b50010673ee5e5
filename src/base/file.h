/* Files that are never left half-written: written aside, synced, renamed. */
#ifndef FETTLE_BASE_FILE_H
#define FETTLE_BASE_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include "base/error.h"

struct file_writer; /* a temporary file beside the target */

/* Opens PATH.tmp-HOST-PID-CHANCE for writing, which was not there before, and removes such files of processes that were
 * killed.  file_writer_commit flushes, syncs, renames it onto path and syncs the folder; file_writer_abort removes it.
 * Both free the writer.  A write that failed (a full disk) is reported by commit, which then removes the temporary file
 * and leaves the old target as it was.  A path that is a symbolic link stays one: the file it points to is replaced. */
int file_writer_open(struct file_writer **out, const char *path, struct error *error);

/* The same for a file that the program names itself, as those of a run's folder: in a folder that others write to, a
 * symbolic link of that name may be theirs and point to anything of ours.  The link is replaced by the file. */
int file_writer_open_own(struct file_writer **out, const char *path, struct error *error);
FILE *file_writer_stream(struct file_writer *writer);
int file_writer_commit(struct file_writer *writer, struct error *error);
void file_writer_abort(struct file_writer *writer);

/* A file that the program names itself, for appending; made where there is none.  A symbolic link is refused (ELOOP).
 * -1, or NULL, and errno on failure. */
int file_append(const char *path);
FILE *file_append_stream(const char *path);

/* Where the links of path lead, freed by free(): for a target that the user names and an own file's writer writes. NULL
 * if out of memory. */
char *file_follow(const char *path);

int file_write_all(int fd, const char *data, size_t size); /* 0, or the errno */

/* A whole regular file, with a terminating zero that size does not count.  Freed by free().  Whatever is none (a
 * folder, a pipe, /dev/zero) is refused. */
int file_read(const char *path, char **data, size_t *size, struct error *error);
/* The same, but where that makes sense the data may come through a pipe: what is no regular file is read to its end,
 * unless that is more than `most` bytes away, which is an error. */
int file_read_stream(const char *path, size_t most, char **data, size_t *size, struct error *error);
int file_make_directories(const char *path, struct error *error);
int file_exists(const char *path);
/* FOLDER/NAME; ERROR_IO where that is too long. */
int file_join(const char *folder, const char *name, char path[PATH_MAX], struct error *error);
/* Removes a folder that is empty, then those above it that are by then, as long as the path is longer than `stays`. */
void file_remove_empty(const char *path, size_t stays);
/* The absolute name of the file that writing to path would write, links and .. followed; it need not be there, nor the
 * folders above it.  NULL where nobody can tell: behind a link that leads nowhere, with .. in what is not there, out of
 * memory.  Freed by free(). */
char *file_place(const char *path);
int file_same(const char *path, const char *other);      /* both are there, and are one, by whatever names */
int file_is_below(const char *path, const char *folder); /* its place is in the folder, or in one of that */

#endif
