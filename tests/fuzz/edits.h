/* Inputs that are edits of something good, as lines of text, so that they can be read, and mean the same when the
 * thing has grown:
 *
 *     NAME INDEX VALUE        a number of a named array
 *     NAME word INDEX VALUE   the same as 64 bits of its bytes, whatever its type
 *     VERB ...                whatever else a harness understands
 *
 * Lines that make no sense are passed over. */
#ifndef FETTLE_TESTS_FUZZ_EDITS_H
#define FETTLE_TESTS_FUZZ_EDITS_H

#include <stddef.h>
#include <stdint.h>

enum edits_type { EDITS_U8, EDITS_I32, EDITS_I64, EDITS_F32, EDITS_F64 };

struct edits_array {
    char name[96];
    enum edits_type type;
    size_t count;
    void *data; /* count numbers */
};

size_t edits_size(enum edits_type type);
/* other is called with the words (cut in place, the rest of the line in the last) of lines that are not as above. */
enum { EDITS_WORDS = 3 };
void edits_apply(char *text, const struct edits_array *arrays, size_t count,
                 void (*other)(void *context, int nwords, char **words), void *context);

/* For libFuzzer's mutations: what lines may be made of.  verbs: lines of the harness's own, where %s is the name of an
 * array and %d a number.  To be set by fuzz_open; the arrays' data are not looked at. */
void edits_offer(const struct edits_array *arrays, size_t count, const char *const *verbs, size_t nverbs);

#endif
