/* Extended XYZ (and plain XYZ): frames from and to text, with ASE's reading of the format and NequIP's of the keys. */
#ifndef FETTLE_DATA_EXTXYZ_H
#define FETTLE_DATA_EXTXYZ_H

#include <stdint.h>
#include <stdio.h>
#include "data/frame/frame.h"

/* Which keys become fields, and under which name.  Kept by default are ASE's calculator properties (energy, forces,
 * stress, free_energy, energies, stresses, dipole, charges, magmom, magmoms, ...), of which "energy" becomes
 * "total_energy" and "energies" "atomic_energy".  Where one field has several sources, a calculator property goes
 * before another key of the comment line, and that before a column.  All lists may be empty. */
struct extxyz_keys {
    int nmapping;
    const char *const *mapping_from, *const *mapping_to; /* key_mapping */
    int ninclude;
    const char *const *include; /* include_keys */
    int nexclude;
    const char *const *exclude; /* exclude_keys */
    int plain;                  /* format xyz: the comment line says nothing */
    int whole_name;             /* do_not_split_by_at_sign: an @ in a file's name chooses no frames */
};

struct extxyz_reader;

/* name stands in messages and becomes frame->source: it must outlive the frames.  The text must outlive the reader.
 * keys may be NULL (the default ones) and must outlive the reader. */
int extxyz_open(struct extxyz_reader **out, const char *name, const char *text, size_t size,
                const struct extxyz_keys *keys, struct error *error);
/* The same of a file, of which a piece is in memory at a time; hashed: extxyz_hash is wanted, and the file is read to
 * its end.  path may choose frames ("a.xyz@:100", data/selection.h): the others are passed over. */
int extxyz_open_file(struct extxyz_reader **out, const char *name, const char *path, int hashed,
                     const struct extxyz_keys *keys, struct error *error);
/* The next frame; *out is NULL at the end of the text.  ERROR_INTERRUPT within a frame too. */
int extxyz_next(struct extxyz_reader *reader, struct frame **out, struct error *error);
/* Whether the frames are meant in the order from the last to the first ("a.xyz@::-1"); they come in that of the file.
 */
int extxyz_descends(const struct extxyz_reader *reader);
/* Why a file gave no frame, in words. */
const char *extxyz_nothing(const struct extxyz_reader *reader);
/* frame->unused of its frames points into memory of the reader: put it elsewhere first. */
void extxyz_close(struct extxyz_reader *reader);

/* Of a file, once it was read to its end: how large it was, and its hash (data/input.h). */
uint64_t extxyz_size(const struct extxyz_reader *reader);
uint64_t extxyz_hash(const struct extxyz_reader *reader);

/* The warnings that reading gave, a line each. */
const char *extxyz_warnings(const struct extxyz_reader *reader);

/* Writes a frame with all its fields under the names that ASE reads (total_energy as energy), in numbers that read
 * back as the same double.  Failed writes show in ferror(out). */
void extxyz_write(FILE *out, const struct frame *frame);
/* The same, in the middle of which it may be interrupted: ERROR_INTERRUPT. */
int extxyz_write_or_stop(FILE *out, const struct frame *frame, struct error *error);

#endif
