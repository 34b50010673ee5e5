/* Techniques, and training modules as declared compositions of them.
 *
 * A technique is a layer of a training module: a const struct in a file of its own (technique_NAME.c) and one name in
 * technique.h.  It declares what it takes over; two layers of one composition may not claim the same thing,
 * except that a later layer overrides the base.  A composition is declared in composition_table.c: a _target_ and its
 * layers in order. */
#ifndef FETTLE_TRAIN_RUN_COMPOSITION_H
#define FETTLE_TRAIN_RUN_COMPOSITION_H

#include "base/arena.h"
#include "base/dtype.h"
#include "config/options.h"
#include "train/run/trainer.h"
#include "train/run/trainer_options.h"

struct trainer;
struct layer;

enum claim {
    CLAIM_BACKWARD = 1,   /* which gradients are computed, and how they become one */
    CLAIM_CLIP = 2,       /* limits the gradient */
    CLAIM_STEP = 4,       /* steps the optimizer */
    CLAIM_EVALUATION = 8, /* chooses the weights that validation and test see */
    CLAIM_COUNT = 4
};
const char *claim_name(unsigned claim); /* of one bit: "who runs backward" */

/* A number of a layer that may be looked at, and perhaps set, during a run; or such a number for each term of the loss
 * ("config_norm.forces_mse"), or for each two ("config_cosine.forces_mse.total_energy_mse").  One that is named as an
 * option of the layer is that option.  Of two layers that have one of the same name the later one's counts. */
struct layer_setting {
    const char *name; /* "ema_decay" */
    double (*get)(const struct layer *layer);
    int (*set)(struct layer *layer, double value, struct error *error); /* NULL: read only */
    int each;                                                           /* 1: term; 2: two terms; with get_at */
    double (*get_at)(const struct layer *layer, int term, int other);   /* NaN where there is nothing to tell */
    unsigned claim; /* what it is a setting of: another layer that has taken this over leaves it without effect */
};

struct technique {
    const char *name; /* "ema": also the prefix of its state's names, "ema." */
    unsigned claims;
    const struct option *options;
    size_t noptions, options_size;
    size_t private_size; /* of layer->own, zeroed */
    const struct layer_setting *settings;
    size_t nsettings;
    int separate_gradients; /* wants a gradient for each term */
    /* It claims CLAIM_BACKWARD, and steps a plateau scheduler at the end of every validation. */
    int schedules_by_hand;
    /* It claims CLAIM_EVALUATION, and files hold those weights as the model's, with those of training beside them. */
    int files_hold_evaluation;

    /* Options against the rest of the config, before data is read. */
    int (*check)(const void *options, const struct config_node *module, const struct trainer_settings *settings,
                 struct error *error);
    int (*open)(struct layer *layer, struct trainer *trainer, struct error *error); /* adds its state */
    void (*close)(struct layer *layer);
    /* Its state was read from a checkpoint, in lengths and ranges as declared, and nothing was done with it yet: an
     * error where it cannot be (state_refuse). */
    int (*check_state)(const struct layer *layer, struct error *error);
    /* The weights were read from a file, without the state that belongs to them. */
    void (*weights_read)(struct layer *layer, struct trainer *trainer);
    /* Sets the coefficients of the sum that is differentiated, where they are not the loss's own (which is logged). */
    void (*weigh)(const struct layer *layer, const struct trainer *trainer, double *coefficients);
    /* Turns the gradients of the terms into the gradient that the optimizer gets. */
    int (*combine)(struct layer *layer, struct trainer *trainer, struct error *error);
    void (*clip)(struct layer *layer, struct trainer *trainer);
    /* After an optimizer step: new weights stand in the parameters' next, not yet accepted. */
    void (*after_step)(struct layer *layer, struct trainer *trainer);
    /* What `info NAME` shows, in lines; NULL: all its settings. */
    void (*describe)(const struct layer *layer, struct text *out);
    /* An average of the weights that it keeps, a slab as theirs; files have it, and weights that are drawn anew are put
     * there too. */
    struct variable *(*average)(const struct layer *layer, enum dtype dtype);
    /* The slab that evaluation uses; NULL: the raw one. */
    const void *(*evaluation)(const struct layer *layer, enum dtype dtype);
};

struct layer {
    const struct technique *kind;
    struct trainer *trainer;
    void *options;
    void *own;
};

enum { MAX_LAYERS = 6 };

struct composition_kind {
    struct option_target target;
    const char *help;
    const struct technique *layers[MAX_LAYERS]; /* in order, the base first; NULL ends */
};

extern const struct composition_kind *const composition_kinds[];
extern const size_t composition_kind_count;
/* Compositions that somebody may look for and that do not fit; help says why that is no loss. */
extern const struct composition_kind *const composition_refused[];
extern const size_t composition_refused_count;

struct composition {
    const struct composition_kind *kind;
    struct layer layers[MAX_LAYERS];
    int nlayers;
};

/* The options that every training module has: all are maps of their own. */
struct module_options {
    const struct config_node *model, *optimizer, *lr_scheduler, *loss, *train_metrics, *val_metrics, *test_metrics;
};

/* Each argument of NequIPLightningModule; layers have rows of their own. */
const struct option *composition_module_rows(size_t *count);

/* Whether the layers fit together: unique names, the base first, no claim made twice, and the layers in the order in
 * which a step comes to what they claim (backward, clip, step, evaluation).  The error names both layers and the
 * claim. */
int composition_fits(const struct composition_kind *kind, struct error *error);
/* The kind that the _target_ of a training module names; composition_refused ones say why they are none. */
int composition_find(const struct composition_kind **out, const struct config_node *config, struct error *error);
/* Reads the options of all layers; settings are those of the trainer. */
int composition_read(struct composition *out, struct module_options *options, const struct config_node *config,
                     const struct trainer_settings *settings, struct arena *arena, struct error *error);
int composition_open(struct composition *composition, struct trainer *trainer, struct error *error);
void composition_close(struct composition *composition);
int composition_check_state(const struct composition *composition, struct error *error);
/* The layer that holds a claim: the last one that makes it. */
struct layer *composition_claimant(struct composition *composition, unsigned claim);
struct variable *composition_average(const struct composition *composition, enum dtype dtype); /* NULL: none */
int composition_separate(const struct composition *composition);

#endif
