/* A run that stays open from input to input: its model and programs are built once, and its state is put back. */
#ifndef FETTLE_TESTS_FUZZ_KEPT_H
#define FETTLE_TESTS_FUZZ_KEPT_H

#include "config/node.h"
#include "train/run/trainer.h"

struct kept {
    struct config *config;
    int batches; /* that it trains at the beginning */
    struct trainer *trainer;
    struct trainer_point *start; /* after these */
    long inputs;
};

/* The config is the caller's, and stays. */
void kept_open(struct kept *kept, struct config *config, int batches);
/* Where it was after kept_open. */
void kept_return(struct kept *kept);
/* What an input has become trains on, or fails and says why. */
void kept_train(struct kept *kept, int batches);

#endif
