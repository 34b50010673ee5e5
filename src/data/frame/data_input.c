#include "data/frame/data_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"

/* A piece stays in the processor's caches between reading and parsing.  The hash is over whole pieces, so that it does
 * not depend on who reads. */
enum {
    PIECE = 512 << 10,
    PATIENCE = 200,  /* ms between two looks at whether to stop */
    EXPANSION = 1032 /* bytes that one of gzip's can stand for, at most */
};

struct data_input {
    char *path;
    int fd, ended, hashed;
    struct stat status; /* as it was opened */
    char *window;
    size_t capacity;
    uint64_t size, hash;
    z_stream *inflating; /* NULL: the file is no gzip, or nothing was read yet */
    char *packed;        /* [PIECE] what is to be inflated */
    int between;         /* one gzip member has ended, and another may follow */
};

int input_open(struct data_input **out, const char *path, int hashed, struct error *error) {
    struct data_input *input = calloc(1, sizeof *input);
    int code = 0;
    *out = NULL;
    if (!input || !(input->path = strdup(path))) {
        free(input);
        return error_memory(error);
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

void input_close(struct data_input *input) {
    if (!input)
        return;
    if (input->fd >= 0)
        close(input->fd);
    if (input->inflating)
        inflateEnd(input->inflating);
    free(input->inflating);
    free(input->packed);
    free(input->window);
    free(input->path);
    free(input);
}

static int wait_for_more(struct data_input *input, struct error *error) {
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

/* A piece of the file as it is, or what is left; *got bytes. */
static int read_raw(struct data_input *input, char *to, size_t *got, struct error *error) {
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
    if (code)
        return code;
    input->size += *got;
    if (*got && input->hashed)
        input->hash = hash_bytes(input->hash, to, *got);
    return 0;
}

static int begin_inflating(struct data_input *input, const char *piece, size_t size, struct error *error) {
    enum { GZIP = 16 };
    input->inflating = calloc(1, sizeof *input->inflating);
    input->packed = malloc(PIECE);
    if (!input->inflating || !input->packed || inflateInit2(input->inflating, MAX_WBITS + GZIP) != Z_OK) {
        free(input->inflating);
        input->inflating = NULL;
        return error_memory(error);
    }
    memcpy(input->packed, piece, size);
    input->inflating->next_in = (Bytef *)input->packed;
    input->inflating->avail_in = (uInt)size;
    return 0;
}

/* Members may follow each other, and zeros the last one, as gzip itself takes them. */
static int next_member(struct data_input *input) {
    z_stream *z = input->inflating;
    while (z->avail_in && !*z->next_in) {
        z->next_in++;
        z->avail_in--;
    }
    if (!z->avail_in)
        return 0;
    input->between = 0;
    return inflateReset(z) == Z_OK;
}

/* The same of what was compressed; *got is 0 at the end only. */
static int inflate_piece(struct data_input *input, char *to, size_t *got, struct error *error) {
    z_stream *z = input->inflating;
    z->next_out = (Bytef *)to;
    z->avail_out = PIECE;
    for (*got = 0; *got < PIECE; *got = PIECE - z->avail_out) {
        if (!z->avail_in) {
            size_t size = 0;
            int code = input->ended ? 0 : read_raw(input, input->packed, &size, error);
            if (code)
                return code;
            if (!size && !input->between)
                return error_set(error, ERROR_DATA, "%s ends in the middle of what gzip packed: it was cut short",
                                 input->path);
            if (!size)
                return 0;
            z->next_in = (Bytef *)input->packed;
            z->avail_in = (uInt)size;
        }
        if (input->between && !next_member(input))
            continue;
        int result = inflate(z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            return error_memory(error);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return error_set(error, ERROR_DATA, "%s is damaged: gzip says \"%s\"", input->path,
                             z->msg ? z->msg : "no gzip");
        input->between = result == Z_STREAM_END;
    }
    return 0;
}

/* A piece of what the file holds, or what is left. */
static int read_piece(struct data_input *input, char *to, size_t *got, struct error *error) {
    int first = !input->size && !input->inflating;
    if (!input->inflating) {
        int code = read_raw(input, to, got, error);
        if (code || !first || *got < 2 || memcmp(to, "\x1f\x8b", 2))
            return code;
        if ((code = begin_inflating(input, to, *got, error)))
            return code;
    }
    return inflate_piece(input, to, got, error);
}

static int has_ended(const struct data_input *input) {
    return input->ended && (!input->inflating || (input->between && !input->inflating->avail_in));
}

static int check_end(const struct data_input *input, struct error *error) {
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

int input_more(struct data_input *input, const char **at, const char **end, struct error *error) {
    size_t kept = (size_t)(*end - *at), got = 0;
    if (has_ended(input))
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
    *end += got;
    return has_ended(input) ? check_end(input, error) : 0;
}

uint64_t input_left(const struct data_input *input) {
    if (has_ended(input))
        return 0;
    if (!S_ISREG(input->status.st_mode) || !input->status.st_size)
        return UINT64_MAX;
    uint64_t all = (uint64_t)input->status.st_size, left = input->size < all ? all - input->size : 0;
    return input->inflating ? (left + input->inflating->avail_in + (1 << 16)) * EXPANSION : left;
}

uint64_t input_size(const struct data_input *input) {
    return input->size;
}

uint64_t input_hash(const struct data_input *input) {
    return input->hash;
}

int input_sum(const char *path, uint64_t *size, uint64_t *hash, struct error *error) {
    struct data_input *input;
    int code = input_open(&input, path, 1, error);
    char *piece = code ? NULL : malloc(PIECE);
    if (!code && !piece)
        code = error_set(error, ERROR_MEMORY, "out of memory reading %s", path);
    while (!code && !input->ended) {
        size_t got;
        code = read_raw(input, piece, &got, error);
    }
    if (!code)
        code = check_end(input, error);
    free(piece);
    *size = code ? 0 : input->size;
    *hash = code ? 0 : input->hash;
    input_close(input);
    return code;
}
