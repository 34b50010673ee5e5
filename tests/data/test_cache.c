/* The cache of a file: frames from it are those of the file, and it is made anew when it must be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "data/cache.h"
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

Test(cache, what_is_damaged_is_made_again) {
    setenv("FETTLE_CACHE", "off", 1);
    struct dataset *plain = read_with(NULL, MAPPER LIST("3.0"));
    unsetenv("FETTLE_CACHE");
    dataset_free(read_with(NULL, MAPPER LIST("3.0")));
    struct error error = {0};
    char *bytes;
    size_t size;
    cr_assert_eq(file_read(cache, &bytes, &size, &error), 0);
    for (int k = 0; k < 6; k++) {
        char *spoilt = malloc(size);
        size_t now = k == 0 ? 0 : k == 1 ? 50 : k == 2 ? size - 8 : size;
        memcpy(spoilt, bytes, size);
        if (k >= 3) /* in the head, in the tables */
            memset(spoilt + (k == 3 ? 16 : k == 4 ? 32 : (size_t)((const long *)(void *)bytes)[3]), 0x55, 40);
        write_text(cache, spoilt, now);
        struct dataset *again = read_with(NULL, MAPPER LIST("3.0"));
        cr_expect(is_mapped(again));
        same_frames(again, plain);
        dataset_free(again);
        free(spoilt);
    }
    free(bytes);
    dataset_free(plain);
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
