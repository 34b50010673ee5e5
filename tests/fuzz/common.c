#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"

enum fuzz_fence fuzz_fence = FENCE_FAILS;
static char folder[64], artifacts[PATH_MAX];
static int within, replays; /* an input is under way; this is no libFuzzer */

/* ---------------------------------------------------------------- what harnesses call */

void fuzz_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("FAILED: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    within = 0;
    abort();
}

const char *fuzz_folder(void) {
    return folder;
}

int fuzz_replays(void) {
    return replays;
}

void fuzz_told(int code, struct error *error) {
    if (!memchr(error->message, 0, sizeof error->message) || !memchr(error->file, 0, sizeof error->file))
        fuzz_fail("the text of an error has no end");
    if (code && (!error->code || !error->message[0]))
        fuzz_fail("code %d comes without a message", code);
    memset(error, 0, sizeof *error);
}

void fuzz_need(int code, const struct error *error) {
    if (code)
        fuzz_fail("at the beginning: %s", error->message);
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text)
        fuzz_fail("out of memory");
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    return text;
}

void fuzz_write(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "we");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        fuzz_fail("cannot write %s: %s", path, strerror(errno));
}

const char *fuzz_yaml(void) {
    static char *text;
    size_t size;
    struct error error = {0};
    if (!text)
        fuzz_need(file_read(FUZZ_FOLDER "/tiny.yaml", &text, &size, &error), &error);
    return text;
}

struct config *fuzz_config(const char *const *overrides, size_t count) {
    struct config *config;
    struct error error = {0};
    fuzz_need(config_parse(&config, "tiny.yaml", fuzz_yaml(), strlen(fuzz_yaml()), &error), &error);
    for (size_t k = 0; k < count; k++)
        fuzz_need(config_override(config, overrides[k], &error), &error);
    return config;
}

void fuzz_copy_frames(const char *path) {
    static const struct timeval times[2] = {{1000000000, 0}, {1000000000, 0}};
    struct error error = {0};
    char *text;
    size_t size;
    fuzz_need(file_read(FUZZ_FOLDER "/data.xyz", &text, &size, &error), &error);
    fuzz_write(path, text, size);
    free(text);
    if (utimes(path, times))
        fuzz_fail("no time for %s", path);
}

/* ---------------------------------------------------------------- the fence */

static int begins(const char *path, const char *with) {
    return !strncmp(path, with, strlen(with));
}

/* 0, or -1 with errno where the call is refused. */
static int fence(const char *what, const char *path, int reads) {
    int outside = path[0] == '/' ? !begins(path, folder) : 0;
    for (const char *part = path; part; part = (part = strchr(part, '/')) ? part + 1 : NULL)
        outside |= part[0] == '.' && part[1] == '.' && (!part[2] || part[2] == '/');
    if (!within || !outside || begins(path, "/dev/null") || (artifacts[0] && begins(path, artifacts)))
        return 0;
    if (fuzz_fence == FENCE_REFUSES) {
        errno = EACCES;
        return -1;
    }
    if (!reads)
        fuzz_fail("%s of %s, which is outside of %s", what, path, folder);
    return 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);
int __real_mkostemp(char *path, int flags);
int __wrap_mkostemp(char *path, int flags);

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fence("opening", path, (flags & O_ACCMODE) == O_RDONLY) ? -1 : __real_open(path, flags, mode);
}

FILE *__wrap_fopen(const char *path, const char *mode) {
    return fence("opening", path, mode[0] == 'r' && !strchr(mode, '+')) ? NULL : __real_fopen(path, mode);
}

int __wrap_rename(const char *from, const char *to) {
    return fence("renaming", from, 0) || fence("replacing", to, 0) ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char *path) {
    return fence("removing", path, 0) ? -1 : __real_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode) {
    struct stat status; /* of one that is there nothing is made */
    return !stat(path, &status) || !fence("making", path, 0) ? __real_mkdir(path, mode) : -1;
}

int __wrap_rmdir(const char *path) {
    return fence("removing", path, 0) ? -1 : __real_rmdir(path);
}

int __wrap_mkostemp(char *path, int flags) {
    return fence("making", path, 0) ? -1 : __real_mkostemp(path, flags);
}

/* Threads take no signals, but their own crashes are to be told. */
int __real_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t some;
    if (set) {
        some = *set;
        for (size_t k = 0; k < sizeof crashes / sizeof *crashes; k++)
            sigdelset(&some, crashes[k]);
    }
    return __real_pthread_sigmask(how, set ? &some : NULL, before);
}

/* ---------------------------------------------------------------- begin and end */

static int drop(const char *path, const struct stat *status, int flag, struct FTW *ftw) {
    (void)status, (void)flag, (void)ftw;
    return remove(path);
}

static void clean(void) {
    within = 0;
    if (!chdir("/"))
        nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void silent(void *context, enum log_level level, const char *message) {
    (void)context, (void)level, (void)message;
}

void fuzz_begin(int once) {
    const char *base = getenv("TMPDIR"), *memory = "/dev/shm";
    struct stat status;
    if (!base)
        base = !stat(memory, &status) && S_ISDIR(status.st_mode) && !access(memory, W_OK) ? memory : "/tmp";
    if (snprintf(folder, sizeof folder, "%.40s/fuzz-XXXXXX", base) < 0 || !mkdtemp(folder) || chdir(folder))
        fuzz_fail("no folder in %s: %s", base, strerror(errno));
    atexit(clean);
    unsetenv("FETTLE_CACHE");
    log_set_sink(silent, NULL);
    replays = once;
    fuzz_open();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Arguments name files from where the program was started, and what libFuzzer finds goes there. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const char prefix[] = "-artifact_prefix=";
    static char here[PATH_MAX + sizeof prefix];
    char **words = calloc((size_t)*argc + 2, sizeof *words), *given = NULL;
    if (!words || !getcwd(artifacts, sizeof artifacts - 1))
        fuzz_fail("no place to start from");
    strcat(artifacts, "/");
    for (int k = 0; k < *argc; k++) {
        char *whole = !k || (*argv)[k][0] == '-' ? NULL : realpath((*argv)[k], NULL);
        words[k] = whole ? whole : (*argv)[k];
        if (begins(words[k], prefix))
            given = words[k] + sizeof prefix - 1;
    }
    if (given)
        snprintf(artifacts, sizeof artifacts, "%s", given);
    snprintf(here, sizeof here, "%s%s", prefix, artifacts);
    words[*argc] = given ? NULL : here;
    *argc += !given;
    *argv = words;
    fuzz_begin(0);
    return 0;
}

static int lowest_descriptor(void) {
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SPARE = 32 };
    static int first;
    if (!first)
        first = lowest_descriptor();
    within = 1;
    fuzz_input(data, size);
    within = 0;
    if (lowest_descriptor() > first + SPARE)
        fuzz_fail("descriptors are left open");
    return 0;
}
