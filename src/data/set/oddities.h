/* What in a data set looks like a slip: other units, another sign, labels under other names. */
#ifndef FETTLE_DATA_SET_ODDITIES_H
#define FETTLE_DATA_SET_ODDITIES_H

#include "base/text.h"
#include "data/set/dataset.h"

/* Adds a line for each; nothing where all is as it should be.  A sample of the frames is looked at.  Only what can
 * hardly be otherwise is told: stress of a size that no solid bears, energies that are those of atoms in hartree or
 * kcal/mol, energies that do not grow with the number of atoms, differences of energies that are other multiples of the
 * work of the forces, labels of stress where there is no volume. */
int oddities_find(const struct dataset *dataset, struct text *out, struct error *error);

/* Where a frame has no such field, but keys that look like labels under other names, what would read them: ";
 * REF_energy is not read: key_mapping: {REF_energy: total_energy}".  Else nothing is added. */
void oddities_hint(const struct frame *frame, const char *field, struct text *out);

/* The field that a key's name speaks of ("REF_forces": "forces"), or NULL. */
const char *oddities_meaning(const char *key);

#endif
