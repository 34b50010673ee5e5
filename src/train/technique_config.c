/* ConFIG: conflict-free combination of the gradients of the loss terms (arXiv 2408.11104), as NequIP's
 * ConFIGLightningModule does it. */
#include "train/technique.h"

const struct technique technique_config = {.name = "config"};
