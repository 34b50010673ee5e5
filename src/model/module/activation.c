#include "model/module/activation.h"
#include "base/text.h"

#include <string.h>

static const struct activation activations[] = {
    {"abs", UNARY_ABS, 1, 1.001110600838467},
    {"tanh", UNARY_TANH, -1, 1.5937334472592695},
    {"ssp", UNARY_SSP, 0, 1.878204668541552},
    {"silu", UNARY_SILU, 0, 1.6791767923989418},
};

enum { COUNT = sizeof activations / sizeof *activations };

const struct activation *activation_find(const char *name) {
    for (int k = 0; k < COUNT; k++)
        if (strcmp(activations[k].name, name) == 0)
            return &activations[k];
    return NULL;
}

int activation_unknown(const char *name, struct error *error) {
    const char *names[COUNT];
    for (int k = 0; k < COUNT; k++)
        names[k] = activations[k].name;
    const char *nearest = text_nearest(name, names, COUNT);
    return error_set(error, ERROR_NAME, "unknown nonlinearity \"%s\"%s: expected abs, tanh, ssp or silu", name,
                     DID_YOU_MEAN(nearest));
}
