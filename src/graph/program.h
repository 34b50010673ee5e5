#include "graph/run/program.h"
