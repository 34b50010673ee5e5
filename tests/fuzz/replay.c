/* Instead of libFuzzer: the files that are named, and those in folders that are, are given to fuzz_input, once each. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common.h"

static void replay(const char *path) {
    struct stat status;
    struct dirent *entry;
    DIR *entries = opendir(path);
    if (entries) {
        while ((entry = readdir(entries))) {
            char below[PATH_MAX];
            if (entry->d_name[0] != '.' && snprintf(below, sizeof below, "%s/%s", path, entry->d_name) > 0)
                replay(below);
        }
        closedir(entries);
        return;
    }
    FILE *file = fopen(path, "rbe");
    if (!file || fstat(fileno(file), &status))
        fuzz_fail("cannot read %s: %s", path, strerror(errno));
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size ? size : 1); /* no byte more than it has: the sanitizer sees what is read beyond */
    if (!data || fread(data, 1, size, file) != size)
        fuzz_fail("cannot read %s", path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout); /* before it may crash */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv) {
    for (int k = 1; k < argc; k++) /* they are named from where the program was started */
        if (!(argv[k] = realpath(argv[k], NULL)))
            fuzz_fail("argument %d is no file", k);
    fuzz_begin(1);
    for (int k = 1; k < argc; k++) {
        replay(argv[k]);
        free(argv[k]);
    }
    return 0;
}
