#include "data/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

static const char magic[8] = {'f', 'e', 't', 't', 'l', 'e', 'C', '1'};

/* The file: this, then the arrays of frame after frame, then the records, the fields and the strings. */
struct head {
    char magic[8];
    uint64_t key, key_size;           /* of what the cache was made of and how; places count from the beginning */
    uint64_t records, frames;         /* struct record */
    uint64_t fields, nfields;         /* struct cached_field */
    uint64_t warnings, warnings_size; /* what reading said, a line each */
    uint64_t size;                    /* of the file */
};

struct record {
    uint64_t at; /* of its arrays: see lay_out */
    int64_t ordinal;
    double cell[9];
    int32_t atoms, npairs, directed, has_cell, nfields, unused_size;
    uint64_t field;  /* number of its first */
    uint64_t unused; /* place of the text */
    unsigned char pbc[8];
};

struct cached_field {
    char name[64];
    int32_t per_atom, cols;
};

/* Where the arrays of a frame lie, from record.at on: those of doubles first. */
struct arrays {
    size_t fields, numbers, symbols, types, pair_i, pair_j, pair_shift, size;
};

static struct arrays lay_out(size_t atoms, size_t pairs, size_t doubles) {
    struct arrays a = {.fields = 3 * atoms * sizeof(double)};
    a.symbols = a.fields + doubles * sizeof(double);
    a.numbers = a.symbols + 8 * atoms;
    a.types = a.numbers + atoms * sizeof(int);
    a.pair_i = a.types + atoms * sizeof(int);
    a.pair_j = a.pair_i + pairs * sizeof(int);
    a.pair_shift = a.pair_j + pairs * sizeof(int);
    a.size = (a.pair_shift + 3 * pairs * sizeof(int) + 7) / 8 * 8;
    return a;
}

/* ---------------------------------------------------------------- what a cache is of */

static void add_words(struct text *key, const char *name, const char *const *words, int count) {
    for (int k = 0; k < count; k++)
        text_format(key, "%s %s\n", name, words[k]);
}

static void write_key(struct text *key, const struct stat *status, const struct extxyz_keys *keys,
                      const struct transforms *transforms) {
    text_format(key, "%lld bytes, changed %lld.%09ld\n", (long long)status->st_size, (long long)status->st_mtim.tv_sec,
                status->st_mtim.tv_nsec);
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

static uint64_t hash(const char *text) {
    uint64_t sum = 14695981039346656037u;
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * 1099511628211u;
    return sum;
}

/* The k-th place where the cache of a file may be, or NULL; freed by free(). */
static char *place(const char *path, int k) {
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
    whole = realpath(path, NULL);
    if (!whole)
        return NULL;
    if (folder && *folder)
        failed = asprintf(&out, "%s/%s-%016llx.fettle-cache", folder, name, (unsigned long long)hash(whole)) < 0;
    else if (cache && *cache)
        failed = asprintf(&out, "%s/fettle/%s-%016llx.fettle-cache", cache, name, (unsigned long long)hash(whole)) < 0;
    else
        failed =
            asprintf(&out, "%s/.cache/fettle/%s-%016llx.fettle-cache", home, name, (unsigned long long)hash(whole)) < 0;
    free(whole);
    return failed ? NULL : out;
}

/* ---------------------------------------------------------------- reading */

static int inside(uint64_t at, uint64_t count, uint64_t each, uint64_t size) {
    return at <= size && at % 8 == 0 && count <= (size - at) / each;
}

/* Whether all that the head and the records name lies in the file. */
static int sound(const char *map, uint64_t size, const struct text *key) {
    const struct head *head = (const struct head *)map;
    if (size < sizeof *head || memcmp(head->magic, magic, sizeof magic) != 0 || head->size != size ||
        head->key_size != key->size || !inside(head->key, head->key_size, 1, size) ||
        memcmp(map + head->key, key->data, key->size) != 0 ||
        !inside(head->records, head->frames, sizeof(struct record), size) ||
        !inside(head->fields, head->nfields, sizeof(struct cached_field), size) ||
        !inside(head->warnings, head->warnings_size, 1, size))
        return 0;
    const struct record *records = (const struct record *)(map + head->records);
    const struct cached_field *fields = (const struct cached_field *)(map + head->fields);
    for (uint64_t f = 0; f < head->frames; f++) {
        const struct record *r = &records[f];
        uint64_t doubles = 0;
        if (r->atoms < 1 || r->npairs < -1 || r->nfields < 0 || r->unused_size < 1 || r->field > head->nfields ||
            (uint64_t)r->nfields > head->nfields - r->field || r->unused > size ||
            (uint64_t)r->unused_size > size - r->unused || map[r->unused + (uint64_t)r->unused_size - 1] != 0)
            return 0;
        for (int k = 0; k < r->nfields; k++) {
            const struct cached_field *field = &fields[r->field + (uint64_t)k];
            if (field->cols < 1 || !memchr(field->name, 0, sizeof field->name))
                return 0;
            doubles += (uint64_t)field->cols * (field->per_atom ? (uint64_t)r->atoms : 1);
        }
        if (doubles > size || r->at % 8 || r->at > size ||
            lay_out((size_t)r->atoms, r->npairs > 0 ? (size_t)r->npairs : 0, (size_t)doubles).size > size - r->at)
            return 0;
    }
    return 1;
}

static struct frame *mapped_frame(char *map, size_t size, const struct record *r, const struct cached_field *fields) {
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return NULL;
    frame->map = map;
    frame->map_size = size;
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
    struct arrays a = lay_out((size_t)r->atoms, r->npairs > 0 ? (size_t)r->npairs : 0, doubles);
    char *at = map + r->at;
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
    frame->unused = map + r->unused;
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

/* *found: the cache is there, is of this file read this way, and its frames are in the data set now. */
static int try_cache(struct dataset *dataset, const char *source, const char *cache, const struct text *key, int *found,
                     struct error *error) {
    struct stat status;
    int fd = open(cache, O_RDONLY | O_CLOEXEC), code = 0;
    *found = 0;
    if (fd < 0)
        return 0;
    /* private: types may be set anew, which is nobody else's business */
    char *map = fstat(fd, &status) || status.st_size < (off_t)sizeof(struct head)
                    ? MAP_FAILED
                    : mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return 0;
    size_t size = (size_t)status.st_size;
    if (!sound(map, size, key)) {
        munmap(map, size);
        return 0;
    }
    if ((code = dataset_own_map(dataset, map, size, error)))
        return code;
    const struct head *head = (const struct head *)map;
    const struct record *records = (const struct record *)(map + head->records);
    const struct cached_field *fields = (const struct cached_field *)(map + head->fields);
    for (uint64_t f = 0; f < head->frames && !code; f++) {
        struct frame *frame = mapped_frame(map, size, &records[f], fields + records[f].field);
        if (!frame)
            return error_set(error, ERROR_MEMORY, "out of memory");
        frame->source = source;
        code = dataset_add(dataset, frame, error);
    }
    if (!code)
        repeat_warnings(map + head->warnings, head->warnings_size);
    *found = !code;
    return code;
}

/* ---------------------------------------------------------------- writing */

struct making {
    FILE *out;
    uint64_t at;
    struct text records, fields, strings;
    uint64_t nfields;
};

static void put(struct making *m, const void *bytes, size_t size) {
    if (size)
        fwrite(bytes, 1, size, m->out);
    m->at += size;
}

static void align(struct making *m) {
    static const char zeros[8];
    put(m, zeros, (8 - m->at % 8) % 8);
}

static void put_frame(struct making *m, const struct frame *frame) {
    size_t atoms = (size_t)frame->atoms, pairs = frame->npairs > 0 ? (size_t)frame->npairs : 0;
    struct record r = {.at = m->at,
                       .ordinal = frame->ordinal,
                       .atoms = frame->atoms,
                       .npairs = frame->npairs,
                       .directed = frame->directed,
                       .has_cell = frame->has_cell,
                       .nfields = frame->nfields,
                       .field = m->nfields};
    memcpy(r.cell, frame->cell, sizeof r.cell);
    memcpy(r.pbc, frame->pbc, sizeof frame->pbc);
    put(m, frame->pos, 3 * atoms * sizeof *frame->pos);
    for (int k = 0; k < frame->nfields; k++) {
        const struct field *field = &frame->fields[k];
        struct cached_field cached = {.per_atom = field->per_atom, .cols = field->cols};
        memcpy(cached.name, field->name, sizeof cached.name);
        text_add_bytes(&m->fields, &cached, sizeof cached);
        m->nfields++;
        put(m, field->values, (size_t)field->cols * (field->per_atom ? atoms : 1) * sizeof *field->values);
    }
    put(m, frame->symbols, 8 * atoms);
    put(m, frame->numbers, atoms * sizeof *frame->numbers);
    put(m, frame->types, atoms * sizeof *frame->types);
    put(m, frame->pair_i, pairs * sizeof *frame->pair_i);
    put(m, frame->pair_j, pairs * sizeof *frame->pair_j);
    put(m, frame->pair_shift, 3 * pairs * sizeof *frame->pair_shift);
    align(m);
    /* as a rule the list is the same for all frames: it is kept once for those that follow each other */
    r.unused_size = (int32_t)strlen(frame->unused) + 1;
    if (m->strings.size < (size_t)r.unused_size ||
        memcmp(m->strings.data + m->strings.size - r.unused_size, frame->unused, (size_t)r.unused_size) != 0)
        text_add_bytes(&m->strings, frame->unused, (size_t)r.unused_size);
    r.unused = m->strings.size - (size_t)r.unused_size; /* from the beginning of the strings, for now */
    text_add_bytes(&m->records, &r, sizeof r);
}

/* Frame after frame, none of which stays in memory. */
static int put_frames(struct making *m, struct extxyz_reader *reader, struct transforms *transforms, uint64_t *frames,
                      struct error *error) {
    for (*frames = 0;; ++*frames) {
        struct frame *frame;
        int code = extxyz_next(reader, &frame, error);
        if (code || !frame)
            return code;
        code = transforms_apply(transforms, frame, error);
        if (!code)
            put_frame(m, frame);
        transforms_forget(transforms, frame);
        frame_free(frame);
        if (code)
            return code;
    }
}

static void put_tables(struct making *m, const struct text *key, const char *warnings, uint64_t frames) {
    struct head head = {.frames = frames, .nfields = m->nfields, .key_size = key->size};
    struct record *records = (struct record *)m->records.data;
    memcpy(head.magic, magic, sizeof magic);
    uint64_t strings = m->at;
    put(m, m->strings.data, m->strings.size);
    align(m);
    for (uint64_t f = 0; f < frames; f++)
        records[f].unused += strings;
    head.records = m->at;
    put(m, m->records.data, m->records.size);
    head.fields = m->at;
    put(m, m->fields.data, m->fields.size);
    align(m);
    head.key = m->at;
    put(m, key->data, key->size);
    align(m);
    head.warnings = m->at;
    head.warnings_size = strlen(warnings);
    put(m, warnings, strlen(warnings));
    align(m);
    head.size = m->at;
    fseek(m->out, 0, SEEK_SET);
    fwrite(&head, sizeof head, 1, m->out);
}

/* Makes the cache.  *unwritten: the file was read well, but the cache could not be written. */
static int make(const char *source, const char *cache, const char *text, size_t size, const struct text *key,
                const struct extxyz_keys *keys, struct transforms *transforms, int *unwritten, struct error *error) {
    struct making m = {.out = NULL};
    struct file_writer *writer = NULL;
    struct extxyz_reader *reader = NULL;
    struct error why = {0};
    struct head head = {.size = 0};
    uint64_t frames;
    *unwritten = file_writer_open_own(&writer, cache, &why) != 0;
    if (*unwritten)
        return 0;
    m.out = file_writer_stream(writer);
    put(&m, &head, sizeof head);
    int code = extxyz_open(&reader, source, text, size, keys, error);
    if (!code)
        code = put_frames(&m, reader, transforms, &frames, error);
    if (!code && !frames)
        code = error_at(error, ERROR_DATA, source, 0, 0, size ? "the file has no frames" : "the file is empty");
    if (!code && (m.records.failed || m.fields.failed || m.strings.failed))
        code = error_set(error, ERROR_MEMORY, "out of memory");
    if (!code)
        put_tables(&m, key, extxyz_warnings(reader), frames);
    if (code)
        file_writer_abort(writer);
    else
        *unwritten = file_writer_commit(writer, &why) != 0;
    extxyz_close(reader);
    text_free(&m.records);
    text_free(&m.fields);
    text_free(&m.strings);
    return code;
}

/* ---------------------------------------------------------------- both */

static int read_plainly(struct dataset *dataset, const char *path, const struct extxyz_keys *keys,
                        struct transforms *transforms, struct error *error) {
    size_t first = dataset->count;
    int code = dataset_read(dataset, path, keys, error);
    for (size_t k = first; k < dataset->count && !code; k++)
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

static int make_somewhere(const char *source, const char *path, const struct stat *status, const struct text *key,
                          const struct extxyz_keys *keys, struct transforms *transforms, char **made,
                          struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;
    char *text = fd < 0 || !status->st_size ? MAP_FAILED
                                            : mmap(NULL, (size_t)status->st_size, PROT_READ, MAP_PRIVATE, fd, 0),
         *cache;
    if (fd >= 0)
        close(fd);
    *made = NULL;
    if (text == MAP_FAILED)
        return 0;
    for (int k = 0; !code && !*made && (cache = place(path, k)); k++) {
        int unwritten = 0;
        if (k > 0 || getenv("FETTLE_CACHE"))
            make_folder(cache);
        code = make(source, cache, text, (size_t)status->st_size, key, keys, transforms, &unwritten, error);
        if (code || unwritten)
            free(cache);
        else
            *made = cache;
    }
    munmap(text, (size_t)status->st_size);
    return code;
}

int cache_read(struct dataset *dataset, const char *path, const struct extxyz_keys *keys, struct transforms *transforms,
               struct error *error) {
    struct stat status;
    struct text key = {0};
    char *cache = NULL;
    int code = 0, found = 0;
    if (!is_wanted(path, &status))
        return read_plainly(dataset, path, keys, transforms, error);
    const char *source = dataset_intern(dataset, path);
    write_key(&key, &status, keys, transforms);
    if (!source || key.failed) {
        code = error_set(error, ERROR_MEMORY, "out of memory");
        goto out;
    }
    for (int k = 0; !code && !found && (cache = place(path, k)); k++) {
        code = try_cache(dataset, source, cache, &key, &found, error);
        free(cache);
    }
    cache = NULL;
    if (code || found)
        goto out;
    if ((code = make_somewhere(source, path, &status, &key, keys, transforms, &cache, error)))
        goto out;
    if (cache)
        code = try_cache(dataset, source, cache, &key, &found, error);
    if (!code && !found) {
        log_message(LOG_WARNING,
                    "%s: no place for a cache (%s.fettle-cache, FETTLE_CACHE): all of it is read into memory", path,
                    path);
        code = read_plainly(dataset, path, keys, transforms, error);
    }
out:
    free(cache);
    text_free(&key);
    return code;
}
