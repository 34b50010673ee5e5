#include "data/frame/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a map lies, for the handler, which may come at any time: a place is used again, but never freed. */
struct mapped_place {
    atomic_uintptr_t begin, end; /* both 0: free */
    atomic_int lost;             /* some of it could not be read */
    struct mapped_place *next;
};

struct file {
    struct mapped map; /* first: what others see */
    struct mapped_place *place;
    char *path;
    int fd;
    atomic_long seconds, nanoseconds; /* when the file was written to last, as far as we have seen to it */
};

static struct mapped_place *_Atomic places;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over taking places and looking again */
static struct sigaction before;

/* mmap is a system call and no more on the systems that there are: safe here. */
static int put_zeros(uintptr_t at) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (struct mapped_place *p = atomic_load(&places); p; p = p->next) {
        uintptr_t begin = atomic_load(&p->begin), end = atomic_load(&p->end);
        if (at < begin || at >= end)
            continue;
        atomic_store(&p->lost, 1);
        uintptr_t from = at / page * page;
        return mmap((void *)from, end - from, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
    }
    return 0;
}

static void on_bus_error(int number, siginfo_t *info, void *context) {
    int why = errno, ours = put_zeros((uintptr_t)info->si_addr);
    errno = why;
    if (ours)
        return;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    else
        sigaction(SIGBUS, &before, NULL); /* the access is made again, and does what it does */
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

static struct mapped_place *take_place(void) {
    struct mapped_place *place;
    pthread_mutex_lock(&lock);
    for (place = atomic_load(&places); place && atomic_load(&place->end); place = place->next) {
    }
    if (!place && (place = calloc(1, sizeof *place))) {
        place->next = atomic_load(&places);
        atomic_store(&places, place);
    }
    if (place) {
        atomic_store(&place->lost, 0);
        atomic_store(&place->end, 1); /* taken: nothing lies below */
    }
    pthread_mutex_unlock(&lock);
    return place;
}

static void give_place(struct mapped_place *place) {
    atomic_store(&place->begin, 0);
    atomic_store(&place->end, 0);
}

/* Maps the whole of a file that is open; -1 if it cannot be. */
static int map(struct mapped *out, struct mapped_place *place, int fd, size_t size) {
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (data == MAP_FAILED)
        return -1;
    out->data = data;
    out->size = size;
    atomic_store(&place->begin, (uintptr_t)data);
    atomic_store(&place->end, (uintptr_t)data + size);
    return 0;
}

int mapped_open(struct mapped **out, const char *path, size_t least, struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *out = NULL;
    if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size < (off_t)least || !status.st_size) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    struct file *file = calloc(1, sizeof *file);
    if (file) {
        file->fd = fd;
        file->path = strdup(path);
        file->place = take_place();
        file->seconds = status.st_mtim.tv_sec;
        file->nanoseconds = status.st_mtim.tv_nsec;
    }
    if (!file || !file->path || !file->place) {
        if (file)
            mapped_close(&file->map);
        else
            close(fd);
        return error_memory(error);
    }
    pthread_once(&once, install);
    if (map(&file->map, file->place, fd, (size_t)status.st_size))
        mapped_close(&file->map);
    else
        *out = &file->map;
    return 0;
}

void mapped_close(struct mapped *mapped) {
    struct file *file = (struct file *)mapped;
    if (!file)
        return;
    if (file->map.data)
        munmap(file->map.data, file->map.size);
    if (file->place)
        give_place(file->place);
    close(file->fd);
    free(file->path);
    free(file);
}

static int is_as_noted(const struct file *file, const struct stat *status) {
    return atomic_load(&file->seconds) == status->st_mtim.tv_sec &&
           atomic_load(&file->nanoseconds) == status->st_mtim.tv_nsec;
}

/* Somebody has touched the file, or more.  A map of its own shows what it holds now. */
static int is_same(struct file *file, const struct stat *status) {
    struct mapped now = {0};
    struct mapped_place *place = NULL;
    pthread_mutex_lock(&lock);
    int same = is_as_noted(file, status);
    pthread_mutex_unlock(&lock);
    if (same || !file->map.same || !(place = take_place()))
        return same;
    if (!map(&now, place, file->fd, file->map.size)) {
        same = file->map.same(now.data, now.size, file->map.mark) && !atomic_load(&place->lost);
        munmap(now.data, now.size);
    }
    give_place(place);
    if (same) {
        pthread_mutex_lock(&lock);
        atomic_store(&file->seconds, status->st_mtim.tv_sec);
        atomic_store(&file->nanoseconds, status->st_mtim.tv_nsec);
        pthread_mutex_unlock(&lock);
    }
    return same;
}

int mapped_check(const struct mapped *mapped, struct error *error) {
    struct file *file = (struct file *)mapped;
    struct stat status;
    int cut = atomic_load(&file->place->lost) || fstat(file->fd, &status) || (size_t)status.st_size != mapped->size;
    if (!cut && (is_as_noted(file, &status) || is_same(file, &status)))
        return 0;
    return error_set(error, ERROR_DATA, "%s was %s while it was in use", file->path,
                     cut ? "cut, or cannot be read any more," : "changed");
}
