/* Growing strings, and small text helpers that every layer needs. */
#ifndef FETTLE_BASE_TEXT_H
#define FETTLE_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct text {
    char *data; /* always terminated once anything was added; NULL before */
    size_t size, capacity;
    int failed; /* an allocation failed: the content is cut short */
};

void text_free(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What comes from files and names, as it may reach a terminal, a log or a message: what would steer one or hide
 * something there (control characters but newline and tab, marks of direction and of no width, bytes that are no UTF-8)
 * is added as \x1b or \u202e.  Shown twice is the same as shown once. */
void text_add_shown(struct text *out, const char *text, size_t size);
char *text_shown(char *out, size_t size, const char *text); /* cut to size bytes, the end included; returns out */
int text_is_plain(uint32_t character);                      /* it is shown as it is */
/* The bytes of the UTF-8 character that text begins with, its number in *out; 0 where there is none. */
size_t text_character(const char *text, size_t size, uint32_t *out);

const char *text_behind(const char *text, char c);     /* what stands behind the last c; all, where there is none */
int text_ends_with(const char *text, const char *end); /* and has more than that */

/* The nearest name to `name` among count names (edit distance, case aside), NULL where none is near. */
const char *text_nearest(const char *name, const char *const *names, size_t count);
/* How a message that has named what is unknown ends: `; did you mean "NEAREST"?`, or nothing where there is none. */
enum { TEXT_HINT = 256 };
const char *text_did_you_mean(char out[TEXT_HINT], const char *nearest);
#define DID_YOU_MEAN(nearest) text_did_you_mean((char[TEXT_HINT]){0}, nearest)

/* The shortest decimal text that reads back as the same double (as Python's repr: 0.1, 1e-06, 3.0, nan, inf). */
const char *text_double(char out[32], double value);

/* The number that the whole of text (size bytes) is, with a decimal point whatever the locale; NaN if it is none. */
double text_to_double(const char *text, size_t size);

#endif
