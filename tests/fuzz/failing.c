/* LD_PRELOAD: one call of a kind fails, for tests/fuzz/io.
 *
 *     FAILING=KIND      write, fsync, rename, open (to write), openread, read, close, mkdir, fstat, mmap, flock,
 * unlink, truncate FAILING_AT=N      the N-th; with FAILING_ON=1 all from there on; 0: none FAILING_HOW=WHY   an errno;
 * 0: it is cut short, where it can be FAILING_COUNT=F   the file F gets how many there were
 *
 * Only calls on files below FAILING_BELOW count. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long calls;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static int is_below(const char *path) {
    const char *below = setting("FAILING_BELOW");
    char whole[PATH_MAX];
    if (path[0] != '/' && getcwd(whole, sizeof whole - 1)) {
        size_t length = strlen(whole);
        snprintf(whole + length, sizeof whole - length, "/%s", path);
        path = whole;
    }
    return *below && !strncmp(path, below, strlen(below));
}

enum { WELL, FAILS, SHORT };

static int what_of(const char *kind, const char *path) {
    if (strcmp(setting("FAILING"), kind) || !is_below(path))
        return WELL;
    long k = atomic_fetch_add(&calls, 1) + 1, at = atol(setting("FAILING_AT"));
    if (!at || (k != at && (k < at || !*setting("FAILING_ON"))))
        return WELL;
    errno = atoi(setting("FAILING_HOW"));
    return errno ? FAILS : SHORT;
}

static int what_of_descriptor(const char *kind, int fd) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = fd > STDERR_FILENO ? readlink(name, path, sizeof path - 1) : -1;
    path[length > 0 ? length : 0] = 0;
    return what_of(kind, path);
}

__attribute__((destructor)) static void tell(void) {
    FILE *out = *setting("FAILING_COUNT") ? REAL(fopen)(setting("FAILING_COUNT"), "w") : NULL;
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
}

/* ---------------------------------------------------------------- descriptors */

ssize_t write(int fd, const void *data, size_t size) {
    int what = what_of_descriptor("write", fd);
    return what == FAILS ? -1 : REAL(write)(fd, data, what == SHORT && size > 1 ? size / 2 : size);
}

ssize_t read(int fd, void *data, size_t size) {
    int what = what_of_descriptor("read", fd);
    return what == FAILS ? -1 : REAL(read)(fd, data, what == SHORT && size > 1 ? size / 2 : size);
}

ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room) {
    (void)room;
    return read(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
    int what = what_of_descriptor("read", fd);
    return what == FAILS ? -1 : REAL(pread)(fd, data, what == SHORT && size > 1 ? size / 2 : size, at);
}

int fsync(int fd) {
    return what_of_descriptor("fsync", fd) ? -1 : REAL(fsync)(fd);
}

/* Closed it is, as Linux does. */
int close(int fd) {
    int what = what_of_descriptor("close", fd), why = errno;
    int code = REAL(close)(fd);
    if (what)
        errno = why;
    return what ? -1 : code;
}

int fstat(int fd, struct stat *status) {
    return what_of_descriptor("fstat", fd) ? -1 : REAL(fstat)(fd, status);
}

int flock(int fd, int operation) {
    return what_of_descriptor("flock", fd) ? -1 : REAL(flock)(fd, operation);
}

int ftruncate(int fd, off_t size) {
    return what_of_descriptor("truncate", fd) ? -1 : REAL(ftruncate)(fd, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return fd >= 0 && what_of_descriptor("mmap", fd) ? MAP_FAILED : REAL(mmap)(at, size, protection, flags, fd, offset);
}

/* ---------------------------------------------------------------- paths */

int rename(const char *from, const char *to) {
    return what_of("rename", to) ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path) {
    return what_of("unlink", path) ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
    return what_of("mkdir", path) ? -1 : REAL(mkdir)(path, mode);
}

static int fails_to_open(const char *path, int reads) {
    return what_of(reads ? "openread" : "open", path) != WELL;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;                                   \
        va_end(arguments);                                                                                             \
        return fails_to_open(path, (flags & O_ACCMODE) == O_RDONLY) ? -1 : REAL(name)(path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) {
    return open(path, flags);
}

int mkostemp(char *path, int flags) {
    return fails_to_open(path, 0) ? -1 : REAL(mkostemp)(path, flags);
}

FILE *fopen(const char *path, const char *mode) {
    return fails_to_open(path, *mode == 'r') ? NULL : REAL(fopen)(path, mode);
}
