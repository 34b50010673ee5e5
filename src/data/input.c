#include "data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"

/* A piece stays in the processor's caches between reading and parsing.  The hash is over whole pieces, so that it does
 * not depend on who reads. */
enum { PIECE = 512 << 10, PATIENCE = 200 /* ms between two looks at whether to stop */ };

struct input {
    char *path;
    int fd, ended, hashed;
    struct stat status; /* as it was opened */
    char *window;
    size_t capacity;
    uint64_t size, hash;
};

int input_open(struct input **out, const char *path, int hashed, struct error *error) {
    struct input *input = calloc(1, sizeof *input);
    int code = 0;
    *out = NULL;
    if (!input || !(input->path = strdup(path))) {
        free(input);
        return error_set(error, ERROR_MEMORY, "out of memory");
    }
    input->hashed = hashed;
    /* a pipe without a writer must not hold up who wants to stop */
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0 || fstat(input->fd, &input->status))
        code = error_set(error, error_of_system(errno), "cannot read %s: %s", path, strerror(errno));
    else if (S_ISDIR(input->status.st_mode))
        code = error_set(error, ERROR_IO, "cannot read %s: it is a folder, a file of frames is expected", path);
    if (code)
        input_close(input);
    else
        *out = input;
    return code;
}

void input_close(struct input *input) {
    if (!input)
        return;
    if (input->fd >= 0)
        close(input->fd);
    free(input->window);
    free(input->path);
    free(input);
}

static int wait_for_more(struct input *input, struct error *error) {
    struct pollfd waiting = {.fd = input->fd, .events = POLLIN};
    for (;;) {
        int code = interrupt_check(error);
        if (code)
            return code;
        int ready = poll(&waiting, 1, PATIENCE);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return 0;
    }
}

/* A piece, or what is left; *got bytes. */
static int read_piece(struct input *input, char *to, size_t *got, struct error *error) {
    int regular = S_ISREG(input->status.st_mode), code = interrupt_check(error);
    *got = 0;
    while (!code && *got < PIECE && !input->ended) {
        if (!regular && (code = wait_for_more(input, error)))
            break;
        ssize_t size = read(input->fd, to + *got, PIECE - *got);
        if (size < 0 && errno != EINTR && errno != EAGAIN)
            code = error_set(error, error_of_system(errno), "cannot read %s: %s", input->path, strerror(errno));
        else if (size < 0)
            code = interrupt_check(error);
        else if (size == 0)
            input->ended = 1;
        else
            *got += (size_t)size;
    }
    return code;
}

static int check_end(const struct input *input, struct error *error) {
    struct stat now;
    if (!S_ISREG(input->status.st_mode) || fstat(input->fd, &now))
        return 0;
    if (input->size < (uint64_t)input->status.st_size)
        return error_set(error, ERROR_DATA, "%s was cut while it was read: %llu of %lld bytes are left", input->path,
                         (unsigned long long)input->size, (long long)input->status.st_size);
    if (now.st_mtim.tv_sec != input->status.st_mtim.tv_sec || now.st_mtim.tv_nsec != input->status.st_mtim.tv_nsec)
        log_message(LOG_WARNING, "%s was written to while it was read", input->path);
    return 0;
}

int input_more(struct input *input, const char **at, const char **end, struct error *error) {
    size_t kept = (size_t)(*end - *at), got = 0;
    if (input->ended)
        return 0;
    if (kept > INPUT_MOST)
        return error_set(error, ERROR_DATA, "%s: a line of more than %d MiB: is this a file of frames?", input->path,
                         INPUT_MOST >> 20);
    if (kept + PIECE > input->capacity) {
        size_t capacity = input->capacity ? 2 * input->capacity : 2 * PIECE;
        while (capacity < kept + PIECE)
            capacity *= 2;
        char *window = malloc(capacity);
        if (!window)
            return error_set(error, ERROR_MEMORY, "out of memory reading %s", input->path);
        if (kept)
            memcpy(window, *at, kept);
        free(input->window);
        input->window = window;
        input->capacity = capacity;
    } else if (kept) {
        memmove(input->window, *at, kept);
    }
    *at = input->window;
    *end = input->window + kept;
    int code = read_piece(input, input->window + kept, &got, error);
    if (code)
        return code;
    input->size += got;
    if (got && input->hashed)
        input->hash = hash_bytes(input->hash, input->window + kept, got);
    *end += got;
    return input->ended ? check_end(input, error) : 0;
}

uint64_t input_left(const struct input *input) {
    if (input->ended)
        return 0;
    if (!S_ISREG(input->status.st_mode) || !input->status.st_size)
        return UINT64_MAX;
    uint64_t all = (uint64_t)input->status.st_size;
    return input->size < all ? all - input->size : 0;
}

uint64_t input_size(const struct input *input) {
    return input->size;
}

uint64_t input_hash(const struct input *input) {
    return input->hash;
}

int input_sum(const char *path, uint64_t *size, uint64_t *hash, struct error *error) {
    struct input *input;
    int code = input_open(&input, path, 1, error);
    while (!code && !input->ended) {
        const char *at = NULL, *end = NULL;
        code = input_more(input, &at, &end, error);
    }
    *size = code ? 0 : input->size;
    *hash = code ? 0 : input->hash;
    input_close(input);
    return code;
}
