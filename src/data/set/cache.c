#include "data/set/cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "data/frame/data_input.h"
#include "data/frame/mapped.h"
#include "data/frame/selection.h"
#include "data/set/cache_file.h"

/* ---------------------------------------------------------------- how a file is read */

/* Lengths in front, so that no two lists give the same text. */
static void add_words(struct text *key, const char *name, const char *const *words, int count) {
    for (int k = 0; k < count; k++)
        text_format(key, "%s %zu %s\n", name, strlen(words[k]), words[k]);
}

static void write_key(struct text *key, const struct selection *chosen, const struct extxyz_keys *keys,
                      const struct transforms *transforms) {
    if (chosen->index)
        text_format(key, "frames %s\n", chosen->index);
    if (keys) {
        add_words(key, "from", keys->mapping_from, keys->nmapping);
        add_words(key, "to", keys->mapping_to, keys->nmapping);
        add_words(key, "include", keys->include, keys->ninclude);
        add_words(key, "exclude", keys->exclude, keys->nexclude);
        text_format(key, "plain %d\n", keys->plain);
    }
    text_add(key, transforms_text(transforms));
}

/* ---------------------------------------------------------------- where it lies */

static unsigned long long hash(const char *text) {
    return hash_bytes(0, text, strlen(text));
}

/* The k-th place where the cache of a file may be, or NULL; freed by free().  Several choices of its frames have a
 * cache each. */
static char *place(const struct cache_source *source, int k) {
    const char *path = source->name;
    const char *folder = getenv("FETTLE_CACHE"), *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *whole = NULL, *out = NULL;
    int failed = 0;
    if (folder && *folder) {
        if (k > 0)
            return NULL;
    } else if (k == 0) {
        return asprintf(&out, "%s.fettle-cache", path) < 0 ? NULL : out;
    } else if (k > 1 || (!(cache && *cache) && !(home && *home))) {
        return NULL;
    }
    whole = realpath(source->path, NULL);
    if (!whole)
        return NULL;
    if (folder && *folder)
        failed = asprintf(&out, "%s/%s-%016llx.fettle-cache", folder, name, hash(whole)) < 0;
    else if (cache && *cache)
        failed = asprintf(&out, "%s/fettle/%s-%016llx.fettle-cache", cache, name, hash(whole)) < 0;
    else
        failed = asprintf(&out, "%s/.cache/fettle/%s-%016llx.fettle-cache", home, name, hash(whole)) < 0;
    free(whole);
    return failed ? NULL : out;
}

/* ---------------------------------------------------------------- reading */

static struct frame *mapped_frame(struct mapped *map, const struct cache_record *r, const struct cache_field *fields) {
    const struct cache_head *head = (const struct cache_head *)map->data;
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return NULL;
    frame->map = map;
    frame->fields = calloc((size_t)r->nfields + 1, sizeof *frame->fields);
    if (!frame->fields) {
        free(frame);
        return NULL;
    }
    size_t doubles = 0;
    frame->atoms = r->atoms;
    frame->nfields = r->nfields;
    for (int k = 0; k < r->nfields; k++) {
        struct field *field = &frame->fields[k];
        memcpy(field->name, fields[k].name, sizeof field->name);
        field->per_atom = fields[k].per_atom;
        field->cols = fields[k].cols;
        doubles += (size_t)field->cols * (field->per_atom ? (size_t)r->atoms : 1);
    }
    struct cache_arrays a = cache_lay_out((size_t)r->atoms, r->npairs > 0 ? (size_t)r->npairs : 0, doubles);
    char *at = map->data + r->at;
    frame->pos = (double *)at;
    double *values = (double *)(at + a.fields);
    for (int k = 0; k < r->nfields; k++) {
        frame->fields[k].values = values;
        values += (size_t)fields[k].cols * (fields[k].per_atom ? (size_t)r->atoms : 1);
    }
    frame->symbols = (char(*)[8])(at + a.symbols);
    frame->numbers = (int *)(at + a.numbers);
    frame->types = (int *)(at + a.types);
    if (r->npairs >= 0) {
        frame->pair_i = (int *)(at + a.pair_i);
        frame->pair_j = (int *)(at + a.pair_j);
        frame->pair_shift = (int *)(at + a.pair_shift);
    }
    frame->npairs = r->npairs;
    frame->directed = r->directed;
    frame->has_cell = r->has_cell;
    memcpy(frame->cell, r->cell, sizeof frame->cell);
    memcpy(frame->pbc, r->pbc, sizeof frame->pbc);
    frame->ordinal = (long)r->ordinal;
    frame->unused = map->data + head->strings + r->unused;
    return frame;
}

static void repeat_warnings(const char *text, size_t size) {
    for (const char *end = text + size, *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = stop ? (size_t)(stop - line) : (size_t)(end - line);
        log_message(LOG_WARNING, "%.*s", (int)length, line);
        line += length + 1;
    }
}

static int add_frames(struct dataset *dataset, const char *name, struct mapped *map, struct error *error) {
    const struct cache_head *head = (const struct cache_head *)map->data;
    const struct cache_record *records = (const struct cache_record *)(map->data + head->records);
    const struct cache_field *fields = (const struct cache_field *)(map->data + head->fields);
    int code = 0;
    for (uint64_t f = 0; f < head->frames && !code; f++) {
        struct frame *frame = mapped_frame(map, &records[f], fields + records[f].field);
        if (!frame)
            return error_memory(error);
        frame->source = name;
        code = dataset_add(dataset, frame, error);
    }
    return code;
}

/* All checks, the cheap ones first.  The source is read only for a cache that could be its own: its hash costs a small
 * part of what parsing does. */
static int check(struct mapped *map, struct cache_source *source, const struct transforms *transforms,
                 enum cache_verdict *verdict, const char **why, struct error *error) {
    const struct cache_head *head = (const struct cache_head *)map->data;
    uint64_t size;
    int code = 0;
    *verdict = cache_check_tables(map->data, map->size, source, why);
    if (*verdict == CACHE_GOOD && !source->hash)
        code = input_sum(source->path, &size, &source->hash, error);
    if (!code && *verdict == CACHE_GOOD && head->source_hash != source->hash)
        *verdict = CACHE_OTHER;
    if (!code && *verdict == CACHE_GOOD)
        code = cache_check_frames(map->data, transforms, verdict, why, error);
    return code;
}

/* *found: the cache is there, is of this file read this way, and its frames are in the data set now. */
static int try_cache(struct dataset *dataset, const char *name, const char *cache, struct cache_source *source,
                     const struct transforms *transforms, int *found, struct error *error) {
    enum cache_verdict verdict = CACHE_OTHER;
    const char *why = NULL;
    struct mapped *map;
    int code = mapped_open(&map, cache, sizeof(struct cache_head), error);
    *found = 0;
    if (code || !map)
        return code;
    code = check(map, source, transforms, &verdict, &why, error);
    if (code || verdict != CACHE_GOOD) {
        if (!code && verdict == CACHE_DAMAGED)
            log_message(LOG_WARNING, "%s is damaged (%s): it is made anew", cache, why);
        mapped_close(map);
        return code;
    }
    map->same = cache_is;
    map->mark = ((const struct cache_head *)map->data)->hash;
    if ((code = dataset_own_map(dataset, map, error)) || (code = add_frames(dataset, name, map, error)))
        return code;
    const struct cache_head *head = (const struct cache_head *)map->data;
    repeat_warnings(map->data + head->warnings, (size_t)head->warnings_size);
    *found = 1;
    return mapped_check(map, error);
}

/* ---------------------------------------------------------------- both */

static int read_plainly(struct dataset *dataset, const char *path, const struct extxyz_keys *keys,
                        struct transforms *transforms, struct error *error) {
    size_t first = dataset->count;
    int code = dataset_read(dataset, path, keys, error);
    for (size_t k = first; k < dataset->count && !code && !(code = interrupt_check(error)); k++)
        code = transforms_apply(transforms, dataset->frames[k], error);
    return code;
}

static int is_wanted(const char *path, struct stat *status) {
    const char *where = getenv("FETTLE_CACHE"), *above = getenv("FETTLE_CACHE_ABOVE");
    double least = above ? text_to_double(above, strlen(above)) : 64;
    return !(where && strcmp(where, "off") == 0) && stat(path, status) == 0 && S_ISREG(status->st_mode) &&
           (double)status->st_size >= least * 1e6;
}

/* The folder of caches is made where it is not there yet. */
static void make_folder(const char *cache) {
    const char *slash = strrchr(cache, '/');
    char *folder = slash ? strndup(cache, (size_t)(slash - cache)) : NULL;
    struct error unheard = {0};
    if (folder && *folder && !file_exists(folder))
        file_make_directories(folder, &unheard);
    free(folder);
}

static int make_somewhere(struct cache_source *source, const struct extxyz_keys *keys, struct transforms *transforms,
                          char **made, struct error *error) {
    char *cache;
    int code = 0;
    *made = NULL;
    for (int k = 0; !code && !*made && (cache = place(source, k)); k++) {
        int unwritten = 0;
        if (k > 0 || getenv("FETTLE_CACHE"))
            make_folder(cache);
        code = cache_make(source, cache, keys, transforms, &unwritten, error);
        if (code || unwritten)
            free(cache);
        else
            *made = cache;
    }
    return code;
}

int cache_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct transforms *transforms,
               struct error *error) {
    struct stat status;
    struct selection chosen;
    char *cache = NULL;
    size_t first = dataset->count;
    int found = 0, code = selection_parse(&chosen, path, keys && keys->whole_name, error);
    if (code)
        return code;
    struct cache_source source = {.name = path, .path = chosen.path};
    if (!is_wanted(chosen.path, &status)) {
        code = read_plainly(dataset, path, keys, transforms, error);
        goto out;
    }
    const char *name = dataset_intern(dataset, path);
    source.size = (uint64_t)status.st_size;
    write_key(&source.key, &chosen, keys, transforms);
    if (!name || source.key.failed) {
        code = error_memory(error);
        goto out;
    }
    for (int k = 0; !code && !found && (cache = place(&source, k)); k++) {
        code = try_cache(dataset, name, cache, &source, transforms, &found, error);
        free(cache);
    }
    cache = NULL;
    if (code || found)
        goto out;
    if ((code = make_somewhere(&source, keys, transforms, &cache, error)))
        goto out;
    if (cache)
        code = try_cache(dataset, name, cache, &source, transforms, &found, error);
    if (!code && !found) {
        log_message(LOG_WARNING,
                    "%s: no place for a cache (%s.fettle-cache, FETTLE_CACHE): all of it is read into memory", path,
                    path);
        code = read_plainly(dataset, path, keys, transforms, error);
    }
out:
    if (!code && found && chosen.step < 0)
        dataset_reverse(dataset, first);
    free(cache);
    text_free(&source.key);
    selection_free(&chosen);
    return code;
}
