/* Effective medium theory (Jacobsen, Stoltze, Norskov, Surf. Sci. 366, 394 (1996)) with the parameters and the cutoff
 * of ASE's EMT calculator: Al Cu Ag Au Ni Pd Pt, and H C N O for tests. */
#ifndef FETTLE_DATA_SET_EMT_H
#define FETTLE_DATA_SET_EMT_H

#include "data/frame/frame.h"

int emt_supports(int number);
double emt_lattice_constant(int number); /* fcc, A */
double emt_mass(int number);             /* atomic mass unit */

struct emt;
struct emt *emt_new(void); /* NULL if out of memory */
void emt_free(struct emt *emt);

/* Energy (eV), forces [atoms][3] (eV/A), stress [9] (eV/A^3; zero without a cell).  forces and stress may be NULL.  The
 * frame's own neighbour pairs are neither used nor changed. */
int emt_evaluate(struct emt *emt, const struct frame *frame, double *energy, double *forces, double *stress,
                 struct error *error);

/* Sets total_energy, forces and, in a cell that is periodic throughout, stress. */
int emt_label(struct emt *emt, struct frame *frame, struct error *error);

#endif
