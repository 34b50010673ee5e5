/* What a model gives. */
#ifndef FETTLE_MODEL_EMIT_MODEL_OUTPUTS_H
#define FETTLE_MODEL_EMIT_MODEL_OUTPUTS_H

struct node;

/* float64 nodes; forces, stress and virial are NULL where no derivatives were asked for. */
struct model_outputs {
    struct node *total_energy;  /* [frames,1] eV */
    struct node *atomic_energy; /* [atoms,1] eV */
    struct node *forces;        /* [atoms,3] eV/A */
    struct node *stress;        /* [frames,9] eV/A^3 */
    struct node *virial;        /* [frames,9] eV */
};

#endif
