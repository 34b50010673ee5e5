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
    } cases[] = {{"- of UlmASE-Trajectory", 30, FOREIGN_FRAMES, "ase convert a.b/frames.dat a.b/frames.xyz"},
                 {"SQLite format 3", 30, FOREIGN_FRAMES, "ase convert"},
                 {"BZh9", 30, FOREIGN_FRAMES, "bunzip2 a.b/frames.dat"},
                 {"\x89HDF\r\n\x1A\n", 30, FOREIGN_FRAMES, "HDF5"},
                 {"PK\3\4", 60, FOREIGN_WEIGHTS, "torch.load"},
                 {"PK\3\4", 60, FOREIGN_CONFIG, "a.b/frames.safetensors"},
                 {"data: {_target_: x}", 19, FOREIGN_FRAMES, "a configuration"},
                 {"data: {_target_: x}", 19, FOREIGN_CONFIG, NULL},
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
}
