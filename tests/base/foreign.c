/* Files of other programs are named for what they are; the program's own are not. */
#include "base/foreign.h"
#include <criterion/criterion.h>
#include <string.h>

Test(foreign, by_their_first_bytes) {
    static const struct {
        const char *bytes;
        size_t size;
        enum foreign_place place;
        const char *told;
    } cases[] = {
        {"- of UlmASE-Trajectory", 30, FOREIGN_FRAMES, "ase convert a.b/frames.dat a.b/frames.xyz"},
        {"SQLite format 3", 30, FOREIGN_FRAMES, "ase convert"},
        {"BZh9", 30, FOREIGN_FRAMES, "bunzip2 a.b/frames.dat"},
        {"\x89HDF\r\n\x1A\n", 30, FOREIGN_FRAMES, "HDF5"},
        {"PK\3\4", 60, FOREIGN_WEIGHTS, "torch.load"},
        {"PK\3\4", 60, FOREIGN_WEIGHTS, "then a.b/frames.safetensors takes its place"},
        {"PK\3\4", 60, FOREIGN_CONFIG, "run CONFIG.yaml --init a.b/frames.safetensors"},
        {"data: {_target_: x}", 19, FOREIGN_FRAMES, "a configuration"},
        {"data: {_target_: x}", 19, FOREIGN_CONFIG, NULL},
        {"data_dir: x", 11, FOREIGN_CONFIG, NULL},
        {"data_cu", 7, FOREIGN_FRAMES, "ase convert"},
        {"SQLite format 3", 30, FOREIGN_CONFIG,
         "is a data base of ASE (SQLite), where a configuration (YAML) is expected: ase convert a.b/frames.dat "
         "a.b/frames.xyz makes frames of it, and fettle new a.b/frames.xyz -o a.b/frames.yaml"},
        {"\x1F\x8B", 30, FOREIGN_CONFIG, "gunzip a.b/frames.dat"},
        {"\xFF\xFE", 30, FOREIGN_CONFIG, "iconv -f UTF-16 -t UTF-8 a.b/frames.dat > a.b/frames.yaml"},
        {"version https://git-lfs.github.com/spec/v1", 42, FOREIGN_WEIGHTS, "git lfs pull"},
        {"\x80\x03", 30, FOREIGN_CONFIG, "a pickle"},
        {"\x89PNG\r\n\x1A\n", 30, FOREIGN_CONFIG, "a PNG picture"},
        {"3\nLattice=\"1 0 0\"", 19, FOREIGN_CONFIG, "fettle new a.b/frames.dat -o a.b/frames.yaml"},
        {"3\nProperties=species", 20, FOREIGN_WEIGHTS, "frames of atoms"},
        {"3\nProperties=species", 20, FOREIGN_FRAMES, NULL},
        {"3\nH 0 0 0", 9, FOREIGN_FRAMES, NULL},
        {"", 0, FOREIGN_FRAMES, NULL}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct error error = {0};
        char head[64] = "";
        memcpy(head, cases[k].bytes, strlen(cases[k].bytes));
        int code = foreign_refuse(cases[k].place, "a.b/frames.dat", head, cases[k].size, &error);
        cr_expect_eq(code != 0, cases[k].told != NULL, "%zu: %s", k, error.message);
        cr_expect(!cases[k].told || strstr(error.message, cases[k].told), "%zu: %s", k, error.message);
    }
}

/* The first name in the archive tells what it is. */
Test(foreign, archives) {
    struct error error = {0};
    char head[64] = "PK\3\4";
    head[26] = 10;
    memcpy(head + 30, "charge.npy", 10);
    cr_expect(foreign_refuse(FOREIGN_FRAMES, "a.npz", head, sizeof head, &error) && strstr(error.message, "NumPy"));
    error = (struct error){0};
    memcpy(head + 30, "x/data.pkl", 10);
    cr_expect(foreign_refuse(FOREIGN_FRAMES, "a", head, sizeof head, &error) && strstr(error.message, "PyTorch"));
    error = (struct error){0};
    char tar[512] = "frames.xyz";
    memcpy(tar + 257, "ustar", 5);
    cr_expect(foreign_refuse(FOREIGN_CONFIG, "a.tar", tar, sizeof tar, &error) &&
              strstr(error.message, "tar -xf a.tar"));
}
