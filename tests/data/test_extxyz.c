#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/format/extxyz.h"
#include "data/format/extxyz_parts.h"
#include "support.h"

static double value_of(const struct dataset *dataset, const char *field, int k) {
    const struct field *found = frame_field(dataset->frames[0], field);
    cr_assert_not_null(found, "no %s", field);
    return found->values[k];
}

Test(extxyz, plain) {
    struct dataset *dataset =
        frames_of("2\nwater without H, t = 3 = x, it's \"open\nO 0 0 0.5\nh 1.0 -2e0 .5 17 18\n\n\n", NULL);
    const struct frame *frame = dataset->frames[0];
    cr_assert(dataset->count == 1 && frame->atoms == 2 && frame->nfields == 0 && !frame->has_cell);
    cr_assert(frame->numbers[0] == 8 && frame->numbers[1] == 1 && strcmp(frame->symbols[1], "H") == 0);
    cr_assert(frame->pos[3] == 1 && frame->pos[4] == -2 && frame->pos[5] == 0.5);
    cr_assert(!frame->pbc[0] && frame->types[0] == -1 && frame->npairs == -1);
    dataset_free(dataset);
}

Test(extxyz, empty_comment_and_windows_lines) {
    struct dataset *dataset = frames_of("1\r\n\r\nCu 1 2 3\r\n1\r\nenergy=2.5\r\n29 1 2 3\r\n \r\n", NULL);
    cr_assert_eq(dataset->count, 2);
    cr_assert_str_eq(dataset->frames[1]->symbols[0], "Cu");
    cr_assert_eq(frame_field(dataset->frames[1], "total_energy")->values[0], 2.5);
    cr_assert_eq(dataset->frames[1]->ordinal, 1);
    dataset_free(dataset);
}

Test(extxyz, a_lattice_makes_it_periodic) {
    static const char cell[] = "Lattice=\"4 0 0 1 5 0 0 0 6\"";
    char text[300];
    static const struct {
        const char *pbc;
        int expected[3];
    } cases[] = {{"", {1, 1, 1}},
                 {"pbc=\"F F F\"", {0, 0, 0}},
                 {"pbc=[T, F, T]", {1, 0, 1}},
                 {"pbc=\"1 0 0\"", {1, 0, 0}},
                 {"pbc = {False True F}", {0, 1, 0}},
                 {"pbc=F", {0, 0, 0}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        snprintf(text, sizeof text, "1\n%s %s\nCu 0 0 0\n", cell, cases[k].pbc);
        struct dataset *dataset = frames_of(text, NULL);
        const struct frame *frame = dataset->frames[0];
        for (int d = 0; d < 3; d++)
            cr_assert_eq(frame->pbc[d], cases[k].expected[d], "%s", cases[k].pbc);
        cr_assert(frame->has_cell && frame->cell[3] == 1 && frame->cell[4] == 5);
        cr_assert_float_eq(frame_volume(frame), 120, 1e-12);
        dataset_free(dataset);
    }
}

Test(extxyz, values) {
    static const char *const include[] = {"a", "b", "c", "d e", "flag", "list", "old", "new", "nested", "json", "x"};
    const struct extxyz_keys keys = {.ninclude = 11, .include = include};
    struct dataset *dataset = frames_of(
        "1\na=3 b = 1.5D-01   c= -2d2 \"d e\"=7 flag list=\"1 2.5 3\" old={4 5 6} new=[7,8.5, 9] "
        "nested=[[1, 2], [3, 4]] json=\"_JSON [209.44, 80.54]\" x='T F' word=hello q=\"\" esc=\"a \\\"b\\\"\"\n"
        "Cu 0 0 0\n",
        &keys);
    cr_assert_eq(value_of(dataset, "a", 0), 3);
    cr_assert_eq(value_of(dataset, "b", 0), 0.15);
    cr_assert_eq(value_of(dataset, "c", 0), -200);
    cr_assert_eq(value_of(dataset, "d e", 0), 7);
    cr_assert_eq(value_of(dataset, "flag", 0), 1);
    cr_assert_eq(value_of(dataset, "list", 1), 2.5);
    cr_assert_eq(value_of(dataset, "old", 2), 6);
    cr_assert_eq(value_of(dataset, "new", 1), 8.5);
    cr_assert_eq(value_of(dataset, "nested", 3), 4);
    cr_assert_eq(value_of(dataset, "json", 1), 80.54);
    cr_assert_eq(value_of(dataset, "x", 1), 0);
    cr_assert_str_eq(dataset->frames[0]->unused, "word q esc");
    dataset_free(dataset);
}

Test(extxyz, columns_in_any_order) {
    static const char *const include[] = {"tags", "fixed"};
    const struct extxyz_keys keys = {.ninclude = 2, .include = include};
    struct dataset *dataset = frames_of("2\nProperties=forces:R:3:label:S:1:pos:R:3:fixed:L:1:Z:I:1:tags:I:2 energy=1\n"
                                        "1 2 3 one 4 5 6 T 29 7 8\n-1 -2 -3 two 0 0 1d0 F 79 9 10\n",
                                        &keys);
    const struct frame *frame = dataset->frames[0];
    cr_assert(frame->numbers[0] == 29 && strcmp(frame->symbols[1], "Au") == 0);
    cr_assert(frame->pos[0] == 4 && frame->pos[5] == 1);
    cr_assert(value_of(dataset, "forces", 0) == 1 && value_of(dataset, "forces", 5) == -3);
    cr_assert(value_of(dataset, "fixed", 0) == 1 && value_of(dataset, "fixed", 1) == 0);
    cr_assert(value_of(dataset, "tags", 3) == 10 && frame_field(frame, "tags")->cols == 2);
    cr_assert_str_eq(frame->unused, "label");
    dataset_free(dataset);
}

Test(extxyz, stress) {
    static const struct {
        const char *text;
        double expected[9];
    } cases[] = {{"stress=\"1 2 3 4 5 6\"", {1, 6, 5, 6, 2, 4, 5, 4, 3}},
                 {"stress=\"1 2 3 2 5 6 3 6 9\"", {1, 2, 3, 2, 5, 6, 3, 6, 9}},
                 {"stress=[[1,2,3],[2,5,6],[3,6,9]]", {1, 2, 3, 2, 5, 6, 3, 6, 9}},
                 /* not symmetric: by columns, and the upper half counts */
                 {"stress=\"1 20 30 2 5 60 3 6 9\"", {1, 2, 3, 2, 5, 6, 3, 6, 9}}};
    char text[200];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        snprintf(text, sizeof text, "1\nLattice=\"4 0 0 0 4 0 0 0 4\" %s\nCu 0 0 0\n", cases[k].text);
        struct dataset *dataset = frames_of(text, NULL);
        for (int c = 0; c < 9; c++)
            cr_assert_eq(value_of(dataset, "stress", c), cases[k].expected[c], "%s", cases[k].text);
        dataset_free(dataset);
    }
    static const char *const from[] = {"my_stress", "virial"}, *const to[] = {"stress", "virial"};
    const struct extxyz_keys keys = {.nmapping = 2, .mapping_from = from, .mapping_to = to};
    struct dataset *dataset =
        frames_of("1\nmy_stress=\"1 2 3 4 5 6 7 8 9\" virial=\"1 2 3 4 5 6 7 8 9\"\nCu 0 0 0\n", &keys);
    for (int c = 0; c < 9; c++) { /* under a name of its own by rows, "virial" by columns */
        cr_assert_eq(value_of(dataset, "stress", c), c + 1);
        cr_assert_eq(value_of(dataset, "virial", c), c % 3 * 3 + c / 3 + 1);
    }
    dataset_free(dataset);
}

Test(extxyz, keys) {
    static const char text[] = "1\nProperties=species:S:1:pos:R:3:dft_f:R:3:forces:R:3 energy=1 dft_energy=2 "
                               "free_energy=3 virial=\"1 0 0 0 1 0 0 0 1\"\nCu 0 0 0 1 2 3 4 5 6\n";
    struct dataset *dataset = frames_of(text, NULL);
    cr_assert_eq(value_of(dataset, "total_energy", 0), 1);
    cr_assert_eq(value_of(dataset, "free_energy", 0), 3);
    cr_assert_eq(value_of(dataset, "forces", 0), 4);
    cr_assert_eq(dataset->frames[0]->nfields, 3);
    cr_assert_str_eq(dataset->frames[0]->unused, "dft_energy virial dft_f");
    dataset_free(dataset);

    static const char *const from[] = {"dft_energy", "dft_f"}, *const to[] = {"total_energy", "forces"};
    static const char *const exclude[] = {"energy", "forces", "free_energy"};
    struct extxyz_keys keys = {.nmapping = 2, .mapping_from = from, .mapping_to = to};
    dataset = frames_of(text, &keys); /* a calculator's results go first */
    cr_assert_eq(value_of(dataset, "total_energy", 0), 1);
    cr_assert_eq(value_of(dataset, "forces", 0), 4);
    dataset_free(dataset);
    keys.nexclude = 3;
    keys.exclude = exclude;
    dataset = frames_of(text, &keys);
    cr_assert_eq(value_of(dataset, "total_energy", 0), 2);
    cr_assert_eq(value_of(dataset, "forces", 2), 3);
    cr_assert_eq(dataset->frames[0]->nfields, 2);
    dataset_free(dataset);

    static const char *const energy[] = {"energy"}, *const other[] = {"my_energy"};
    dataset = frames_of(text, &(struct extxyz_keys){.nmapping = 1, .mapping_from = energy, .mapping_to = other});
    cr_assert_null(frame_field(dataset->frames[0], "total_energy"));
    cr_assert_eq(value_of(dataset, "my_energy", 0), 1);
    dataset_free(dataset);
    dataset = frames_of(text, &(struct extxyz_keys){.plain = 1});
    cr_assert_eq(dataset->frames[0]->nfields, 0);
    dataset_free(dataset);
}

/* What ASE hands on of any form is nobody's fault where no model learns it; energies of atoms give way to the frame's.
 */
Test(extxyz, columns_and_keys_of_another_form) {
    struct dataset *dataset =
        frames_of("2\nProperties=species:S:1:pos:R:3:magmom:R:1:energy:R:1:charges:S:1 energy=-3 magmom=\"1 2\" "
                  "free_energy=none dipole=\"1 2 3\"\nCu 0 0 0 1 2 a\nCu 0 0 2 1 2 b\n"
                  "1\nProperties=species:S:1:pos:R:3:energy:R:1\nCu 0 0 0 1\n",
                  NULL);
    const struct frame *frame = dataset->frames[0];
    cr_assert_eq(frame->nfields, 2);
    cr_assert_eq(frame_field(frame, "total_energy")->values[0], -3);
    cr_assert_eq(frame_field(frame, "dipole")->cols, 3);
    cr_assert_str_eq(frame->unused, "magmom free_energy magmom energy charges");
    cr_assert(!frame_field(dataset->frames[1], "total_energy"));
    dataset_free(dataset);
}

Test(extxyz, a_byte_order_mark) {
    struct dataset *dataset = frames_of("\xEF\xBB\xBF"
                                        "1\nenergy=2\nCu 0 0 0\n",
                                        NULL);
    cr_assert_eq(frame_field(dataset->frames[0], "total_energy")->values[0], 2);
    dataset_free(dataset);
}

Test(extxyz, numbers) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1},
                {"-0.0", -0.0},
                {"+.5", .5},
                {"5.", 5},
                {"1e-6", 1e-6},
                {"2.5E+3", 2500},
                {"1D2", 100},
                {"-1029.4889999855063", -1029.4889999855063},
                {"0.1234567890123456789012345", 0.1234567890123456789012345},
                {"123456789012345678901234567890", 123456789012345678901234567890.0},
                {"1e400", INFINITY},
                {"4.9406564584124654e-324", 4.9406564584124654e-324},
                {"1e-400", 0},
                {"inf", INFINITY},
                {"-Infinity", -INFINITY},
                {"9007199254740993", 9007199254740993.0},
                {"1d-30", 1e-30},
                {"0.000000000000000000000000000001234", 1.234e-30}};
    static const char *const bad[] = {"",      "-",   ".", "e5",  "1e",    "1e+", "0x10",
                                      "1.2.3", "1 2", "T", "--1", "1_000", "infi"};
    double value;
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        cr_assert(xyz_number(good[k].text, strlen(good[k].text), &value), "%s", good[k].text);
        cr_assert_eq(value, good[k].value, "%s: %.17g", good[k].text, value);
    }
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        cr_assert_not(xyz_number(bad[k], strlen(bad[k]), &value), "%s", bad[k]);
    cr_assert(xyz_number("NaN", 3, &value) && isnan(value));
}

struct bad_text {
    const char *text;
    int line;
    const char *says;
};

static const struct bad_text bad_texts[] = {
    {"x\n", 1, "number of atoms"},
    {"2.5\nc\n", 1, "number of atoms"},
    {"1 2\nc\nCu 0 0 0\n", 1, "number of atoms"},
    {"0\nc\n", 1, "no atoms"},
    {"-4\nc\n", 1, "no atoms"},
    {"99999999999\nc\nCu 0 0 0\n", 1, "ends before"},
    {"2\n", 1, "ends"},
    {"2\nc\nCu 0 0 0\n", 3, "should have 2 atoms, and has 1"},
    {"1\nc\nCu 0 0\n", 3, "ends before column 3 of positions"},
    {"1\nc\nCu 0 zero 0\n", 3, "\"zero\""},
    {"1\nc\n0 0 0 0\n", 3, "symbols"},
    {"1\nc\nCu 0 0 0\n\n1\nc\nCu 0 0 0\n", 4, "blank line"},
    {"1\nc\nCu 0 0 0\nCu 0 0 0\n", 4, "number of atoms"},
    {"1\nLattice=\"1 2 3\"\nCu 0 0 0\n", 2, "9 numbers"},
    {"1\npbc=\"T T T\"\nCu 0 0 0\n", 2, "no cell"},
    {"1\nLattice=\"0 0 0 0 0 0 0 0 0\"\nCu 0 0 0\n", 2, "no cell"},
    {"1\npbc=\"T T\"\nCu 0 0 0\n", 2, "three truth values"},
    {"1\nProperties=species:S:1:pos:R\nCu 0 0 0\n", 2, "Properties"},
    {"1\nProperties=species:S:1:pos:R:2\nCu 0 0\n", 2, "3 columns"},
    {"1\nProperties=species:S:1:pos:R:3:a:Q:1\nCu 0 0 0 1\n", 2, "R, I, S or L"},
    {"1\nProperties=species:S:1:pos:R:3:a:R:0\nCu 0 0 0\n", 2, "columns"},
    {"1\nProperties=species:S:1:pos:R:3:a:R:99999999\nCu 0 0 0\n", 2, "columns"},
    {"1\nProperties=species:S:1:pos:R:3:pos:R:3\nCu 0 0 0 0 0 0\n", 2, "twice"},
    {"1\nProperties=species:S:1\nCu 0 0 0\n", 2, "pos:R:3"},
    {"1\nProperties=species:S:1:pos:R:3:forces:R:2\nCu 0 0 0 1 2\n", 2, "forces has 2 columns"},
    {"1\nProperties=species:S:1:pos:R:3:forces:S:3\nCu 0 0 0 a b c\n", 2, "strings"},
    {"1\nenergy=lots\nCu 0 0 0\n", 2, "\"lots\""},
    {"1\nenergy=\"1 2\"\nCu 0 0 0\n", 2, "energy has 2 numbers"},
    {"1\nstress=\"1 2 3\"\nCu 0 0 0\n", 2, "6 or 9"},
    {"1\nc\nUnobtainium 0 0 0\n", 3, "Unobtainium"}};

ParameterizedTestParameters(extxyz, errors) {
    static int cases[sizeof bad_texts / sizeof *bad_texts];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        cases[k] = (int)k;
    return cr_make_param_array(int, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(int *k, extxyz, errors) {
    struct error error = error_of(bad_texts[*k].text, NULL);
    cr_assert_str_eq(error.file, "text.xyz");
    cr_assert_eq(error.line, bad_texts[*k].line, "line %d: %s", error.line, error.message);
    cr_assert(strstr(error.message, bad_texts[*k].says), "%s", error.message);
}

Test(extxyz, files) {
    char path[512];
    struct error error = {0};
    struct dataset *dataset = dataset_new();
    cr_assert_eq(dataset_read(dataset, data_file(path, "nowhere.xyz"), NULL, &error), ERROR_IO);
    cr_assert(strstr(error.message, "nowhere.xyz") || strstr(error.file, "nowhere.xyz"));
    snprintf(path, sizeof path, "/tmp/fettle-empty-%d.xyz", (int)getpid());
    FILE *file = fopen(path, "w");
    fclose(file);
    memset(&error, 0, sizeof error);
    cr_assert_eq(dataset_read(dataset, path, NULL, &error), ERROR_DATA);
    cr_assert(strstr(error.message, "empty"), "%s", error.message);
    remove(path);
    dataset_free(dataset);
}

static char *text_of(const struct dataset *dataset) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    for (size_t k = 0; k < dataset->count; k++)
        extxyz_write(stream, dataset->frames[k]);
    fclose(stream);
    return text;
}

Test(extxyz, round_trip) {
    static const char *const include[] = {"virial", "my scalar", "spins"};
    const struct extxyz_keys keys = {.ninclude = 3, .include = include};
    struct random_stream stream;
    struct dataset *dataset = dataset_new();
    random_seed(&stream, 12);
    for (int k = 0; k < 5; k++) {
        struct frame *frame = random_frame(&stream, 1 + k, 5, 0.3, (unsigned)k);
        double values[20];
        for (int v = 0; v < 20; v++)
            values[v] = exp(uniform(&stream, -40, 40)) * (v % 2 ? 1 : -1);
        values[3] = values[1]; /* a stress is symmetric */
        values[6] = values[2];
        values[7] = values[5];
        frame_set_field(frame, "stress", 0, 9, values);
        frame_set_field(frame, "virial", 0, 9, values + 9);
        values[0] = -5; /* must not come back as an integer */
        frame_set_field(frame, "total_energy", 0, 1, values);
        frame_set_field(frame, "my scalar", 0, 1, values + 1);
        frame_set_field(frame, "forces", 1, 3, values);
        frame_set_field(frame, "atomic_energy", 1, 1, values + 3);
        frame_set_field(frame, "spins", 1, 2, values + 5);
        cr_assert_eq(dataset_add(dataset, frame, NULL), 0);
    }
    char *text = text_of(dataset);
    cr_assert(strstr(text, "energy=-5.0 "));
    struct dataset *again = frames_of(text, &keys);
    cr_assert_eq(again->count, dataset->count);
    for (size_t k = 0; k < again->count; k++) {
        const struct frame *a = dataset->frames[k], *b = again->frames[k];
        cr_assert_eq(a->atoms, b->atoms);
        cr_assert_arr_eq(a->pos, b->pos, (size_t)a->atoms * 3 * sizeof(double));
        cr_assert_arr_eq(a->cell, b->cell, sizeof a->cell);
        cr_assert_arr_eq(a->pbc, b->pbc, 3);
        cr_assert_eq(a->nfields, b->nfields);
        for (int f = 0; f < a->nfields; f++) {
            const struct field *x = &a->fields[f], *y = frame_field(b, x->name);
            cr_assert(y && y->cols == x->cols && y->per_atom == x->per_atom, "%s", x->name);
            cr_assert_arr_eq(x->values, y->values,
                             (size_t)x->cols * (x->per_atom ? (size_t)a->atoms : 1) * sizeof(double), "%s", x->name);
        }
    }
    free(text);
    dataset_free(again);
    dataset_free(dataset);
}

/* Whatever becomes of a file, reading it ends with frames or with an error. */
Test(extxyz, fuzz) {
    static const char seed[] =
        "2\nLattice=\"4 0 0 0 4.5 0 0.1 0 5\" Properties=species:S:1:pos:R:3:forces:R:3:tag:L:1 energy=-1.25 "
        "stress=[[1,2,3],[2,4,5],[3,5,6]] pbc=\"T T F\" dft = 'x y' note={a \\\" b}\n"
        "Cu 0 0 0 1 2 3 T\nAu 1.5 2.5e0 3.5D0 -1 -2 -3 F\n"
        "1\n\nH 0 0 0 0 0 0 0\n1\nProperties=Z:I:1:pos:R:3\n29 1 2 3\n";
    static const char bytes[] = "\n\r \t=\"'{}[]\\:,.-+eEdDTFnN0123456789RISLaZ\0\xff";
    struct random_stream stream;
    random_seed(&stream, 2024);
    int good = 0, bad = 0;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof seed + 16];
        size_t size = sizeof seed - 1;
        memcpy(text, seed, size);
        int changes = 1 + (int)(random_u32(&stream) % 6);
        for (int c = 0; c < changes; c++) {
            size_t at = random_u32(&stream) % size;
            char byte = bytes[random_u32(&stream) % (sizeof bytes - 1)];
            switch (random_u32(&stream) % 5) {
            case 0:
                text[at] = byte;
                break;
            case 1: /* insert */
                if (size < sizeof text - 1) {
                    memmove(text + at + 1, text + at, size - at);
                    text[at] = byte;
                    size++;
                }
                break;
            case 2: /* delete */
                memmove(text + at, text + at + 1, size - at - 1);
                size -= size > 1;
                break;
            case 3: { /* copy a stretch over another place */
                size_t from = random_u32(&stream) % size, length = random_u32(&stream) % 30;
                length = at + length > size ? size - at : length;
                length = from + length > size ? size - from : length;
                memmove(text + at, text + from, length);
                break;
            }
            default: /* cut short */
                if (random_u32(&stream) % 4 == 0)
                    size = at + 1;
            }
        }
        char *exact = malloc(size); /* so that a sanitizer sees the first byte too many */
        memcpy(exact, text, size);
        struct extxyz_reader *reader;
        struct frame *frame;
        struct error error = {0};
        cr_assert_eq(extxyz_open(&reader, "fuzz", exact, size, NULL, &error), 0);
        int code;
        do {
            code = extxyz_next(reader, &frame, &error);
            if (frame)
                frame_neighbours(frame, 3, 0, 1 << 20, NULL);
            if (frame)
                frame_free(frame);
        } while (!code && frame);
        if (code)
            cr_assert(error.message[0] && error.line > 0, "%s", error.message);
        good += !code;
        bad += code != 0;
        extxyz_close(reader);
        free(exact);
    }
    cr_assert_gt(good, 1000);
    cr_assert_gt(bad, 1000);
}

/* Numbers of 15 to 19 digits, and those next to the middle between two doubles, come out as strtod has them. */
Test(extxyz, numbers_are_rounded_once) {
    unsigned long long state = 88172645463325252ull;
    for (int k = 0; k < 200000; k++) {
        char text[80];
        double value, digits;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        int places = 15 + k % 5;
        unsigned long long mantissa = state;
        if (k % 3 == 0) /* the middle, in 54 bits, times a power of ten that divides out */
            snprintf(text, sizeof text, "%llu.%dE%d", (state >> 10 | 1ull << 53 | 1), k % 2, k % 7 - 3);
        else
            snprintf(text, sizeof text, "%s%.*LfE%d", k % 2 ? "-" : "", places - 3,
                     (long double)(mantissa % 1000000007ull) / 1000003.0L, k % 61 - 30);
        cr_assert(xyz_number(text, strlen(text), &value), "%s", text);
        digits = strtod(text, NULL);
        cr_assert_eq(memcmp(&value, &digits, sizeof value), 0, "%s: %.17g, not %.17g", text, value, digits);
    }
}

/* To the C library a zero byte ends a text: a symbol would be empty, a comment cut short. */
Test(extxyz, zero_bytes) {
    static const struct {
        const char *text;
        size_t size;
        int line;
    } cases[] = {{"1\n\nH\0 0 0 0\n", 13, 3}, {"1\na\0b\nH 0 0 0\n", 14, 2}, {"1\n\nH 0 0 0\0\n", 13, 3}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct extxyz_reader *reader;
        struct frame *frame;
        struct error error = {0};
        cr_assert_eq(extxyz_open(&reader, "a.xyz", cases[k].text, cases[k].size, NULL, &error), 0);
        cr_expect_neq(extxyz_next(reader, &frame, &error), 0);
        cr_expect_null(frame);
        cr_expect_eq(error.line, cases[k].line);
        cr_expect(strstr(error.message, "a zero byte"), "%s", error.message);
        extxyz_close(reader);
    }
}
