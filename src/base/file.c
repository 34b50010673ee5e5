#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_writer {
    FILE *stream;
    int fd, why;              /* why: errno of the first write that failed, which stdio forgets */
    char *path;               /* as the caller named it, for messages */
    char *target, *temporary; /* links followed; temporary is NULL where the target is no regular file */
};

static void release(struct file_writer *writer) {
    free(writer->path);
    free(writer->target);
    free(writer->temporary);
    free(writer);
}

int file_write_all(int fd, const char *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = write(fd, data + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO;
        done += (size_t)got;
    }
    return 0;
}

static ssize_t stream_write(void *cookie, const char *data, size_t size) {
    struct file_writer *writer = cookie;
    int why = file_write_all(writer->fd, data, size);
    if (!why)
        return (ssize_t)size;
    if (!writer->why)
        writer->why = why;
    return 0; /* how a cookie stream is told of an error */
}

static int stream_seek(void *cookie, off64_t *offset, int whence) {
    struct file_writer *writer = cookie;
    off64_t at = lseek64(writer->fd, *offset, whence);
    if (at < 0)
        return -1;
    *offset = at;
    return 0;
}

/* "last.safetensors.tmp-HOST-": what names of temporary files begin with. */
static char *temporary_prefix(const char *target) {
    char host[64] = "", *prefix;
    gethostname(host, sizeof host - 1);
    return asprintf(&prefix, "%s.tmp-%s-", target, host) < 0 ? NULL : prefix;
}

/* Temporary files of processes of this host that are no more: they were killed while they wrote.  What is no file, or
 * somebody else's, only bears such a name. */
static void remove_stale(const char *prefix) {
    const char *slash = strrchr(prefix, '/'), *name = slash ? slash + 1 : prefix;
    char folder[PATH_MAX];
    size_t size = strlen(name);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - prefix + 1) : 1, slash ? prefix : ".");
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char *end;
        struct stat status;
        if (strncmp(entry->d_name, name, size))
            continue;
        long process = strtol(entry->d_name + size, &end, 10);
        if ((!*end || *end == '-') && process > 0 && kill((pid_t)process, 0) && errno == ESRCH &&
            !fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode) &&
            status.st_uid == geteuid())
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        closedir(entries);
}

/* A file that was not there before, under a name that nobody could lay a link on: PREFIX PID - CHANCE.  The descriptor,
 * or -1 and errno; *name is NULL if out of memory. */
static int open_temporary(const char *prefix, char **name) {
    enum { TRIES = 100 };
    for (int k = 0; k < TRIES; k++) {
        uint64_t chance = 0;
        if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0) /* a name that can be guessed is still a new one */
            chance = (uint64_t)k;
        if (asprintf(name, "%s%ld-%08x", prefix, (long)getpid(), (unsigned)(chance & UINT32_MAX)) < 0) {
            *name = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST || k == TRIES - 1)
            return fd;
        free(*name);
    }
    return -1;
}

char *file_follow(const char *path) {
    char *target = realpath(path, NULL);
    return target || errno == ENOMEM ? target : strdup(path);
}

static int open_writer(struct file_writer **out, const char *path, int follow, struct error *error) {
    *out = NULL;
    int code = 0;
    struct stat status;
    if (!*path)
        return error_set(error, ERROR_IO, "a file with an empty name cannot be written");
    struct file_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return error_memory(error);
    writer->fd = -1;
    writer->path = strdup(path);
    writer->target = follow ? file_follow(path) : strdup(path);
    if (!writer->path || !writer->target)
        goto memory;
    int exists = follow ? !stat(path, &status) : !lstat(path, &status) && !S_ISLNK(status.st_mode);
    if (exists && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        goto failed;
    }
    if (exists && !S_ISREG(status.st_mode)) { /* a terminal, a pipe: nothing to put aside */
        writer->fd = open(path, O_WRONLY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    } else {
        if (exists && access(path, W_OK))
            goto failed;
        char *prefix = temporary_prefix(writer->target);
        if (!prefix)
            goto memory;
        remove_stale(prefix);
        writer->fd = open_temporary(prefix, &writer->temporary);
        free(prefix);
        if (!writer->temporary)
            goto memory;
        if (writer->fd >= 0 && exists && fchmod(writer->fd, status.st_mode & 07777))
            errno = 0; /* a file system without modes: no reason to refuse */
    }
    if (writer->fd < 0)
        goto failed;
    cookie_io_functions_t functions = {NULL, stream_write, stream_seek, NULL};
    writer->stream = fopencookie(writer, "w", functions);
    if (!writer->stream)
        goto memory;
    setvbuf(writer->stream, NULL, _IOFBF, 1 << 16);
    *out = writer;
    return 0;
memory:
    code = error_memory(error);
    goto undo;
failed:
    code = error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno));
undo:
    if (writer->fd >= 0) {
        close(writer->fd);
        if (writer->temporary)
            unlink(writer->temporary);
    }
    release(writer);
    return code;
}

int file_writer_open(struct file_writer **out, const char *path, struct error *error) {
    return open_writer(out, path, 1, error);
}

int file_writer_open_own(struct file_writer **out, const char *path, struct error *error) {
    return open_writer(out, path, 0, error);
}

int file_append(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
}

FILE *file_append_stream(const char *path) {
    int fd = file_append(path);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "a");
    if (fd >= 0 && !stream)
        close(fd);
    return stream;
}

FILE *file_writer_stream(struct file_writer *writer) {
    return writer->stream;
}

/* The folder's entry for the new name must reach the disk too. */
static void sync_folder(const char *path) {
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

int file_writer_commit(struct file_writer *writer, struct error *error) {
    int why = 0;
    if (ferror(writer->stream))
        why = writer->why ? writer->why : EIO;
    if (fclose(writer->stream) && !why)
        why = writer->why ? writer->why : errno;
    /* a pipe or a terminal cannot be synced */
    if (!why && writer->temporary && fsync(writer->fd) && errno != EINVAL && errno != ENOTSUP)
        why = errno;
    if (close(writer->fd) && !why)
        why = errno;
    if (!why && writer->temporary && rename(writer->temporary, writer->target))
        why = errno;
    int code = 0;
    if (why) {
        if (writer->temporary)
            unlink(writer->temporary);
        code = error_set(error, error_of_system(why), "cannot write %s: %s", writer->path, strerror(why));
    } else if (writer->temporary) {
        sync_folder(writer->target);
    }
    release(writer);
    return code;
}

void file_writer_abort(struct file_writer *writer) {
    if (!writer)
        return;
    fclose(writer->stream);
    close(writer->fd);
    if (writer->temporary)
        unlink(writer->temporary);
    release(writer);
}

/* most: 0 where only a regular file will do. */
static int read_all(const char *path, size_t most, char **data, size_t *size, struct error *error) {
    *data = NULL;
    *size = 0;
    int code = 0;
    char *buffer = NULL;
    size_t used = 0, capacity = 0;
    if (!*path)
        return error_set(error, ERROR_IO, "a file with an empty name cannot be read");
    /* a pipe that nobody writes to would be waited for, only to be refused */
    int fd = open(path, O_RDONLY | O_CLOEXEC | (most ? 0 : O_NONBLOCK));
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        goto failed;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        goto failed;
    }
    if (!S_ISREG(status.st_mode) && !most) {
        code = error_set(error, ERROR_IO, "cannot read %s: it is no regular file", path);
        goto out;
    }
    if (S_ISREG(status.st_mode))
        most = SIZE_MAX;
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
        if (used > most) {
            code = error_set(error, ERROR_IO, "cannot read %s: it is no regular file, and has more than %zu MiB", path,
                             most >> 20);
            goto out;
        }
    }
    buffer[used] = 0;
    *data = buffer;
    *size = used;
    buffer = NULL;
    goto out;
failed:
    code = error_set(error, error_of_system(errno), "cannot read %s: %s", path, strerror(errno));
out:
    free(buffer);
    if (fd >= 0)
        close(fd);
    return code;
}

int file_read(const char *path, char **data, size_t *size, struct error *error) {
    return read_all(path, 0, data, size, error);
}

int file_read_stream(const char *path, size_t most, char **data, size_t *size, struct error *error) {
    return read_all(path, most, data, size, error);
}

int file_make_directories(const char *path, struct error *error) {
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy)
        return error_set(error, ERROR_IO, "cannot make the folder %.200s...: its name is too long", path);
    strcpy(copy, path);
    if (!copy[0])
        return 0; /* the folder we are in */
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char keep = *p;
        *p = 0;
        struct stat status;
        if (mkdir(copy, 0777) && !(errno == EEXIST && !stat(copy, &status) && S_ISDIR(status.st_mode))) {
            int why = errno;
            return error_set(error, error_of_system(why), "cannot make the folder %s: %s", copy, strerror(why));
        }
        *p = keep;
        if (!keep)
            return 0;
    }
}

int file_exists(const char *path) {
    struct stat status;
    return !stat(path, &status);
}

int file_join(const char *folder, const char *name, char path[PATH_MAX], struct error *error) {
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return error_set(error, ERROR_IO, "the name of the folder %.200s... is too long", folder);
    return 0;
}

void file_remove_empty(const char *path, size_t stays) {
    char *left = strdup(path);
    while (left && strlen(left) > stays && !rmdir(left)) {
        char *slash = strrchr(left, '/');
        if (!slash)
            break;
        *slash = 0;
    }
    free(left);
}

char *file_place(const char *path) {
    char *above = strdup(path), *real = NULL, *place = NULL;
    const char *rest = path + strlen(path);
    struct stat status;
    while (above && *path && !(real = realpath(*above ? above : ".", NULL))) {
        if (errno != ENOENT || !*above || !lstat(above, &status)) /* a link that leads nowhere */
            break;
        char *slash = strrchr(above, '/');
        const char *name = path + (slash ? slash + 1 - above : 0);
        if (!strcmp(name, "..") || !strncmp(name, "../", 3))
            break;
        rest = name;
        above[slash == above ? 1 : slash ? slash - above : 0] = 0;
    }
    if (real && asprintf(&place, "%s%s%s", real, *rest && strcmp(real, "/") ? "/" : "", rest) < 0)
        place = NULL;
    free(above);
    free(real);
    return place;
}

int file_same(const char *path, const char *other) {
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int file_is_below(const char *path, const char *folder) {
    char *place = file_place(path), *root = realpath(folder, NULL);
    size_t size = root && strcmp(root, "/") ? strlen(root) : 0;
    int below = place && root && !strncmp(place, root, size) && place[size] == '/' && place[size + 1];
    free(place);
    free(root);
    return below;
}
