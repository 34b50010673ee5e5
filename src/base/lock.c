#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct lock {
    int fd;
    char *path;
};

/* What the file says: "HOST PID BEGUN INODE".  A number may be given to another process: it is the same one only if it
 * has begun at the same time.  A copy of the file has another inode. */
struct holder {
    char host[256];
    long pid;
    unsigned long long begun, inode;
};

enum { MOST_TRIES = 100 };

static void host_name(char out[256]) {
    if (gethostname(out, 255))
        strcpy(out, "?");
    out[255] = 0;
    out[strcspn(out, " \t\n")] = 0;
}

/* In ticks of the kernel since the machine started; 0 where nobody knows. */
static unsigned long long begun(long pid) {
    char path[64], line[1024], *at;
    unsigned long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return 0;
    if (fgets(line, sizeof line, stream) && (at = strrchr(line, ')')))
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks);
    fclose(stream);
    return ticks;
}

static int read_holder(int fd, struct holder *out) {
    char text[512];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    memset(out, 0, sizeof *out);
    if (size <= 0)
        return -1;
    text[size] = 0;
    return sscanf(text, "%255s %ld %llu %llu", out->host, &out->pid, &out->begun, &out->inode) == 4 ? 0 : -1;
}

static int write_holder(int fd) {
    char host[256], text[512];
    struct stat status;
    if (fstat(fd, &status) || ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
        return errno;
    host_name(host);
    int size = snprintf(text, sizeof text, "%s %ld %llu %llu\n", host, (long)getpid(), begun(getpid()),
                        (unsigned long long)status.st_ino);
    return file_write_all(fd, text, (size_t)size);
}

static int is_here(const struct holder *holder) {
    char host[256];
    host_name(host);
    return !strcmp(host, holder->host);
}

static int is_alive(const struct holder *holder) {
    unsigned long long now = begun(holder->pid);
    if (kill((pid_t)holder->pid, 0) && errno == ESRCH)
        return 0;
    return !now || !holder->begun || now == holder->begun;
}

static int refuse(const char *path, const char *what, const struct holder *holder, int *own, struct error *error) {
    int here = is_here(holder);
    if (own)
        *own = here && holder->pid == (long)getpid();
    if (!holder->pid)
        return error_set(error, ERROR_STATE,
                         "%s is being written by another process; wait for its end, or name another folder (if there "
                         "is none, remove %s)",
                         what, path);
    if (here)
        return error_set(error, ERROR_STATE,
                         "%s is being written by process %ld of this host (%s): wait for its end, stop it (kill %ld), "
                         "or name another folder",
                         what, holder->pid, holder->host, holder->pid);
    return error_set(error, ERROR_STATE,
                     "%s is being written by process %ld of the host %s: wait for its end, stop it there, or name "
                     "another folder; if that process is no more, remove %s",
                     what, holder->pid, holder->host, path);
}

static int is_at(int fd, const char *path) {
    struct stat a, b;
    return !fstat(fd, &a) && !lstat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A lock that nobody holds goes; only the one that was judged: another may stand in its place by now. */
static void remove_stale(int fd, const char *path) {
    char *aside = NULL;
    if (asprintf(&aside, "%s.%ld", path, (long)getpid()) < 0)
        return;
    if (!rename(path, aside)) {
        if (!is_at(fd, aside) && link(aside, path)) {
            /* a third has taken it meanwhile */
        }
        unlink(aside);
    }
    free(aside);
}

static int is_unsupported(int why) {
    return why == ENOLCK || why == EOPNOTSUPP || why == ENOTSUP || why == EINVAL || why == ENOSYS || why == EBADF;
}

enum outcome { TAKEN, AGAIN, REFUSED, FAILED };

/* fd: of the file at path, made just now or not. */
static enum outcome try(int fd, int made, const char *path, enum lock_way way, struct holder *holder) {
    int why = way == LOCK_BY_FILE ? ENOLCK : flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
    struct stat status;
    if (!why)
        return !is_at(fd, path) ? AGAIN : (errno = write_holder(fd)) ? FAILED : TAKEN;
    if (why == EINTR)
        return AGAIN;
    if (why == EWOULDBLOCK) {
        read_holder(fd, holder);
        return is_at(fd, path) ? REFUSED : AGAIN;
    }
    errno = why;
    if (!is_unsupported(why))
        return FAILED;
    if (made)
        return (errno = write_holder(fd)) ? FAILED : TAKEN;
    int known = !read_holder(fd, holder);
    if (fstat(fd, &status))
        return FAILED;
    int copied = known && holder->inode != (unsigned long long)status.st_ino;
    if (!copied && (!known || !is_here(holder) || is_alive(holder)))
        return REFUSED;
    remove_stale(fd, path);
    return AGAIN;
}

int lock_take(struct lock **out, const char *path, enum lock_way way, const char *what, int *own, struct error *error) {
    struct lock *lock = calloc(1, sizeof *lock);
    *out = NULL;
    if (own)
        *own = 0;
    if (!lock || !(lock->path = strdup(path))) {
        free(lock);
        return error_memory(error);
    }
    struct holder holder = {.pid = 0};
    enum outcome outcome = AGAIN;
    for (int k = 0; outcome == AGAIN && k < MOST_TRIES; k++) {
        int made = 0;
        lock->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (lock->fd < 0 && errno == ENOENT) {
            lock->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            made = 1;
        }
        if (lock->fd < 0 && errno == EEXIST)
            continue;
        outcome = lock->fd < 0 ? FAILED : try(lock->fd, made, path, way, &holder);
        int why = errno;
        if (outcome == FAILED && lock->fd >= 0 && made)
            unlink(path);
        if (outcome != TAKEN && lock->fd >= 0)
            close(lock->fd);
        errno = why;
    }
    if (outcome == TAKEN) {
        *out = lock;
        return 0;
    }
    int code = outcome == FAILED
                   ? error_set(error, error_of_system(errno), "cannot write %s: %s", path, strerror(errno))
                   : refuse(path, what, &holder, own, error);
    free(lock->path);
    free(lock);
    return code;
}

const char *lock_name(const struct lock *lock) {
    return lock->path;
}

void lock_release(struct lock *lock) {
    if (!lock)
        return;
    if (is_at(lock->fd, lock->path))
        unlink(lock->path);
    close(lock->fd);
    free(lock->path);
    free(lock);
}
