#include "base/foreign.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum kind { EXTXYZ, FRAMES, PACKED, TEXT16, ARRAYS, WEIGHTS, TORCH, POINTER, OTHER };

static const struct signature {
    size_t at, size;
    const char *bytes, *what;
    enum kind kind;
    const char *command; /* for what is packed */
} signatures[] = {
    {0, 3, "BZh", "compressed by bzip2", PACKED, "bunzip2"},
    {0, 6,
     "\xFD"
     "7zXZ",
     "compressed by xz", PACKED, "unxz"},
    {0, 4, "\x28\xB5\x2F\xFD", "compressed by zstd", PACKED, "unzstd"},
    {0, 4, "\x04\x22\x4D\x18", "compressed by lz4", PACKED, "unlz4"},
    {0, 2, "\x1F\x8B", "compressed by gzip", PACKED, "gunzip"},
    {0, 2, "\xFF\xFE", "text in UTF-16", TEXT16, NULL},
    {0, 2, "\xFE\xFF", "text in UTF-16", TEXT16, NULL},
    {0, 21, "- of UlmASE-Trajectory", "a trajectory of ASE", FRAMES, NULL},
    {0, 8, "- of Ulm", "a binary file of ASE or GPAW (ulm)", FRAMES, NULL},
    {0, 16, "SQLite format 3", "a data base of ASE (SQLite)", FRAMES, NULL},
    {0, 14, "ITEM: TIMESTEP", "a dump of LAMMPS, which has no energies", FRAMES, NULL},
    {0, 5, "<?xml", "XML, as VASP's vasprun.xml is", FRAMES, NULL},
    {0, 6, " vasp.", "an OUTCAR of VASP", FRAMES, NULL},
    {0, 3, "CDF", "a NetCDF file", FRAMES, NULL},
    {0, 6, "\x93NUMPY", "one array of NumPy", ARRAYS, NULL},
    {0, 8, "\x89HDF\r\n\x1A\n", "an HDF5 file", ARRAYS, NULL},
    {16, 4, "\xDE\xC0\xEF\xBE", "an LMDB data base", ARRAYS, NULL},
    {0, 2, "\x80\x02", "a pickle of Python", TORCH, NULL},
    {0, 2, "\x80\x03", "a pickle of Python", OTHER, NULL},
    {0, 2, "\x80\x04", "a pickle of Python", OTHER, NULL},
    {0, 2, "\x80\x05", "a pickle of Python", OTHER, NULL},
    {0, 4,
     "\x7F"
     "ELF",
     "a program or a library", OTHER, NULL},
    {0, 4, "%PDF", "a PDF document", OTHER, NULL},
    {0, 8, "\x89PNG\r\n\x1A\n", "a PNG picture", OTHER, NULL},
    {257, 5, "ustar", "a tar archive", PACKED, "tar -xf"},
    {0, 40, "version https://git-lfs.github.com/spec/", "a pointer of Git LFS", POINTER, NULL},
};

static const char *find(const char *head, size_t size, const char *what) {
    return memmem(head, size, what, strlen(what));
}

/* A zip archive by the name of what is first in it. */
static const char *name_archive(const char *head, size_t size, enum kind *kind) {
    char name[256] = "";
    size_t length = size > 30 ? (size_t)(unsigned char)head[26] : 0;
    if (length && 30 + length <= size)
        memcpy(name, head + 30, length);
    *kind = ARRAYS;
    if (strstr(name, ".npy"))
        return "an archive of arrays of NumPy (npz)";
    *kind = TORCH;
    if (strstr(name, ".pkl") || strstr(name, "/byteorder") || strstr(name, ".data/") || strstr(name, ".format_version"))
        return find(head, size, "torch_package") || strstr(name, ".data/")
                   ? "a package of PyTorch (NequIP's .nequip.zip)"
                   : "a checkpoint of PyTorch (NequIP's .ckpt)";
    *kind = name[0] ? OTHER : TORCH;
    return name[0] ? "a zip archive" : "a zip archive, as a checkpoint of PyTorch (NequIP's .ckpt) is";
}

/* The eight bytes of a length, and JSON. */
static int is_safetensors(const char *head, size_t size) {
    return size > 9 && head[8] == '{' && !head[4] && !head[5] && !head[6] && !head[7];
}

/* A number alone on the first line, and columns or a cell named on the second. */
static int is_extxyz(const char *head, size_t size) {
    size_t at = 0;
    size = size < FOREIGN_BYTES ? size : FOREIGN_BYTES;
    while (at < size && (head[at] == ' ' || (head[at] >= '0' && head[at] <= '9')))
        at++;
    if (!at || at == size || (head[at] != '\n' && head[at] != '\r'))
        return 0;
    return find(head + at, size - at, "Properties=") || find(head + at, size - at, "Lattice=");
}

static const char *identify(const char *head, size_t size, enum kind *kind, const char **command) {
    for (size_t k = 0; k < sizeof signatures / sizeof *signatures; k++) {
        const struct signature *s = &signatures[k];
        if (size >= s->at + s->size && !memcmp(head + s->at, s->bytes, s->size)) {
            *kind = s->kind;
            *command = s->command;
            return s->what;
        }
    }
    if (size >= 4 && !memcmp(head, "PK\x03\x04", 4))
        return name_archive(head, size, kind);
    if (is_safetensors(head, size)) {
        *kind = WEIGHTS;
        return "weights (safetensors)";
    }
    if (is_extxyz(head, size)) {
        *kind = EXTXYZ;
        return "frames of atoms (extended XYZ)";
    }
    return NULL;
}

/* What begins as YAML may, where frames are expected. */
static const char *name_text(const char *head, size_t size, enum kind *kind) {
    *kind = OTHER;
    if (find(head, size, "_target_:"))
        return "a configuration (YAML)";
    *kind = FRAMES;
    if (size > 5 && !memcmp(head, "data_", 5))
        return "a CIF file, which has no energies";
    return *head == '{' && find(head, size, "\"numbers\"") ? "a data base of ASE (JSON)" : NULL;
}

/* "train.xyz" for "data/train.traj": what a converted file may be called. */
static void rename_to(char *out, size_t size, const char *path, const char *suffix) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t length = dot && dot > path ? (size_t)(dot - path) : strlen(path);
    snprintf(out, size, "%.*s%s", (int)(length < 300 ? length : 300), path, suffix);
}

/* What helps wherever the file stands; 0 where nothing does. */
static int help_anywhere(enum kind kind, const char *command, const char *path, const char *suffix, char *out,
                         size_t size) {
    char to[320];
    rename_to(to, sizeof to, path, suffix);
    if (kind == PACKED)
        snprintf(out, size, ", which is not read: %s %s", command, path);
    else if (kind == TEXT16)
        snprintf(out, size, ": iconv -f UTF-16 -t UTF-8 %s > %s makes it readable", path, to);
    else if (kind == POINTER)
        snprintf(out, size, ": git lfs pull fetches the file itself");
    else
        return 0;
    return 1;
}

static void help_frames(enum kind kind, const char *path, char *out, size_t size) {
    char to[320];
    rename_to(to, sizeof to, path, ".xyz");
    if (kind == FRAMES)
        snprintf(out, size, ": ase convert %s %s makes frames of it", path, to);
    else if (kind == ARRAYS)
        snprintf(
            out, size,
            ": frames are read as extended XYZ, which ase.io.write(\"%s\", [ase.Atoms(...), ...]) writes in Python",
            to);
    else
        snprintf(out, size, ", where frames as extended XYZ are expected");
}

/* How weights of PyTorch become some that are read. */
static void help_torch(enum foreign_place place, const char *path, char *out, size_t size) {
    char to[320], then[800];
    rename_to(to, sizeof to, path, ".safetensors");
    if (place == FOREIGN_WEIGHTS)
        snprintf(then, sizeof then, "%s takes its place", to);
    else
        snprintf(then, sizeof then, "eval --model CONFIG.yaml --weights %s, or run CONFIG.yaml --init %s", to, to);
    snprintf(out, size,
             ", which Python turns into weights that are read: python -c \"import torch, safetensors.torch as s; "
             "w = torch.load('%s', map_location='cpu', weights_only=False)['state_dict']; "
             "s.save_file({k: v.contiguous() for k, v in w.items() if v.numel()}, '%s')\"; then %s",
             path, to, then);
}

static void help_config(enum kind kind, const char *path, char *out, size_t size) {
    static const char expected[] = ", where a configuration (YAML) is expected";
    char xyz[320], yaml[320];
    rename_to(xyz, sizeof xyz, path, ".xyz");
    rename_to(yaml, sizeof yaml, path, ".yaml");
    if (kind == TORCH)
        help_torch(FOREIGN_CONFIG, path, out, size);
    else if (kind == EXTXYZ)
        snprintf(out, size, "%s: fettle new %s -o %s writes one for them", expected, path, yaml);
    else if (kind == FRAMES)
        snprintf(out, size, "%s: ase convert %s %s makes frames of it, and fettle new %s -o %s a configuration",
                 expected, path, xyz, xyz, yaml);
    else if (kind == WEIGHTS)
        snprintf(out, size,
                 "%s: eval --model CONFIG.yaml --weights %s takes them, and run CONFIG.yaml --init %s begins with them",
                 expected, path, path);
    else
        snprintf(out, size, "%s", expected);
}

int foreign_refuse(enum foreign_place place, const char *path, const char *head, size_t size, struct error *error) {
    static const char *const suffixes[] = {".xyz", ".yaml", ".safetensors"};
    enum kind kind = OTHER;
    const char *command = NULL, *what = size ? identify(head, size, &kind, &command) : NULL;
    char help[2400];
    if (!what && size && place == FOREIGN_FRAMES)
        what = name_text(head, size, &kind);
    if (!what || (place == FOREIGN_WEIGHTS && kind == WEIGHTS) || (place == FOREIGN_FRAMES && kind == EXTXYZ))
        return 0;
    if (help_anywhere(kind, command, path, suffixes[place], help, sizeof help))
        ;
    else if (place == FOREIGN_FRAMES)
        help_frames(kind, path, help, sizeof help);
    else if (place == FOREIGN_CONFIG)
        help_config(kind, path, help, sizeof help);
    else if (kind == TORCH)
        help_torch(place, path, help, sizeof help);
    else
        snprintf(help, sizeof help, ", where weights (safetensors) are expected");
    return error_set(error, ERROR_SYNTAX, "%s is %s%s", path, what, help);
}
