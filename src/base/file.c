#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_writer {
    FILE *stream;
    char *path, *temporary;
};

static void release(struct file_writer *writer)
{
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

int file_writer_open(struct file_writer **out, const char *path, struct error *error)
{
    *out = NULL;
    struct file_writer *writer = calloc(1, sizeof *writer);
    size_t size = strlen(path) + 32;
    if (writer) {
        writer->path = strdup(path);
        writer->temporary = malloc(size);
    }
    if (!writer || !writer->path || !writer->temporary) {
        if (writer)
            release(writer);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    snprintf(writer->temporary, size, "%s.tmp-%ld", path, (long)getpid());
    writer->stream = fopen(writer->temporary, "wbe");
    if (!writer->stream) {
        int code = error_set(error, ERROR_IO, "cannot write %s: %s", path, strerror(errno));
        release(writer);
        return code;
    }
    *out = writer;
    return 0;
}

FILE *file_writer_stream(struct file_writer *writer)
{
    return writer->stream;
}

/* The folder's entry for the new name must reach the disk too. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = 0;
    else if (slash)
        *slash = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* some file systems cannot; the rename stands all the same */
        close(fd);
    }
}

int file_writer_commit(struct file_writer *writer, struct error *error)
{
    int code = 0, failed = ferror(writer->stream), why = failed ? EIO : 0;
    if (fflush(writer->stream) || (!failed && fsync(fileno(writer->stream)))) {
        failed = 1;
        why = errno;
    }
    if (fclose(writer->stream) && !failed) {
        failed = 1;
        why = errno;
    }
    if (!failed && rename(writer->temporary, writer->path)) {
        failed = 1;
        why = errno;
    }
    if (failed) {
        unlink(writer->temporary);
        code = error_set(error, ERROR_IO, "cannot write %s: %s", writer->path, strerror(why));
    } else {
        sync_folder(writer->path);
    }
    release(writer);
    return code;
}

void file_writer_abort(struct file_writer *writer)
{
    if (!writer)
        return;
    fclose(writer->stream);
    unlink(writer->temporary);
    release(writer);
}

int file_read(const char *path, char **data, size_t *size, struct error *error)
{
    *data = NULL;
    *size = 0;
    int code = 0;
    char *buffer = NULL;
    size_t used = 0, capacity = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        goto failed;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        goto failed;
    }
    capacity = status.st_size > 0 ? (size_t)status.st_size + 1 : 65536;
    for (;;) {
        if (!buffer || used + 1 >= capacity) {
            if (buffer)
                capacity *= 2;
            char *bigger = realloc(buffer, capacity);
            if (!bigger) {
                code = error_set(error, ERROR_MEMORY, "out of memory reading %s", path);
                goto out;
            }
            buffer = bigger;
        }
        ssize_t got = read(fd, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            goto failed;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    buffer[used] = 0;
    *data = buffer;
    *size = used;
    buffer = NULL;
    goto out;
failed:
    code = error_set(error, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
out:
    free(buffer);
    if (fd >= 0)
        close(fd);
    return code;
}

int file_make_directories(const char *path, struct error *error)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy)
        return error_set(error, ERROR_IO, "cannot make the folder %.200s...: its name is too long", path);
    strcpy(copy, path);
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char keep = *p;
        *p = 0;
        struct stat status;
        if (mkdir(copy, 0777) && !(errno == EEXIST && !stat(copy, &status) && S_ISDIR(status.st_mode))) {
            int why = errno;
            return error_set(error, ERROR_IO, "cannot make the folder %s: %s", copy, strerror(why));
        }
        *p = keep;
        if (!keep)
            return 0;
    }
}

int file_exists(const char *path)
{
    struct stat status;
    return !stat(path, &status);
}
