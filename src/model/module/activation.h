/* The activations that a convolution layer can name. */
#ifndef FETTLE_MODEL_ACTIVATION_H
#define FETTLE_MODEL_ACTIVATION_H

#include "base/error.h"
#include "graph/graph.h"

struct activation {
    const char *name;
    enum unary_kind kind;
    int parity;    /* +1 an even function, -1 an odd one, 0 neither */
    double factor; /* makes the second moment over a normal distribution 1; e3nn's own Monte Carlo value */
};

const struct activation *activation_find(const char *name); /* or NULL */
int activation_unknown(const char *name, struct error *error);

#endif
