#include "base/kind.h"

#include <string.h>

static const struct {
    size_t offset, size;
    const char *bytes, *name;
} kinds[] = {
    {0, 2, "\x1f\x8b", "gzip data"},
    {0, 4, "PK\003\004",
     "a zip archive, as checkpoints of PyTorch and Lightning (.ckpt, .pt) and packages of NequIP are"},
    {0, 4, "\x28\xb5\x2f\xfd", "zstd data"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "xz data"},
    {0, 3, "BZh", "bzip2 data"},
    {0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file"},
    {0, 3, "CDF", "a NetCDF file"},
    {0, 16, "SQLite format 3\0", "an SQLite database, as ASE's .db files are"},
    {0, 8, "- of Ulm", "an ASE trajectory (.traj)"},
    {0, 2, "\x80\x02", "a Python pickle, as old checkpoints of PyTorch are"},
    {0, 2, "\x80\x03", "a Python pickle"},
    {0, 2, "\x80\x04", "a Python pickle"},
    {0, 2, "\x80\x05", "a Python pickle"},
    {0, 6, "\x93NUMPY", "a NumPy array (.npy)"},
    {257, 5, "ustar", "a tar archive"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program or a library"},
    {0, 4, "%PDF", "a PDF document"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, 40, "version https://git-lfs.github.com/spec/", "a pointer of Git LFS: `git lfs pull` fetches the file itself"},
};

/* A number alone on the first line, and columns or a cell named on the second. */
static int is_extxyz(const char *bytes, size_t size) {
    size_t at = 0;
    while (at < size && (bytes[at] == ' ' || (bytes[at] >= '0' && bytes[at] <= '9')))
        at++;
    if (!at || at == size || (bytes[at] != '\n' && bytes[at] != '\r'))
        return 0;
    char line[KIND_BYTES + 1];
    size_t left = size - at < KIND_BYTES ? size - at : KIND_BYTES;
    memcpy(line, bytes + at, left);
    line[left] = 0;
    return strstr(line, "Properties=") || strstr(line, "Lattice=");
}

const char *kind_of(const void *bytes, size_t size) {
    const unsigned char *b = bytes;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kinds[k].offset + kinds[k].size <= size && !memcmp(b + kinds[k].offset, kinds[k].bytes, kinds[k].size))
            return kinds[k].name;
    /* the length of a header in eight bytes, and the header, which is JSON */
    if (size > 9 && b[8] == '{' && !b[4] && !b[5] && !b[6] && !b[7])
        return "a safetensors file";
    if (is_extxyz(bytes, size))
        return "frames of atoms (extxyz)";
    return NULL;
}
