/* A first NequIP config for a file of frames. */
#ifndef FETTLE_UI_DRAFT_CONFIG_H
#define FETTLE_UI_DRAFT_CONFIG_H

#include "base/text.h"
#include "data/set/dataset.h"

enum draft_label { DRAFT_ENERGY, DRAFT_FORCES, DRAFT_STRESS, DRAFT_VIRIAL, DRAFT_LABELS };

/* What the frames are, and what follows from it. */
struct draft {
    const char *path;
    size_t frames, train, val;     /* val 0: too few to share, the same frames validate */
    size_t batch, epochs;          /* frames a batch; as many epochs as make enough steps */
    size_t labelled[DRAFT_LABELS]; /* frames with the label, under whatever name */
    const char *key[DRAFT_LABELS]; /* the key of the file, where it needs a key_mapping; else NULL */
    int types, numbers[120];       /* elements, by atomic number */
    double free_atoms[120];        /* by type: energies of frames of one atom, eV; NaN where there is none */
    double mean_atoms, r_max, neighbours;
    size_t volumes;   /* frames with one */
    struct text keys; /* where key[] lies */
};

/* ERROR_DATA where nothing can be learnt from the frames. */
int draft_make(struct draft *out, const struct dataset *dataset, const char *path, struct error *error);
void draft_free(struct draft *draft);

/* `remarks` stand as comments at the top, a line each; may be NULL. */
void draft_write(const struct draft *draft, const char *remarks, struct text *out);

#endif
