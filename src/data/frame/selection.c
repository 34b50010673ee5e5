#include "data/frame/selection.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void selection_free(struct selection *selection) {
    free(selection->path);
    selection->path = NULL;
}

/* A whole number as Python's int() takes it, up to a colon or the end; an empty one is none and sets *has to 0. */
static const char *read_whole(const char *at, int *has, int64_t *out) {
    size_t size = strcspn(at, ":");
    char digits[32];
    char *end;
    const char *stop = at + size;
    while (size && (*at == ' ' || *at == '\t'))
        at++, size--;
    while (size && (at[size - 1] == ' ' || at[size - 1] == '\t'))
        size--;
    *has = stop != at && size > 0;
    if (!*has)
        return stop;
    if (size >= sizeof digits)
        return NULL;
    memcpy(digits, at, size);
    digits[size] = 0;
    errno = 0;
    *out = strtoll(digits, &end, 10);
    return errno || end == digits || *end ? NULL : stop;
}

/* "7", "3:", ":-1", "::2"; 0 if it is no index. */
static int parse_index(struct selection *out, const char *text) {
    int has_step = 0;
    const char *at = read_whole(text, &out->has_start, &out->start);
    if (!at || (!*at && !out->has_start))
        return 0;
    if (!*at) { /* one frame; the last has no number after it */
        out->has_stop = out->start != -1;
        out->stop = out->start == INT64_MAX ? INT64_MAX : out->start + 1;
        return 1;
    }
    at = read_whole(at + 1, &out->has_stop, &out->stop);
    if (at && *at)
        at = read_whole(at + 1, &has_step, &out->step);
    if (!has_step)
        out->step = 1;
    return at && !*at;
}

int selection_parse(struct selection *out, const char *name, int whole, struct error *error) {
    const char *slash = strrchr(name, '/'), *at = strrchr(slash ? slash : name, '@');
    struct selection made = {.step = 1};
    *out = made;
    if (at && !whole && !parse_index(&made, at + 1)) {
        if (access(name, F_OK))
            return error_set(
                error, ERROR_VALUE,
                "%s: what follows the @ is no choice of frames (as @7, @:100, @-20:, @::5), and there is no "
                "file of that name",
                name);
        whole = 1;
    }
    if (at && !whole && !made.step)
        return error_set(error, ERROR_VALUE, "%s: the step of the frames must not be 0", name);
    if (at && !whole) {
        *out = made;
        out->index = at;
    }
    out->path = at && !whole ? strndup(name, (size_t)(at - name)) : strdup(name);
    return out->path ? 0 : error_memory(error);
}

int selection_needs_count(const struct selection *s) {
    return s->index && (s->step < 0 || (s->has_start && s->start < 0) || (s->has_stop && s->stop < 0));
}

/* A bound from either end, within low and high. */
static int64_t bound(int64_t value, int64_t frames, int64_t low, int64_t high) {
    if (value < 0)
        value += frames;
    return value < low ? low : value > high ? high : value;
}

void selection_resolve(const struct selection *s, int64_t frames, int64_t *first, int64_t *step, int64_t *count,
                       int *descends) {
    /* ASE looks no farther than to the frame after the end of the slice */
    if (s->has_stop && s->stop >= 0 && s->stop < frames)
        frames = s->stop + 1;
    int64_t low = s->step < 0 ? -1 : 0, high = s->step < 0 ? frames - 1 : frames;
    int64_t start = s->has_start ? bound(s->start, frames, low, high) : s->step < 0 ? high : low;
    int64_t stop = s->has_stop ? bound(s->stop, frames, low, high) : s->step < 0 ? low : high;
    uint64_t width = s->step < 0 ? -(uint64_t)s->step : (uint64_t)s->step;
    int64_t length = s->step < 0 ? start - stop : stop - start;
    *descends = s->step < 0;
    *count = length > 0 ? (int64_t)((uint64_t)(length - 1) / width) + 1 : 0;
    *step = width > INT64_MAX ? INT64_MAX : (int64_t)width;
    *first = s->step < 0 && *count ? start - (*count - 1) * *step : start;
}
