/* An arena: memory that is allocated piece by piece and freed at once.  Failure is sticky: arena_alloc then
 * returns NULL, and arena_failed tells, until arena_again.  Blocks are zeroed and aligned to 64 bytes from 64 bytes on,
 * to 16 below. */
#ifndef FETTLE_BASE_ARENA_H
#define FETTLE_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is allowed */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_string(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
int arena_failed(const struct arena *arena);
/* What work that took its memory here came to: code, but ERROR_MEMORY, told, where a piece was not to be had. */
int arena_result(const struct arena *arena, int code, struct error *error);
/* Before another piece of work, in an arena that outlives it: what failed so far counts no more. */
void arena_again(struct arena *arena);
size_t arena_used(const struct arena *arena);

#endif
