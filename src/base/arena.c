#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"

enum { CHUNK = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used; /* of the bytes after the head, which is 64 bytes */
    char pad[64 - 3 * sizeof(size_t)];
};

struct arena {
    struct arena_chunk *chunks;
    size_t used;
    int failed;
};

struct arena *arena_new(void) {
    return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena) {
    if (!arena)
        return;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size) {
    size_t align = size >= 64 ? 64 : 16;
    if (arena->failed || size > SIZE_MAX / 2) {
        arena->failed = 1;
        return NULL;
    }
    size_t whole = size ? (size + align - 1) / align * align : align;
    struct arena_chunk *chunk = arena->chunks;
    size_t start = chunk ? (chunk->used + align - 1) / align * align : 0;
    if (!chunk || start + whole > chunk->size) {
        size_t room = whole > CHUNK / 4 ? whole : CHUNK;
        chunk = aligned_alloc(64, (sizeof *chunk + room + 63) / 64 * 64);
        if (!chunk) {
            arena->failed = 1;
            return NULL;
        }
        chunk->size = room;
        chunk->used = 0;
        /* a chunk of its own goes behind the one that still has room */
        if (room != CHUNK && arena->chunks) {
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
        } else {
            chunk->next = arena->chunks;
            arena->chunks = chunk;
        }
        start = 0;
    }
    char *memory = (char *)(chunk + 1) + start;
    chunk->used = start + whole;
    arena->used += whole;
    memset(memory, 0, whole);
    return memory;
}

void *arena_copy(struct arena *arena, const void *data, size_t size) {
    void *memory = arena_alloc(arena, size);
    if (memory && size)
        memcpy(memory, data, size);
    return memory;
}

char *arena_string(struct arena *arena, const char *text) {
    return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = print_to_v(NULL, 0, format, args);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text)
        print_to_v(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

int arena_failed(const struct arena *arena) {
    return arena->failed;
}

int arena_result(const struct arena *arena, int code, struct error *error) {
    return arena->failed ? error_memory(error) : code;
}

void arena_again(struct arena *arena) {
    arena->failed = 0;
}

size_t arena_used(const struct arena *arena) {
    return arena->used;
}
