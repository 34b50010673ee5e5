/* What ModelCheckpoint has kept: a text that belongs to the state of the run. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/callback/kept.h"

void books_free(struct books *books) {
    free(books->kept);
    free(books->text);
    *books = (struct books){0};
}

static int bad(const char *line, struct error *error) {
    return error_set(error, ERROR_DATA,
                     "the checkpoint's books of ModelCheckpoint have a line that cannot be: '%.100s'", line);
}

int books_have(const struct books *books, const char *name) {
    for (size_t k = 0; k < books->count; k++)
        if (!strcmp(books->kept[k].name, name))
            return 1;
    return 0;
}

static int read_step(struct books *books, const char *line, struct error *error) {
    char *end;
    errno = 0;
    long long step = strtoll(line + 5, &end, 10);
    if (errno || end == line + 5 || *end || step < 0)
        return bad(line, error);
    books->step = step;
    return 0;
}

static int read_line(struct books *books, char *line, struct error *error) {
    struct {
        const char *key;
        const char **to;
    } keys[] = {{"best ", &books->best}, {"last ", &books->last}, {"gone ", &books->gone}, {"newest ", &books->newest}};
    if (!strncmp(line, "place ", 6)) {
        books->place = line + 6;
        return 0;
    }
    if (!strcmp(line, "deferred")) {
        books->deferred = 1;
        return 0;
    }
    if (!strncmp(line, "step ", 5))
        return read_step(books, line, error);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        size_t size = strlen(keys[k].key);
        if (!strncmp(line, keys[k].key, size) && kept_name_is_below(line + size)) {
            *keys[k].to = line + size;
            return 0;
        }
    }
    char *name = strncmp(line, "kept ", 5) ? NULL : strchr(line + 5, ' ');
    if (!name || !kept_name_is_below(name + 1) || books_have(books, name + 1))
        return bad(line, error);
    double score = text_to_double(line + 5, (size_t)(name - line) - 5);
    return isnan(score) ? bad(line, error) : books_add(books, score, name + 1, error);
}

int books_parse(struct books *books, const char *text, size_t size, struct error *error) {
    *books = (struct books){.place = "", .best = "", .last = "", .gone = "", .newest = "", .text = malloc(size + 1)};
    if (!books->text)
        return error_memory(error);
    if (size)
        memcpy(books->text, text, size);
    books->text[size] = 0;
    int code = strlen(books->text) == size && (!size || books->text[size - 1] == '\n') ? 0 : bad(books->text, error);
    for (char *line = books->text, *end; !code && *line && (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        code = read_line(books, line, error);
    }
    if (!code && *books->best && !books_have(books, books->best))
        code = bad(books->best, error);
    if (code)
        books_free(books);
    return code;
}

int books_read(struct books *books, const struct keep *keep, struct error *error) {
    return books_parse(books, keep->books->data, keep->books->count, error);
}

static int put(struct trainer *trainer, struct keep *keep, const char *data, size_t size, struct error *error) {
    int code = state_resize(trainer_state(trainer), keep->books, size, error);
    if (!code && size)
        memcpy(keep->books->data, data, size);
    return code;
}

int books_clear(struct trainer *trainer, struct keep *keep, struct error *error) {
    return put(trainer, keep, "", 0, error);
}

int books_write(const struct books *books, struct trainer *trainer, struct keep *keep, struct error *error) {
    struct text text = {0};
    char number[32];
    const struct {
        const char *key, *name;
    } names[] = {{"best", books->best}, {"last", books->last}, {"gone", books->gone}, {"newest", books->newest}};
    text_format(&text, "place %s\n", books->place);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (*names[k].name)
            text_format(&text, "%s %s\n", names[k].key, names[k].name);
    if (books->step)
        text_format(&text, "step %lld\n", (long long)books->step);
    if (books->deferred)
        text_add(&text, "deferred\n");
    for (size_t k = 0; k < books->count; k++)
        text_format(&text, "kept %s %s\n", text_double(number, books->kept[k].score), books->kept[k].name);
    int code = text.failed ? error_memory(error) : put(trainer, keep, text.data, text.size, error);
    text_free(&text);
    return code;
}

int books_better(double a, double b, int is_max) {
    return is_max ? a > b : a < b;
}

size_t books_best(const struct books *books, int is_max) {
    size_t best = 0;
    for (size_t k = 1; k < books->count; k++)
        if (books_better(books->kept[k].score, books->kept[best].score, is_max))
            best = k;
    return best;
}

size_t books_worst(const struct books *books, int is_max) {
    return books_best(books, !is_max);
}

int books_add(struct books *books, double score, const char *name, struct error *error) {
    for (size_t k = 0; k < books->count; k++)
        if (!strcmp(books->kept[k].name, name)) { /* replaced without a version */
            books->kept[k].score = score;
            return 0;
        }
    struct kept_entry *more = realloc(books->kept, (books->count + 1) * sizeof *more);
    if (!more)
        return error_memory(error);
    books->kept = more;
    books->kept[books->count++] = (struct kept_entry){score, name};
    return 0;
}

void books_drop(struct books *books, size_t k) {
    memmove(books->kept + k, books->kept + k + 1, (books->count - k - 1) * sizeof *books->kept);
    books->count--;
}
