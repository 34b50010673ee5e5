#include "fails.h"

#include <errno.h>
#include <execinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"

static atomic_long count, fail_at;
static atomic_int fail_on, happened;
static int showing;

/* Most memory comes from arenas: each of their pieces is a place to fail as well, and failure is sticky, as in
 * base/arena.h.  Else only pieces that begin a block would be tried. */
static const struct arena *_Atomic sick;

void fails_begin(long at, int on) {
    count = 0;
    happened = 0;
    fail_on = on;
    fail_at = at;
}

void fails_end(void) {
    fail_at = 0;
}

long fails_count(void) {
    return count;
}

int fails_happened(void) {
    return happened;
}

void fails_show(int show) {
    showing = show;
}

static int fails(void) {
    long k = atomic_fetch_add(&count, 1) + 1, at = fail_at;
    if (at <= 0 || (k != at && !(fail_on && k > at)))
        return 0;
    if (!atomic_exchange(&happened, 1) && showing) {
        void *frames[32];
        fail_at = 0;
        backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
        fail_at = at;
    }
    errno = ENOMEM;
    return 1;
}

#define WRAP(type, name, parameters, arguments)                                                                        \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        return fails() ? NULL : __real_##name arguments;                                                               \
    }
WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
WRAP(char *, realpath, (const char *s, char *to), (s, to))
WRAP(FILE *, fopencookie, (void *c, const char *m, cookie_io_functions_t f), (c, m, f))
WRAP(FILE *, open_memstream, (char **p, size_t *n), (p, n))
WRAP(FILE *, fopen, (const char *p, const char *m), (p, m))
WRAP(locale_t, newlocale, (int m, const char *l, locale_t b), (m, l, b))

void *__real_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_mmap(void *a, size_t n, int p, int f, int fd, off_t o) {
    return fails() ? MAP_FAILED : __real_mmap(a, n, p, f, fd, o);
}

int __wrap_asprintf(char **out, const char *format, ...);
int __wrap_asprintf(char **out, const char *format, ...) {
    va_list args;
    if (fails())
        return -1;
    va_start(args, format);
    int n = vasprintf(out, format, args);
    va_end(args);
    return n;
}

int __real_vasprintf(char **, const char *, va_list);
int __wrap_vasprintf(char **out, const char *format, va_list args);
int __wrap_vasprintf(char **out, const char *format, va_list args) {
    return fails() ? -1 : __real_vasprintf(out, format, args);
}

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x) {
    return fails() ? EAGAIN : __real_pthread_create(t, a, f, x);
}

static int arena_fails(const struct arena *arena) {
    if (arena == sick)
        return 1;
    if (!fails())
        return 0;
    sick = arena;
    return 1;
}

#define WRAP_ARENA(type, name, parameters, arguments)                                                                  \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        return arena_fails(arena) ? NULL : __real_##name arguments;                                                    \
    }
WRAP_ARENA(void *, arena_alloc, (struct arena * arena, size_t n), (arena, n))
WRAP_ARENA(void *, arena_copy, (struct arena * arena, const void *data, size_t n), (arena, data, n))
WRAP_ARENA(char *, arena_string, (struct arena * arena, const char *text), (arena, text))

char *__wrap_arena_format(struct arena *arena, const char *format, ...);
char *__wrap_arena_format(struct arena *arena, const char *format, ...) {
    char *text = NULL, *out;
    va_list args;
    if (arena_fails(arena))
        return NULL;
    va_start(args, format);
    int n = __real_vasprintf(&text, format, args);
    va_end(args);
    out = n < 0 ? NULL : __real_arena_string(arena, text);
    free(text);
    return out;
}

int __real_arena_failed(const struct arena *arena);
int __wrap_arena_failed(const struct arena *arena);
int __wrap_arena_failed(const struct arena *arena) {
    return arena == sick || __real_arena_failed(arena);
}

int __real_arena_result(const struct arena *arena, int code, struct error *error);
int __wrap_arena_result(const struct arena *arena, int code, struct error *error);
int __wrap_arena_result(const struct arena *arena, int code, struct error *error) {
    if (arena == sick)
        return error_set(error, ERROR_MEMORY, "out of memory");
    return __real_arena_result(arena, code, error);
}

void __real_arena_free(struct arena *arena);
void __wrap_arena_free(struct arena *arena);
void __wrap_arena_free(struct arena *arena) {
    if (arena && arena == sick)
        sick = NULL;
    __real_arena_free(arena);
}
