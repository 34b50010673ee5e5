/* The cache of a file: frames from it are those of the file, and it is made anew when it must be. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/set/cache.h"
#include "data/set/cache_file.h"
#include "data/frame/prefetch.h"
#include "support.h"

#define MAPPER "- {_target_: ChemicalSpeciesToAtomTypeMapper, model_type_names: [C, H, O]}\n"
#define LIST(r) "- {_target_: NeighborListTransform, r_max: " r "}\n"

static char folder[64], path[128], cache[160], elsewhere[128];
static struct text heard;

static void hear(void *context, enum log_level level, const char *message) {
    (void)context;
    if (level >= LOG_WARNING)
        text_format(&heard, "%s\n", message);
}

static void write_text(const char *to, const char *text, size_t size) {
    FILE *out = fopen(to, "wb");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(text, 1, size, out), size);
    cr_assert_eq(fclose(out), 0);
}

static void enter(void) {
    struct error error = {0};
    char from[512], *text;
    size_t size;
    snprintf(folder, sizeof folder, "/tmp/fettle-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/frames.xyz", folder);
    snprintf(cache, sizeof cache, "%s.fettle-cache", path);
    snprintf(elsewhere, sizeof elsewhere, "%s/caches", folder);
    cr_assert_eq(file_read(data_file(from, "ethanol.xyz"), &text, &size, &error), 0, "%s", error.message);
    write_text(path, text, size);
    free(text);
    setenv("FETTLE_CACHE_ABOVE", "0", 1);
    unsetenv("FETTLE_CACHE");
    setenv("XDG_CACHE_HOME", elsewhere, 1);
    log_set_sink(hear, NULL);
}

static void leave(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
    text_free(&heard);
}

static struct transforms *transforms_of(const char *yaml) {
    char text[1000];
    struct error error = {0};
    struct config *config;
    struct transforms *transforms;
    int size = snprintf(text, sizeof text, "transforms:\n%s", yaml);
    cr_assert_eq(config_parse(&config, "test.yaml", text, (size_t)size, &error), 0, "%s", error.message);
    cr_assert_eq(transforms_new(&transforms, config_get(config_root(config), "transforms"), &error), 0, "%s",
                 error.message);
    config_free(config);
    return transforms;
}

static struct dataset *read_with(const struct extxyz_keys *keys, const char *yaml) {
    struct error error = {0};
    struct transforms *transforms = transforms_of(yaml);
    struct dataset *dataset = dataset_new();
    cr_assert_eq(cache_read(dataset, path, keys, transforms, &error), 0, "%s", error.message);
    transforms_free(transforms);
    return dataset;
}

static void same_frames(const struct dataset *a, const struct dataset *b) {
    cr_assert_eq(a->count, b->count);
    for (size_t k = 0; k < a->count; k++) {
        const struct frame *x = a->frames[k], *y = b->frames[k];
        size_t n = (size_t)x->atoms, pairs = (size_t)x->npairs;
        cr_assert(x->atoms == y->atoms && x->npairs == y->npairs && x->directed == y->directed);
        cr_expect(x->has_cell == y->has_cell && x->ordinal == y->ordinal && !strcmp(x->source, y->source));
        cr_expect(!strcmp(x->unused, y->unused), "%s, %s", x->unused, y->unused);
        cr_expect(!memcmp(x->cell, y->cell, sizeof x->cell) && !memcmp(x->pbc, y->pbc, sizeof x->pbc));
        cr_expect(!memcmp(x->pos, y->pos, 3 * n * sizeof *x->pos) && !memcmp(x->symbols, y->symbols, 8 * n));
        cr_expect(!memcmp(x->numbers, y->numbers, n * sizeof(int)) && !memcmp(x->types, y->types, n * sizeof(int)));
        cr_expect(!memcmp(x->pair_i, y->pair_i, pairs * sizeof(int)));
        cr_expect(!memcmp(x->pair_j, y->pair_j, pairs * sizeof(int)));
        cr_expect(!memcmp(x->pair_shift, y->pair_shift, 3 * pairs * sizeof(int)));
        cr_assert_eq(x->nfields, y->nfields);
        for (int f = 0; f < x->nfields; f++) {
            const struct field *u = &x->fields[f], *v = &y->fields[f];
            cr_assert(!strcmp(u->name, v->name) && u->cols == v->cols && u->per_atom == v->per_atom);
            cr_expect(!memcmp(u->values, v->values, (size_t)u->cols * (u->per_atom ? n : 1) * sizeof(double)));
        }
    }
}

static int is_mapped(const struct dataset *dataset) {
    return dataset->nmaps == 1 && dataset->frames[0]->map != NULL;
}

static ino_t inode(const char *of) {
    struct stat status;
    return stat(of, &status) ? 0 : status.st_ino;
}

TestSuite(cache, .init = enter, .fini = leave);

static struct dataset *choose(const char *index) {
    struct error error = {0};
    char name[160];
    struct transforms *transforms = transforms_of(MAPPER LIST("3.0"));
    struct dataset *dataset = dataset_new();
    snprintf(name, sizeof name, "%s@%s", path, index);
    cr_assert_eq(cache_read(dataset, name, NULL, transforms, &error), 0, "%s", error.message);
    transforms_free(transforms);
    return dataset;
}

/* Each choice of frames has a cache of its own. */
Test(cache, choices_of_frames) {
    static const char *const indices[] = {":4", "4:", "-3:", "::-5"};
    for (size_t k = 0; k < 4; k++) {
        setenv("FETTLE_CACHE", "off", 1);
        struct dataset *plain = choose(indices[k]);
        unsetenv("FETTLE_CACHE");
        for (int again = 0; again < 2; again++) {
            struct dataset *cached = choose(indices[k]);
            cr_expect(is_mapped(cached));
            same_frames(cached, plain);
            dataset_free(cached);
        }
        dataset_free(plain);
    }
    cr_expect(!file_exists(cache) && strstr(heard.data ? heard.data : "", "damaged") == NULL);
}

Test(cache, frames_are_those_of_the_file) {
    const char *from[] = {"energy", "nothing"}, *to[] = {"total_energy", "something"};
    struct extxyz_keys keys = {.nmapping = 2, .mapping_from = from, .mapping_to = to};
    setenv("FETTLE_CACHE", "off", 1);
    struct dataset *plain = read_with(&keys, MAPPER LIST("3.0"));
    cr_expect(plain->nmaps == 0 && !file_exists(cache));
    unsetenv("FETTLE_CACHE");
    struct dataset *first = read_with(&keys, MAPPER LIST("3.0"));
    ino_t made = inode(cache);
    cr_expect(is_mapped(first) && made);
    same_frames(first, plain);
    text_clear(&heard);
    struct dataset *second = read_with(&keys, MAPPER LIST("3.0"));
    cr_expect_eq(inode(cache), made, "it was made again");
    same_frames(second, plain);
    cr_expect(strstr(heard.data, "no frame has the key nothing"), "a warning is given whenever the file is used");
    /* frames may be changed, which is nobody else's business */
    struct error error = {0};
    second->frames[0]->types[0] = 2;
    cr_assert_not_null(frame_set_field(second->frames[0], "forces", 1, 3, NULL));
    frame_remove_field(second->frames[1], "total_energy");
    cr_assert_eq(frame_make_directed(second->frames[0], &error), 0);
    cr_assert_eq(frame_neighbours(second->frames[1], 2.0, 0, 0, &error), 0);
    struct dataset *third = read_with(&keys, MAPPER LIST("3.0"));
    same_frames(third, plain);
    dataset_free(plain);
    dataset_free(first);
    dataset_free(second);
    dataset_free(third);
}

Test(cache, what_has_changed_is_read_again) {
    struct dataset *dataset = read_with(NULL, MAPPER LIST("3.0"));
    size_t frames = dataset->count;
    int pairs = dataset->frames[0]->npairs;
    dataset_free(dataset);
    dataset = read_with(NULL, MAPPER LIST("4.5")); /* other transforms */
    cr_expect(is_mapped(dataset) && dataset->frames[0]->npairs > pairs);
    dataset_free(dataset);
    const char *drop[] = {"energy"};
    dataset = read_with(&(struct extxyz_keys){.nexclude = 1, .exclude = drop}, MAPPER LIST("4.5")); /* other keys */
    cr_expect(is_mapped(dataset) && !frame_field(dataset->frames[0], "total_energy"));
    dataset_free(dataset);
    FILE *more = fopen(path, "a"); /* another file */
    fputs("1\nenergy=1\nC 0 0 0\n", more);
    fclose(more);
    dataset = read_with(NULL, MAPPER LIST("4.5"));
    cr_expect(is_mapped(dataset) && dataset->count == frames + 1);
    dataset_free(dataset);
}

/* The cache that is made, in memory. */
static char *good_cache(size_t *size) {
    struct error error = {0};
    char *bytes;
    dataset_free(read_with(NULL, MAPPER LIST("3.0")));
    cr_assert_eq(file_read(cache, &bytes, size, &error), 0, "%s", error.message);
    return bytes;
}

static struct dataset *read_plain(const char *yaml) {
    setenv("FETTLE_CACHE", "off", 1);
    struct dataset *plain = read_with(NULL, yaml);
    unsetenv("FETTLE_CACHE");
    return plain;
}

/* Frames are those of the file again, whatever lay there; told: with a warning. */
static void check_made_anew(const struct dataset *plain, const char *bytes, size_t size, int told, const char *what) {
    write_text(cache, bytes, size);
    text_clear(&heard);
    struct dataset *again = read_with(NULL, MAPPER LIST("3.0"));
    cr_expect(is_mapped(again));
    same_frames(again, plain);
    cr_expect(!told == !(heard.data && strstr(heard.data, "is damaged")), "%s: %s", what, heard.data);
    dataset_free(again);
}

Test(cache, what_is_damaged_is_made_again) {
    struct dataset *plain = read_plain(MAPPER LIST("3.0"));
    size_t size;
    char *bytes = good_cache(&size), what[32];
    const struct cache_head *head = (const struct cache_head *)(void *)bytes;
    const size_t lengths[] = {0, 50, sizeof *head, size - 8};
    for (int k = 0; k < 4; k++)
        check_made_anew(plain, bytes, lengths[k], k > 1, "cut");
    for (size_t at = 8; at < size; at = at < sizeof *head ? at + 7 : at + size / 23) {
        char *spoilt = malloc(size);
        memcpy(spoilt, bytes, size);
        spoilt[at] ^= 4;
        snprintf(what, sizeof what, "byte %zu", at);
        check_made_anew(plain, spoilt, size, 1, what);
        free(spoilt);
    }
    bytes[7] = '1'; /* what an older version has left */
    check_made_anew(plain, bytes, size, 0, "version");
    free(bytes);
    dataset_free(plain);
}

/* ---------------------------------------------------------------- caches that somebody has made up */

struct forged {
    char *bytes;
    struct cache_head *head;
    struct cache_record *records;
    struct cache_field *fields;
    char *arrays; /* of the first frame */
    struct cache_arrays at;
};

static int *pairs_of(const struct forged *f, size_t at) {
    return (int *)(void *)(f->arrays + at);
}

static void pair_above(struct forged *f) {
    pairs_of(f, f->at.pair_i)[0] = f->records[0].atoms;
}
static void pair_below(struct forged *f) {
    pairs_of(f, f->at.pair_j)[1] = -100000;
}
static void shift_far(struct forged *f) {
    pairs_of(f, f->at.pair_shift)[0] = INT_MIN;
}
static void shift_without_period(struct forged *f) {
    pairs_of(f, f->at.pair_shift)[2] = 1;
}
static void type_above(struct forged *f) {
    pairs_of(f, f->at.types)[0] = 3;
}
static void type_below(struct forged *f) {
    pairs_of(f, f->at.types)[0] = -1;
}
static void number_odd(struct forged *f) {
    pairs_of(f, f->at.numbers)[0] = 119;
}
static void symbol_without_end(struct forged *f) {
    memset(f->arrays + f->at.symbols, 'H', 8);
}
static void symbol_empty(struct forged *f) {
    f->arrays[f->at.symbols] = 0;
}
static void position_nan(struct forged *f) {
    ((double *)(void *)f->arrays)[1] = NAN;
}
static void cell_infinite(struct forged *f) {
    f->records[0].cell[4] = INFINITY;
}
static void no_atoms(struct forged *f) {
    f->records[0].atoms = 0;
}
static void many_atoms(struct forged *f) {
    f->records[0].atoms = INT_MAX;
}
static void many_pairs(struct forged *f) {
    f->records[0].npairs = INT_MAX;
}
static void no_pairs(struct forged *f) {
    f->records[0].npairs = -1;
    f->records[0].size = cache_lay_out((size_t)f->records[0].atoms, 0, (f->at.symbols - f->at.fields) / 8).size;
}
static void fewer_pairs(struct forged *f) {
    f->records[0].npairs = -2;
}
static void directed_odd(struct forged *f) {
    f->records[0].directed = 2;
}
static void periodic_odd(struct forged *f) {
    f->records[0].pbc[1] = 200;
}
static void periodic_without_cell(struct forged *f) {
    f->records[0].pbc[1] = 1;
    f->records[0].has_cell = 0;
}
static void another_frame(struct forged *f) {
    f->records[0].ordinal = 1;
}
static void arrays_outside(struct forged *f) {
    f->records[0].at = f->head->tables - 8;
}
static void arrays_in_the_head(struct forged *f) {
    f->records[0].at = 8;
}
static void arrays_askew(struct forged *f) {
    f->records[0].at += 4;
}
static void arrays_far(struct forged *f) {
    f->records[0].at = UINT64_MAX - 7;
}
static void many_fields(struct forged *f) {
    f->records[0].nfields = INT_MAX;
}
static void fields_outside(struct forged *f) {
    f->records[0].field = UINT64_MAX;
}
static void field_of_no_columns(struct forged *f) {
    f->fields[0].cols = 0;
}
static void fields_that_wrap(struct forged *f) {
    for (int k = 0; k < 2; k++)
        f->fields[k] = (struct cache_field){.name = {(char)('a' + k)}, .per_atom = 1, .cols = INT_MAX};
}
static void forces_of_one_column(struct forged *f) {
    for (uint64_t k = 0; k < f->head->nfields; k++)
        if (!strcmp(f->fields[k].name, "forces"))
            f->fields[k].cols = 1;
}
static void field_twice(struct forged *f) {
    memcpy(f->fields[1].name, f->fields[0].name, sizeof f->fields[1].name);
}
static void field_without_end(struct forged *f) {
    memset(f->fields[0].name, 'x', sizeof f->fields[0].name);
}
static void field_without_name(struct forged *f) {
    f->fields[0].name[0] = 0;
}
static void unused_outside(struct forged *f) {
    f->records[0].unused = UINT64_MAX;
}
static void unused_without_end(struct forged *f) {
    f->records[0].unused_size = INT_MAX;
}
static void many_frames(struct forged *f) {
    f->head->frames = UINT64_MAX / 8;
}
static void no_frames(struct forged *f) {
    f->head->frames = 0;
}
static void tables_outside(struct forged *f) {
    f->head->tables = f->head->size + 8;
}
static void strings_outside(struct forged *f) {
    f->head->strings_size = UINT64_MAX;
}
static void warnings_outside(struct forged *f) {
    f->head->warnings = UINT64_MAX - 15;
}

static const struct {
    const char *name;
    void (*make)(struct forged *f);
} forgeries[] = {
#define FORGERY(name)                                                                                                  \
    { #name, name }
    FORGERY(pair_above),
    FORGERY(pair_below),
    FORGERY(shift_far),
    FORGERY(shift_without_period),
    FORGERY(type_above),
    FORGERY(type_below),
    FORGERY(number_odd),
    FORGERY(symbol_without_end),
    FORGERY(symbol_empty),
    FORGERY(position_nan),
    FORGERY(cell_infinite),
    FORGERY(no_atoms),
    FORGERY(many_atoms),
    FORGERY(many_pairs),
    FORGERY(no_pairs),
    FORGERY(fewer_pairs),
    FORGERY(directed_odd),
    FORGERY(periodic_odd),
    FORGERY(periodic_without_cell),
    FORGERY(another_frame),
    FORGERY(arrays_outside),
    FORGERY(arrays_in_the_head),
    FORGERY(arrays_askew),
    FORGERY(arrays_far),
    FORGERY(many_fields),
    FORGERY(fields_outside),
    FORGERY(field_of_no_columns),
    FORGERY(fields_that_wrap),
    FORGERY(forces_of_one_column),
    FORGERY(field_twice),
    FORGERY(field_without_end),
    FORGERY(field_without_name),
    FORGERY(unused_outside),
    FORGERY(unused_without_end),
    FORGERY(many_frames),
    FORGERY(no_frames),
    FORGERY(tables_outside),
    FORGERY(strings_outside),
    FORGERY(warnings_outside)};

/* With hashes that are right wherever they can be told. */
static void forge(char *bytes, size_t size, void (*make)(struct forged *f)) {
    struct forged f = {.bytes = bytes, .head = (struct cache_head *)(void *)bytes};
    f.records = (struct cache_record *)(void *)(bytes + f.head->records);
    f.fields = (struct cache_field *)(void *)(bytes + f.head->fields);
    f.arrays = bytes + f.records[0].at;
    size_t doubles = 0;
    for (int k = 0; k < f.records[0].nfields; k++)
        doubles += (size_t)f.fields[k].cols * (f.fields[k].per_atom ? (size_t)f.records[0].atoms : 1);
    f.at = cache_lay_out((size_t)f.records[0].atoms, (size_t)f.records[0].npairs, doubles);
    make(&f);
    if (f.records[0].at <= size && f.records[0].size <= size - f.records[0].at)
        f.records[0].hash = hash_bytes(0, bytes + f.records[0].at, f.records[0].size);
    if (f.head->frames < 1000 && f.head->strings_size < size)
        f.head->hash = f.head->warnings < size ? cache_hash_tables(bytes, f.head) : 0;
}

Test(cache, what_is_made_up_is_not_believed) {
    struct dataset *plain = read_plain(MAPPER LIST("3.0"));
    size_t size;
    char *bytes = good_cache(&size), *made = malloc(size);
    for (size_t k = 0; k < sizeof forgeries / sizeof *forgeries; k++) {
        memcpy(made, bytes, size);
        forge(made, size, forgeries[k].make);
        cr_assert(memcmp(made, bytes, size) != 0, "%s changes nothing", forgeries[k].name);
        check_made_anew(plain, made, size, 1, forgeries[k].name);
    }
    free(made);
    free(bytes);
    dataset_free(plain);
}

/* Of the same size, and as old: still another file. */
Test(cache, is_of_the_bytes_of_its_source) {
    struct stat status;
    dataset_free(read_with(NULL, MAPPER LIST("3.0")));
    cr_assert_eq(stat(path, &status), 0);
    FILE *file = fopen(path, "r+");
    int c;
    while ((c = fgetc(file)) != '.') {
    }
    long at = ftell(file);
    c = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(c == '1' ? '2' : '1', file);
    fclose(file);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    struct dataset *dataset = read_with(NULL, MAPPER LIST("3.0")), *plain = read_plain(MAPPER LIST("3.0"));
    same_frames(dataset, plain);
    dataset_free(dataset);
    dataset_free(plain);
    /* the same bytes at another time: the same cache */
    ino_t made = inode(cache);
    cr_assert_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
    dataset_free(read_with(NULL, MAPPER LIST("3.0")));
    cr_expect_eq(inode(cache), made);
}

/* ---------------------------------------------------------------- files that change while they are used */

static int join(struct prefetch *ahead, const struct dataset *dataset, struct error *error) {
    const struct frame *const *frames = (const struct frame *const *)dataset->frames;
    static const struct batch_options options = {.types = 3};
    static struct batch *batch;
    memset(error, 0, sizeof *error);
    if (!ahead)
        return batch_join(&batch, frames, (int)dataset->count, &options, error);
    prefetch_ask(ahead, frames, (int)dataset->count, &options);
    return prefetch_join(ahead, &batch, frames, (int)dataset->count, &options, error);
}

/* On the thread that reads ahead as well as on this one. */
Test(cache, cut_while_it_is_used) {
    struct error error = {0};
    for (int threads = 0; threads < 2; threads++) {
        struct dataset *dataset = read_with(NULL, MAPPER LIST("3.0"));
        struct prefetch *ahead = threads ? prefetch_new() : NULL;
        cr_assert_eq(join(ahead, dataset, &error), 0, "%s", error.message);
        cr_assert_eq(truncate(cache, 0), 0);
        cr_expect_eq(join(ahead, dataset, &error), ERROR_DATA);
        cr_expect(strstr(error.message, "frames.xyz.fettle-cache was cut"), "%s", error.message);
        cr_expect_eq(dataset_check(dataset, &error), ERROR_DATA);
        prefetch_free(ahead);
        dataset_free(dataset);
    }
}

Test(cache, written_to_while_it_is_used) {
    struct error error = {0};
    struct dataset *dataset = read_with(NULL, MAPPER LIST("3.0"));
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    cr_assert_eq(utimensat(AT_FDCWD, cache, times, 0), 0); /* touched, and no more */
    cr_expect_eq(join(NULL, dataset, &error), 0, "%s", error.message);
    FILE *file = fopen(cache, "r+");
    fseek(file, 400, SEEK_SET);
    fputc(1, file);
    fclose(file);
    cr_expect_eq(join(NULL, dataset, &error), ERROR_DATA);
    cr_expect(strstr(error.message, "was changed"), "%s", error.message);
    dataset_free(dataset);
}

/* Where there is no place beside the file it goes elsewhere; without any it is done without, and said. */
Test(cache, places) {
    char command[400];
    cr_assert_eq(mkdir(cache, 0700), 0); /* nothing can be written under this name */
    struct dataset *dataset = read_with(NULL, MAPPER LIST("3.0"));
    cr_expect(is_mapped(dataset));
    snprintf(command, sizeof command, "ls %s/fettle/frames.xyz-*.fettle-cache >%s/listed", elsewhere, folder);
    cr_expect_eq(system(command), 0);
    dataset_free(dataset);
    setenv("FETTLE_CACHE", "/dev/null/caches", 1);
    text_clear(&heard);
    dataset = read_with(NULL, MAPPER LIST("3.0"));
    cr_expect(dataset->nmaps == 0 && dataset->count > 0);
    cr_expect(strstr(heard.data, "no place for a cache"), "%s", heard.data);
    dataset_free(dataset);
}

Test(cache, errors_are_those_of_the_file) {
    struct error error = {0}, other = {0};
    struct transforms *transforms = transforms_of(MAPPER LIST("3.0"));
    static const char bad[] = "1\n\nC 0 0 0\n2\n\nC 0 0 0\n";
    write_text(path, bad, sizeof bad - 1);
    struct dataset *dataset = dataset_new();
    cr_expect_neq(cache_read(dataset, path, NULL, transforms, &error), 0);
    setenv("FETTLE_CACHE", "off", 1);
    cr_expect_neq(cache_read(dataset, path, NULL, transforms, &other), 0);
    cr_expect_str_eq(error.message, other.message);
    cr_expect_eq(error.line, other.line);
    cr_expect(!file_exists(cache));
    dataset_free(dataset);
    transforms_free(transforms);
}
