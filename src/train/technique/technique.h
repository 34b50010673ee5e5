/* The techniques there are. */
#ifndef FETTLE_TRAIN_TECHNIQUE_H
#define FETTLE_TRAIN_TECHNIQUE_H

#include "train/run/composition.h"

extern const struct technique technique_base, technique_ema, technique_conflict_free, technique_schedulefree,
    technique_mconfig, technique_adaptive_clip;

#endif
